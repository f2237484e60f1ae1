"""The change feed's rows, written by triggers (see the migration `0014_changes`), never by us."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.catalog.states import ChangeKind
from marketplace.core.db import Base

KINDS = ", ".join(f"'{kind.value}'" for kind in ChangeKind)


class ListingChange(Base):
    """A listing that the public sees changed, once a transaction and kind. Never updated.

    `transaction` is PostgreSQL's 64-bit number of the transaction that did it: the feed's order,
    complete below the oldest transaction that still runs (`queries.changes`).
    """

    __tablename__ = "listing_change"
    __table_args__ = (CheckConstraint(f"kind IN ({KINDS})", name="kind"),)

    transaction: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    listing_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class ListingChangeStart(Base):
    """One row: the feed is complete from after this transaction on; what was before is deleted."""

    __tablename__ = "listing_change_start"
    __table_args__ = (CheckConstraint("id = 1", name="id"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    transaction: Mapped[int] = mapped_column(BigInteger)
