"""Looks for what must never be: seats in use that nobody has, or holds that outlived their time.

Run by `flask check` and after every step of the tests that try to break the promises.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.queries import waiting
from marketplace.catalog.queries import seats as catalog_seats
from marketplace.core.db import Session

# The job that gives seats up runs every minute; this late it does not run at all.
GRACE = timedelta(minutes=10)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, in words, with the ids that are needed to look at it."""

    code: str
    text: str


def check(session: Session, now: datetime) -> list[Finding]:
    """Return everything that is wrong with seats and holds; an empty list is the promise kept."""
    return [*_seats(session), *_holds(session, now)]


def _seats(session: Session) -> list[Finding]:
    """Compare what bookings use with what pools say is taken, for each pool and week."""
    used = _used(session)
    taken = catalog_seats.taken_by_pool(session)
    return [
        Finding(
            "seats_differ",
            f"pool {pool_id}, week of {week}: {taken.get((pool_id, week), 0)} taken,"
            f" {used.get((pool_id, week), 0)} in use by bookings and offers, or kept",
        )
        for pool_id, week in sorted(used.keys() | taken.keys(), key=str)
        if used.get((pool_id, week), 0) != taken.get((pool_id, week), 0)
    ]


def _used(session: Session) -> Counter[tuple[UUID, date]]:
    live = list(queries.live_weeks(session))
    pools = catalog_seats.own_pools(session, sorted({listing_id for listing_id, _, _ in live}))
    used: Counter[tuple[UUID, date]] = Counter(waiting.kept(session))
    for listing_id, week, seats in live:
        for pool_id, _ in pools.get(listing_id, ()):
            used[pool_id, week] += seats
    return used


def _holds(session: Session, now: datetime) -> list[Finding]:
    return [
        Finding("hold_overdue", f"booking {booking_id} keeps a seat long after its time")
        for booking_id in queries.overdue_holds(session, now - GRACE)
    ]
