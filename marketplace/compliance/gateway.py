"""What compliance needs from outside: sealing of documents, a look for viruses, signed links."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Finding:
    """What a scanner says of a file: the virus by its name, or None; by which signatures."""

    virus: str | None
    engine: str


class VirusScanner(Protocol):
    """Looks for viruses in files."""

    @property
    def present(self) -> bool:
        """Whether there is one: where there is none, files are called unscanned."""

    def scan(self, pieces: Iterable[bytes]) -> Finding:
        """Look at a whole file; `Unavailable` if that can't be done now, so that it is clean to nobody."""


class LinkSigner(Protocol):
    """Makes and reads tokens for links that work without an account."""

    def sign(self, purpose: str, link_id: UUID, expires_at: datetime) -> str:
        """Return a URL-safe token for `link_id`, good for this purpose until then."""

    def read(self, purpose: str, token: str, now: datetime) -> UUID | None:
        """Return the link's id; None if the token is forged, for another purpose, or expired."""
