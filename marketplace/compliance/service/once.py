"""Links that open something once and soon: one mechanism, a table for each kind of thing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import update

from marketplace.compliance.errors import LinkExpired, LinkUsed
from marketplace.compliance.gateway import LinkSigner
from marketplace.core.db import Session, UsedOnce, affected
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id

LIFE = timedelta(minutes=2)

Row = TypeVar("Row", bound=UsedOnce)


@dataclass(frozen=True)
class Link:
    token: str
    expires_at: datetime


class OnceLinks(Generic[Row]):
    """The links of one table; `purpose` keeps their tokens from opening anything else."""

    def __init__(self, purpose: str, table: type[Row]) -> None:
        self.purpose = purpose
        self.table = table

    def make(self, session: Session, signer: LinkSigner, now: datetime, **about: Any) -> Link:
        """Return a link that works for `LIFE`; `about` is the rest of its row."""
        link = self.table(id=new_id(), made_at=now, expires_at=now + LIFE, **about)
        session.add(link)
        session.flush()
        return Link(signer.sign(self.purpose, link.id, link.expires_at), link.expires_at)

    def find(self, session: Session, signer: LinkSigner, token: str, now: datetime) -> Row:
        """Return the row of a link that works, and leave it so.

        Who has a genuine one is told why it works no more (`LinkUsed`, `LinkExpired`), others
        nothing (`NotFound`).
        """
        link_id = signer.read(self.purpose, token, now)
        if link_id is None and signer.is_over(self.purpose, token, now):
            raise LinkExpired
        link = session.get(self.table, link_id) if link_id is not None else None
        if link is None:
            raise NotFound
        if link.used_at is not None:
            raise LinkUsed
        if link.expires_at <= now:
            raise LinkExpired
        return link

    def use_up(self, session: Session, link: Row, now: datetime) -> None:
        """Take the one use; of two at once the other gets `LinkUsed`."""
        claim = (
            update(self.table)
            .where(self.table.id == link.id, self.table.used_at.is_(None))
            .values(used_at=now)
        )
        if not affected(session, claim):
            raise LinkUsed
