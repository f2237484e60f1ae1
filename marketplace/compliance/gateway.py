"""What compliance needs from outside: sealing of documents, signed links."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol
from uuid import UUID


class DocumentVault(Protocol):
    """Seals documents so that neither a copy of the files nor one of the database can be read."""

    def new_key(self, label: str) -> bytes:
        """Return a new key, sealed under the service's; `label` (the object's key) is bound to it."""

    def seal(self, label: str, sealed_key: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the sealed content, in constant memory."""

    def open(self, label: str, sealed_key: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the content; `Unavailable` as soon as a piece of it proves tampered with."""


class LinkSigner(Protocol):
    """Makes and reads tokens for links that work without an account."""

    def sign(self, purpose: str, link_id: UUID, expires_at: datetime) -> str:
        """Return a URL-safe token for `link_id`, good for this purpose until then."""

    def read(self, purpose: str, token: str, now: datetime) -> UUID | None:
        """Return the link's id; None if the token is forged, for another purpose, or expired."""

    def is_over(self, purpose: str, token: str, now: datetime) -> bool:
        """Whether the token is genuine, for this purpose, and expired."""
