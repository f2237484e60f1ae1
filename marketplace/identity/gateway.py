"""What identity needs signed: links in mails that work without signing in."""

from datetime import datetime
from typing import Protocol
from uuid import UUID


class LinkSigner(Protocol):
    """Makes and reads tokens for links that work without an account."""

    def sign(self, purpose: str, link_id: UUID, expires_at: datetime) -> str:
        """Return a URL-safe token for `link_id`, good for this purpose until then."""

    def read(self, purpose: str, token: str, now: datetime) -> UUID | None:
        """Return the link's id; None if the token is forged, for another purpose, or expired."""
