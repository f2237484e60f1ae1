"""Addresses to reply to: whose reply it is and an HMAC of that, in letters that mail leaves alone.

Mail programs change the case of addresses, so the token is base32: 42 letters for a UUID and 80
bits that can't be guessed. What our mail server hands on is signed with a secret of its own:
`<unix time>.<hex HMAC-SHA256 of "time.content">`.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

ID = 16
MAC = 10
PREFIX = "r."
TOLERANCE = 300.0


class HmacReplySigner:
    """Serves `booking.gateway.ReplySigner`. Signs with the first key, reads with any."""

    def __init__(self, keys: Sequence[str], domain: str | None, secret: str | None) -> None:
        self._keys = [
            hmac.digest(key.encode(), b"marketplace replies", hashlib.sha256) for key in keys
        ]
        self._domain, self._secret = domain, secret

    def address(self, reader_id: UUID) -> str | None:
        if self._domain is None:
            return None
        token = reader_id.bytes + _mac(self._keys[0], reader_id.bytes)
        local = base64.b32encode(token).decode().rstrip("=").lower()
        return f"{PREFIX}{local}@{self._domain}"

    def read(self, address: str) -> UUID | None:
        local, _, domain = address.strip().lower().rpartition("@")
        if self._domain is None or domain != self._domain.lower() or local[:2] != PREFIX:
            return None
        text = local[2:].upper()
        try:
            raw = base64.b32decode(text + "=" * (-len(text) % 8))
        except binascii.Error:
            return None
        key, mac = raw[:ID], raw[ID:]
        if len(raw) != ID + MAC:
            return None
        if not any(hmac.compare_digest(mac, _mac(one, key)) for one in self._keys):
            return None
        return UUID(bytes=key)

    def handed_on(self, signature: str, content: bytes, now: datetime) -> bool:
        stamp, _, shown = signature.partition(".")
        if not self._secret or not stamp.isascii() or not stamp.isdigit():
            return False
        if abs(now.timestamp() - float(stamp[:15])) > TOLERANCE:
            return False
        return hmac.compare_digest(shown.encode(), signed(self._secret, stamp, content).encode())


def signed(secret: str, stamp: str, content: bytes) -> str:
    """Return the hex HMAC by which a mail server shows that it is ours."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + content, hashlib.sha256).hexdigest()


def _mac(key: bytes, reader: bytes) -> bytes:
    return hmac.digest(key, reader, hashlib.sha256)[:MAC]
