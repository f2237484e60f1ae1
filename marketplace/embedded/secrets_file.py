"""The secrets of one home: made once, kept in a file that only its owner can read."""

import base64
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self, TypeVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from marketplace.embedded.processes import StackError, write_private

Made = TypeVar("Made", bound="Secrets")
# A key that files of earlier versions lack is made when they are read.
LATER = "badge_key"


def new_badge_key() -> str:
    """Return a private RSA key of 2,048 bits in DER, URL-safe base64."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return base64.urlsafe_b64encode(der).decode()


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """What signs sessions and credentials, salts passwords, seals letters, proves the sandbox."""

    secret_key: str
    password_salt: str
    letter_key: str  # 32 bytes, URL-safe base64
    stripe_secret_key: str
    stripe_webhook_secret: str
    badge_key: str

    @classmethod
    def new(cls) -> Self:
        """Fresh random ones."""
        return cls(
            secret_key=secrets.token_urlsafe(48),
            password_salt=secrets.token_urlsafe(24),
            letter_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            stripe_secret_key=f"sk_test_{secrets.token_hex(24)}",
            stripe_webhook_secret=f"whsec_{secrets.token_hex(24)}",
            badge_key=new_badge_key(),
        )

    @classmethod
    def of(cls, path: Path) -> Self:
        """Those kept in the file, made and kept now if it does not exist."""
        if not path.exists():
            return _kept(cls.new(), path)
        try:
            known = json.loads(path.read_text())
            if LATER in known:
                return cls(**known)
            return _kept(cls(**known, badge_key=new_badge_key()), path)
        except (ValueError, TypeError) as error:
            raise StackError(
                f"{path} can't be read ({error}); restore it, or delete the whole folder"
            ) from error


def _kept(made: Made, path: Path) -> Made:
    write_private(path, json.dumps(asdict(made), indent=1) + "\n")
    return made
