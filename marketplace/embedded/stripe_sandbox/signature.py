"""The ``Stripe-Signature`` header (https://docs.stripe.com/webhooks#verify-manually)."""

import hashlib
import hmac
from collections.abc import Sequence


def sign(payload: bytes, secret: str, timestamp: int) -> str:
    """Hexadecimal HMAC-SHA256 of ``timestamp.payload``."""
    message = str(timestamp).encode() + b"." + payload
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def header(payload: bytes, secrets: Sequence[str], timestamp: int) -> str:
    """``t=…,v1=…``, with a signature for each secret while one is being rotated."""
    signatures = [f"v1={sign(payload, secret, timestamp)}" for secret in secrets]
    return ",".join([f"t={timestamp}", *signatures])
