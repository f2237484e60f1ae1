"""Seats are rows of a pool and a week.

A listing draws on one pool or more, and takes a seat in all of them or in none.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, created_at, pk


class SeatPool(Base):
    """Seats that one or more listings of a site draw on; `version` counts edits of capacity."""

    __tablename__ = "seat_pool"
    __table_args__ = (Index("ix_seat_pool_site_id", "site_id"),)

    id: Mapped[uuid.UUID] = pk()
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    name: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"), default=1)
    created_at: Mapped[datetime] = created_at()


class ListingPool(Base):
    """Which pools a listing draws on; fixed once it has been published."""

    __tablename__ = "listing_pool"
    __table_args__ = (Index("ix_listing_pool_pool_id", "pool_id"),)

    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"), primary_key=True)
    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("seat_pool.id"), primary_key=True)


class SeatWeek(Base):
    """The seats of a pool in the week from Monday `week`: never more taken than there are."""

    __tablename__ = "seat_week"
    __table_args__ = (
        CheckConstraint("taken >= 0 AND taken <= capacity", name="taken"),
        CheckConstraint("extract(isodow FROM week) = 1", name="monday"),
    )

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("seat_pool.id"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True)
    capacity: Mapped[int] = mapped_column(SmallInteger)
    taken: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"), default=0)
