"""Seats are rows of a pool and a week, and every edit of them is kept.

A listing draws on one pool or more, and takes a seat in all of them or in none. The histories
(`calendar_edit`, `seat_edit`, `listing_closing`) are append-only by trigger.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.catalog.states import EditKind
from marketplace.core.db import Base, created_at, pk


class SeatPool(Base):
    """Seats that one or more listings of a site draw on; `version` counts edits of its calendar.

    With a preceptor it is theirs: only listings that they teach draw on it.
    """

    __tablename__ = "seat_pool"
    __table_args__ = (
        ForeignKeyConstraint(["preceptor_id", "site_id"], ["preceptor.id", "preceptor.site_id"]),
        Index("ix_seat_pool_site_id", "site_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    preceptor_id: Mapped[uuid.UUID | None]
    name: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[datetime] = created_at()


class ListingPool(Base):
    """Which pools a listing draws on: one at least."""

    __tablename__ = "listing_pool"
    __table_args__ = (Index("ix_listing_pool_pool_id", "pool_id"),)

    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("seat_pool.id"), primary_key=True)


class SeatWeek(Base):
    """The seats of a pool in the week from Monday `week`: never more taken than there are.

    A closed week has none; `closed_capacity` is what it has again when it is opened.
    """

    __tablename__ = "seat_week"
    __table_args__ = (
        CheckConstraint("taken >= 0 AND taken <= capacity", name="taken"),
        CheckConstraint("extract(isodow FROM week) = 1", name="monday"),
        CheckConstraint(
            "closed_capacity IS NULL OR (closed_capacity >= 0 AND capacity = 0)", name="closed"
        ),
    )

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("seat_pool.id"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True)
    capacity: Mapped[int] = mapped_column(SmallInteger)
    taken: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"), default=0)
    closed_capacity: Mapped[int | None] = mapped_column(SmallInteger)


KINDS = ", ".join(f"'{kind.value}'" for kind in EditKind)


class CalendarEdit(Base):
    """One edit of a site's calendars: who, when, why, and what was asked. Append-only by trigger.

    What it changed is in `seat_edit` by pool and in `listing_closing` by listing. An edit is undone
    once at most, by another edit.
    """

    __tablename__ = "calendar_edit"
    __table_args__ = (
        CheckConstraint(f"kind IN ({KINDS})", name="kind"),
        CheckConstraint("(undoes IS NOT NULL) = (kind = 'undo')", name="undoes"),
        UniqueConstraint("undoes"),
        Index("ix_calendar_edit_site_id", "site_id", "id"),
    )

    id: Mapped[uuid.UUID] = pk()
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    recorded_at: Mapped[datetime]
    kind: Mapped[str]
    why: Mapped[str]
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB)
    undoes: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("calendar_edit.id"))


class SeatEdit(Base):
    """What an edit made of a pool's weeks, in runs; `version` is the pool's after it.

    Append-only by trigger.
    """

    __tablename__ = "seat_edit"
    __table_args__ = (Index("ix_seat_edit_edit_id", "edit_id"),)

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("seat_pool.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    edit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("calendar_edit.id"))
    changes: Mapped[list[Any]] = mapped_column(JSONB)


class ListingClosing(Base):
    """The weeks that an edit closed or opened for one listing; `version` is the listing's after it.

    Append-only by trigger.
    """

    __tablename__ = "listing_closing"
    __table_args__ = (
        ForeignKeyConstraint(
            ["listing_id", "version"], ["listing_version.listing_id", "listing_version.version"]
        ),
        Index("ix_listing_closing_edit_id", "edit_id"),
    )

    listing_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    edit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("calendar_edit.id"))
    closed: Mapped[list[date]] = mapped_column(ARRAY(Date))
    opened: Mapped[list[date]] = mapped_column(ARRAY(Date))
