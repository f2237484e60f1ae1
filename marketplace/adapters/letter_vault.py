"""Seals letters by AES-256-GCM: a key a letter, itself sealed under the service's key."""

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from marketplace.core.errors import Unavailable
from marketplace.outcomes.gateway import Sealed

NONCE = 12  # bytes, as NIST SP 800-38D recommends for GCM


class AesLetterVault:
    """Serves `outcomes.gateway.LetterVault`; the label is authenticated with the content."""

    def __init__(self, key: str) -> None:
        """`key`: 32 bytes in URL-safe base64."""
        self._key = AESGCM(base64.urlsafe_b64decode(key))

    def seal(self, label: str, content: bytes) -> Sealed:
        key = AESGCM.generate_key(bit_length=256)
        return Sealed(
            _encrypt(AESGCM(key), content, label),
            _encrypt(self._key, key, label),
        )

    def open(self, label: str, sealed: Sealed) -> bytes:
        try:
            key = _decrypt(self._key, sealed.sealed_key, label)
            return _decrypt(AESGCM(key), sealed.ciphertext, label)
        except (InvalidTag, ValueError) as error:
            raise Unavailable("This letter can't be opened: tell the operator.") from error


def _encrypt(cipher: AESGCM, content: bytes, label: str) -> bytes:
    nonce = secrets.token_bytes(NONCE)
    return nonce + cipher.encrypt(nonce, content, label.encode())


def _decrypt(cipher: AESGCM, sealed: bytes, label: str) -> bytes:
    return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], label.encode())
