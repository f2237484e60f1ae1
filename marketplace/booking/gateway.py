"""What booking needs signed: the addresses at which people answer messages by mail."""

from datetime import datetime
from typing import Protocol
from uuid import UUID


class ReplySigner(Protocol):
    """Makes reply addresses, and tells who hands on what was sent to them."""

    def address(self, reader_id: UUID) -> str | None:
        """Return the address of one person in one thread; None where mail can't be answered."""

    def read(self, address: str) -> UUID | None:
        """Return whose address it is; None if it is none of ours, or forged."""

    def handed_on(self, signature: str, content: bytes, now: datetime) -> bool:
        """Tell whether `content` comes from our own mail server, and did so within five minutes."""
