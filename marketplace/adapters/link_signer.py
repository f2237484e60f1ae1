"""Tokens for links without an account: link id, expiry and purpose under an HMAC-SHA256.

A forged or expired token is refused without a look at the database; a genuine one is still only
good while its hash is on record there.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

ID = 16
EXPIRY = 8
MAC = 32


class HmacLinkSigner:
    """Serves `outcomes.gateway.LinkSigner`. Signs with the first key, reads with any."""

    def __init__(self, keys: Sequence[str]) -> None:
        # A key of its own, derived, so that no other signature of ours can be passed off as a link.
        self._keys = [
            hmac.digest(key.encode(), b"marketplace links", hashlib.sha256) for key in keys
        ]

    def sign(self, purpose: str, link_id: UUID, expires_at: datetime) -> str:
        body = link_id.bytes + int(expires_at.timestamp()).to_bytes(EXPIRY, "big")
        token = body + _mac(self._keys[0], purpose, body)
        return base64.urlsafe_b64encode(token).rstrip(b"=").decode()

    def read(self, purpose: str, token: str, now: datetime) -> UUID | None:
        body = self._genuine(purpose, token)
        return None if body is None or _over(body, now) else UUID(bytes=body[:ID])

    def is_over(self, purpose: str, token: str, now: datetime) -> bool:
        body = self._genuine(purpose, token)
        return body is not None and _over(body, now)

    def _genuine(self, purpose: str, token: str) -> bytes | None:
        """The id and end of a token of ours for this purpose; None for any other."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            return None
        body, mac = raw[: ID + EXPIRY], raw[ID + EXPIRY :]
        if len(raw) != ID + EXPIRY + MAC:
            return None
        if not any(hmac.compare_digest(mac, _mac(key, purpose, body)) for key in self._keys):
            return None
        return body


def _over(body: bytes, now: datetime) -> bool:
    return int.from_bytes(body[ID:], "big") <= now.timestamp()


def _mac(key: bytes, purpose: str, body: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b"\0" + body, hashlib.sha256)
