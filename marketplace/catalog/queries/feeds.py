"""What calendar feeds show of seats: the pools that are drawn on, and their weeks."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from marketplace.catalog.models import (
    CalendarEdit,
    Listing,
    ListingPool,
    SeatEdit,
    SeatPool,
    SeatWeek,
)
from marketplace.catalog.states import ListingState
from marketplace.core.db import Session

OFFERED = (ListingState.PUBLISHED, ListingState.PAUSED)


@dataclass(frozen=True)
class PoolInUse:
    """A pool that listings draw on: those that were asked about, and all of them.

    `changed_at` is when its calendar was edited last; `offered` is whether one of the listings is,
    or may be again.
    """

    id: uuid.UUID
    name: str
    version: int
    changed_at: datetime
    offered: bool
    listing_ids: tuple[uuid.UUID, ...]
    sharing_ids: tuple[uuid.UUID, ...]


def pools_in_use(
    session: Session, site_id: uuid.UUID, preceptor_id: uuid.UUID | None
) -> list[PoolInUse]:
    """The pools of a site's listings, or of one preceptor's there, in the order of their names."""
    asked = Listing.site_id == site_id
    if preceptor_id is not None:
        asked &= Listing.preceptor_id == preceptor_id
    edited = (
        select(func.max(CalendarEdit.recorded_at))
        .join(SeatEdit, SeatEdit.edit_id == CalendarEdit.id)
        .where(SeatEdit.pool_id == SeatPool.id)
        .scalar_subquery()
    )
    drawn = (
        select(ListingPool.pool_id).join(Listing, Listing.id == ListingPool.listing_id).where(asked)
    )
    mine = func.array_agg(Listing.id).filter(asked)
    rows = session.execute(
        select(
            SeatPool.id,
            SeatPool.name,
            SeatPool.version,
            func.greatest(SeatPool.created_at, edited).label("changed_at"),
            func.bool_or(Listing.state.in_(OFFERED) & asked).label("offered"),
            mine.label("mine"),
            func.array_agg(Listing.id).label("every"),
        )
        .join(ListingPool, ListingPool.pool_id == SeatPool.id)
        .join(Listing, Listing.id == ListingPool.listing_id)
        .where(SeatPool.id.in_(drawn))
        .group_by(SeatPool.id)
        .order_by(SeatPool.name, SeatPool.id)
    )
    return [
        PoolInUse(
            row.id,
            row.name,
            row.version,
            row.changed_at,
            row.offered,
            tuple(row.mine),
            tuple(row.every),
        )
        for row in rows
    ]


def pool_weeks(
    session: Session, pool_ids: Collection[uuid.UUID], first: date, last: date
) -> dict[uuid.UUID, dict[date, tuple[int, int]]]:
    """For each pool its weeks from Monday to Monday, as (capacity, taken)."""
    rows = session.execute(
        select(SeatWeek.pool_id, SeatWeek.week, SeatWeek.capacity, SeatWeek.taken).where(
            SeatWeek.pool_id.in_(list(pool_ids)), SeatWeek.week.between(first, last)
        )
    )
    found: dict[uuid.UUID, dict[date, tuple[int, int]]] = {}
    for pool_id, week, capacity, taken in rows:
        found.setdefault(pool_id, {})[week] = (capacity, taken)
    return found
