"""Signatures as the Standard Webhooks specification has them (version 1.0.0, symmetric, `v1`).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

SECRET_MARK = "whsec_"  # noqa: S105 - how a secret begins, none itself
# The specification asks for 24 to 64.
SECRET_BYTES = 32


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def written(secret: bytes) -> str:
    """The secret as its owner keeps it."""
    return SECRET_MARK + base64.b64encode(secret).decode()


def headers(
    message_id: str, timestamp: int, body: bytes, secrets_: Sequence[bytes]
) -> dict[str, str]:
    """Return the three headers of an attempt at `timestamp` (seconds of the Unix epoch).

    One signature for each secret, so that both the old and the new one verify while it is rotated.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
        for secret in secrets_
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
