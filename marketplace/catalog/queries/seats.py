"""Seats by week: one listing's year in one answer."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import bindparam, select, text

from marketplace.catalog.errors import ListingNotFound
from marketplace.catalog.models import Listing, ListingPool, SeatPool, SeatWeek
from marketplace.core.db import Session

# A listing's free seats in a week are those of its scarcest pool.
_YEAR = text(
    """
    SELECT l.id, l.blackout_weeks, l.site_id,
           l.first_published_at IS NOT NULL
             AND l.state IN ('published', 'paused', 'retired') AS shown,
           (SELECT sum(p.version) FROM listing_pool lp JOIN seat_pool p ON p.id = lp.pool_id
             WHERE lp.listing_id = l.id) AS version,
           (SELECT coalesce(json_agg(json_build_array(w.week, w.capacity, w.free) ORDER BY w.week), '[]')
              FROM (SELECT sw.week, min(sw.capacity) AS capacity,
                           min(sw.capacity - sw.taken) AS free
                      FROM listing_pool lp
                      JOIN seat_week sw ON sw.pool_id = lp.pool_id
                     WHERE lp.listing_id = l.id AND sw.week BETWEEN :first AND :last
                     GROUP BY sw.week) w) AS weeks
      FROM listing l
     WHERE l.id = ANY(:listings)
    """
).bindparams(bindparam("listings"), bindparam("first"), bindparam("last"))


@dataclass(frozen=True)
class Availability:
    """A listing's weeks from Monday to Monday; `weeks` are (Monday, capacity, free).

    `version` counts edits of capacity; `shown` is whether the public may know of the listing.
    """

    shown: bool
    site_id: uuid.UUID
    version: int
    blackout_weeks: frozenset[str]
    weeks: Sequence[tuple[str, int, int]]

    def as_json(self) -> list[dict[str, Any]]:
        """The weeks as the API gives them; a closed week has no free seat."""
        return [
            {
                "week": week,
                "capacity": capacity,
                "free": 0 if week in self.blackout_weeks else free,
                "closed": week in self.blackout_weeks,
            }
            for week, capacity, free in self.weeks
        ]


def availability(session: Session, listing_id: uuid.UUID, first: date, last: date) -> Availability:
    """The weeks from `first` to `last` in one query; `ListingNotFound`."""
    found = availabilities(session, [listing_id], first, last)
    if not found:
        raise ListingNotFound
    return found[listing_id]


def availabilities(
    session: Session, listing_ids: Collection[uuid.UUID], first: date, last: date
) -> dict[uuid.UUID, Availability]:
    """The weeks of several listings in one query; unknown ids are absent."""
    rows = session.execute(_YEAR, {"listings": list(listing_ids), "first": first, "last": last})
    return {
        row.id: Availability(
            shown=row.shown,
            site_id=row.site_id,
            version=int(row.version or 0),
            blackout_weeks=frozenset(week.isoformat() for week in row.blackout_weeks),
            weeks=row.weeks,
        )
        for row in rows
    }


def pools(session: Session, listing_id: uuid.UUID) -> Sequence[SeatPool]:
    """The pools that a listing draws on."""
    query = (
        select(SeatPool)
        .join(ListingPool, ListingPool.pool_id == SeatPool.id)
        .where(ListingPool.listing_id == listing_id)
        .order_by(SeatPool.id)
    )
    return session.execute(query).scalars().all()


def listings_of_pools(session: Session, pool_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """The listings that draw on one of these pools."""
    return list(
        session.execute(
            select(ListingPool.listing_id).where(ListingPool.pool_id.in_(list(pool_ids))).distinct()
        ).scalars()
    )


def sharing(
    session: Session, listing_ids: Sequence[uuid.UUID]
) -> Mapping[uuid.UUID, set[uuid.UUID]]:
    """For each listing, those that draw on one of its pools: itself and whom it shares with."""
    mine, theirs = ListingPool.__table__.alias(), ListingPool.__table__.alias()
    rows = session.execute(
        select(mine.c.listing_id, theirs.c.listing_id)
        .join(theirs, theirs.c.pool_id == mine.c.pool_id)
        .where(mine.c.listing_id.in_(list(listing_ids)))
    )
    found: dict[uuid.UUID, set[uuid.UUID]] = {}
    for listing_id, other in rows:
        found.setdefault(listing_id, set()).add(other)
    return found


def taken_weeks(
    session: Session, listing_ids: Sequence[uuid.UUID], since: date
) -> Mapping[uuid.UUID, Mapping[date, int]]:
    """Weeks from `since` on in which seats of the listings' pools are taken, and how many."""
    rows = session.execute(
        select(ListingPool.listing_id, SeatWeek.week, SeatWeek.taken)
        .join(SeatWeek, SeatWeek.pool_id == ListingPool.pool_id)
        .where(
            ListingPool.listing_id.in_(list(listing_ids)),
            SeatWeek.week >= since,
            SeatWeek.taken > 0,
        )
    )
    found: dict[uuid.UUID, dict[date, int]] = {}
    for listing_id, week, taken in rows:
        weeks = found.setdefault(listing_id, {})
        weeks[week] = max(taken, weeks.get(week, 0))
    return found


def own_pools(
    session: Session, listing_ids: Sequence[uuid.UUID]
) -> Mapping[uuid.UUID, Sequence[tuple[uuid.UUID, bool]]]:
    """For each listing its pools, and whether each is shared with another listing."""
    other = ListingPool.__table__.alias()
    shared = (
        select(other.c.listing_id)
        .where(other.c.pool_id == ListingPool.pool_id, other.c.listing_id != ListingPool.listing_id)
        .exists()
    )
    rows = session.execute(
        select(ListingPool.listing_id, ListingPool.pool_id, shared).where(
            ListingPool.listing_id.in_(list(listing_ids))
        )
    )
    found: dict[uuid.UUID, list[tuple[uuid.UUID, bool]]] = {}
    for listing_id, pool_id, is_shared_pool in rows:
        found.setdefault(listing_id, []).append((pool_id, is_shared_pool))
    return found


def has_seats(session: Session, listing: Listing, since: date) -> bool:
    """Whether a week from `since` on, open and within the listing's calendar, has capacity."""
    statement: Any = (
        select(SeatWeek.week)
        .join(ListingPool, ListingPool.pool_id == SeatWeek.pool_id)
        .where(
            ListingPool.listing_id == listing.id,
            SeatWeek.week >= since,
            SeatWeek.capacity > 0,
            SeatWeek.week.not_in(listing.blackout_weeks),
        )
        .limit(1)
    )
    return session.execute(statement).first() is not None


def taken_by_pool(session: Session) -> dict[tuple[uuid.UUID, date], int]:
    """Seats taken by pool and week, where there are any: for checks, not for requests."""
    rows = session.execute(
        select(SeatWeek.pool_id, SeatWeek.week, SeatWeek.taken).where(SeatWeek.taken > 0)
    )
    return {(pool_id, week): taken for pool_id, week, taken in rows}
