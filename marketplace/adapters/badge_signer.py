"""Signs credentials: RS256 (RFC 7518, section 3.3), the algorithm that Open Badges 3.0 requires.

Written on `cryptography` alone: a compact JWS is two objects in base64url and a signature.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SHORTEST = 2048  # bits, RFC 7518 section 3.3


class BadKey(ValueError):
    """A key of the settings can't be used: the process does not start."""


class RsaCredentialSigner:
    """Serves `outcomes.gateway.CredentialSigner`."""

    def __init__(self, keys: Sequence[str]) -> None:
        """`keys`: DER in URL-safe base64, newest first; the first signs, so it is a private one."""
        self._texts = tuple(keys)
        self._private: rsa.RSAPrivateKey | None = None
        self._jwks: tuple[Mapping[str, str], ...] = ()

    def sign(self, claims: Mapping[str, Any], key_address: str) -> str:
        private = self._read()
        header = {"alg": "RS256", "kid": key_address + self._jwks[0]["kid"], "typ": "JWT"}
        signed = f"{_part(header)}.{_part(claims)}"
        signature = private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64url(signature)}"

    def public_keys(self) -> Sequence[Mapping[str, str]]:
        self._read()
        return self._jwks

    def _read(self) -> rsa.RSAPrivateKey:
        """Read the keys when they are first needed: it takes longer than the rest of a start."""
        if self._private is None:
            first, *older = (base64.b64decode(text, altchars=b"-_") for text in self._texts)
            private = _private(first)
            self._jwks = tuple(
                _jwk(key) for key in (private.public_key(), *(_public(der) for der in older))
            )
            self._private = private
        return self._private


def _private(der: bytes) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_der_private_key(der, password=None)
    except ValueError as error:
        raise BadKey("the first of BADGE_KEYS is no private key in DER") from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < SHORTEST:
        raise BadKey(f"BADGE_KEYS: RSA of {SHORTEST} bits or more expected")
    return key


def _public(der: bytes) -> rsa.RSAPublicKey:
    """A key that only verifies: its public half, or the private key that it was."""
    try:
        key = serialization.load_der_public_key(der)
    except ValueError:
        return _private(der).public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < SHORTEST:
        raise BadKey(f"BADGE_KEYS: RSA of {SHORTEST} bits or more expected")
    return key


def _jwk(key: rsa.RSAPublicKey) -> Mapping[str, str]:
    """The key as a JWK; its `kid` is its thumbprint (RFC 7638), so a key keeps its name for good."""
    numbers = key.public_numbers()
    needed = {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}
    thumbprint = sha256(json.dumps(needed, separators=(",", ":"), sort_keys=True).encode())
    return {**needed, "alg": "RS256", "use": "sig", "kid": _base64url(thumbprint.digest())}


def _part(members: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode())


def _number(value: int) -> str:
    return _base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
