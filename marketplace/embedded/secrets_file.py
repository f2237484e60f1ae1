"""The secrets of one home: made once, kept in a file that only its owner can read."""

import base64
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from marketplace.embedded.processes import StackError, write_private


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """What signs sessions, salts passwords, seals letters and authenticates the sandbox."""

    secret_key: str
    password_salt: str
    letter_key: str  # 32 bytes, URL-safe base64
    stripe_secret_key: str
    stripe_webhook_secret: str

    @classmethod
    def new(cls) -> Self:
        """Fresh random ones."""
        return cls(
            secret_key=secrets.token_urlsafe(48),
            password_salt=secrets.token_urlsafe(24),
            letter_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            stripe_secret_key=f"sk_test_{secrets.token_hex(24)}",
            stripe_webhook_secret=f"whsec_{secrets.token_hex(24)}",
        )

    @classmethod
    def of(cls, path: Path) -> Self:
        """Those kept in the file, made and kept now if it does not exist."""
        if not path.exists():
            made = cls.new()
            write_private(path, json.dumps(asdict(made), indent=1) + "\n")
            return made
        try:
            return cls(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise StackError(
                f"{path} can't be read ({error}); restore it, or delete the whole folder"
            ) from error
