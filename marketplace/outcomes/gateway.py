"""What outcomes needs from outside: sealing of letters, and signed links."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True)
class Sealed:
    """Content encrypted under a key of its own, and that key encrypted under the service's."""

    ciphertext: bytes
    sealed_key: bytes


class LetterVault(Protocol):
    """Seals letters so that neither a copy of the files nor one of the database can be read."""

    def seal(self, label: str, content: bytes) -> Sealed:
        """Encrypt `content` under a new key; `label` (the object's key) is bound to it."""

    def open(self, label: str, sealed: Sealed) -> bytes:
        """Decrypt; `Unavailable` if the content, its key or its label has been tampered with."""


class LinkSigner(Protocol):
    """Makes and reads tokens for links that work without an account."""

    def sign(self, purpose: str, link_id: UUID, expires_at: datetime) -> str:
        """Return a URL-safe token for `link_id`, good for this purpose until then."""

    def read(self, purpose: str, token: str, now: datetime) -> UUID | None:
        """Return the link's id; None if the token is forged, for another purpose, or expired."""

    def is_over(self, purpose: str, token: str, now: datetime) -> bool:
        """Whether the token is genuine, for this purpose, and expired."""


class CredentialSigner(Protocol):
    """Signs credentials as JSON Web Tokens, and says by which keys they are verified."""

    def sign(self, claims: Mapping[str, Any], key_address: str) -> str:
        """Return `claims` as a compact JWS (RS256); `kid` is `key_address` and the key's name."""

    def public_keys(self) -> Sequence[Mapping[str, str]]:
        """Return the public keys as JWKs (RFC 7517), the one that signs first."""
