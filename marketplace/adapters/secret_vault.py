"""Seals secrets by which calls are signed: AES-256-GCM under a key derived from the service's."""

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from marketplace.core.errors import Unavailable

NONCE = 12  # bytes, as NIST SP 800-38D recommends for GCM


class AesSecretVault:
    """Serves `webhooks.gateway.SecretVault`."""

    def __init__(self, key: str) -> None:
        """`key`: 32 bytes in URL-safe base64; secrets have a key of their own derived from it."""
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"marketplace webhook secrets")
        self._key = AESGCM(derive.derive(base64.urlsafe_b64decode(key)))

    def seal(self, label: str, secret: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._key.encrypt(nonce, secret, label.encode())

    def open(self, label: str, sealed: bytes) -> bytes:
        try:
            return self._key.decrypt(sealed[:NONCE], sealed[NONCE:], label.encode())
        except (InvalidTag, ValueError) as error:
            raise Unavailable("This secret can't be opened: tell the operator.") from error
