"""Refusing to take seats from those who have them, naming the bookings.

Whoever closes weeks of a listing holds its row first (`queries.locks.listing`): taking and giving
back seats wait for that row, so that what is checked here stays true until the end of the
transaction.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from marketplace.catalog.errors import WeeksInUse
from marketplace.catalog.gateway import SeatHolder, SeatHolders
from marketplace.catalog.models import Listing
from marketplace.catalog.queries import seats
from marketplace.catalog.rules.weeks import calendar, monday_of, ranges
from marketplace.core.db import Session

# More are counted, not named: a message is for reading.
MOST_NAMED = 5
MOST_LISTED = 100


def as_json(holders: Sequence[SeatHolder]) -> list[dict[str, Any]]:
    """The bookings as a problem document names them, the first hundred."""
    return [
        {
            "booking_id": str(holder.booking_id),
            "listing_id": str(holder.listing_id),
            "state": holder.state,
            "trainee_name": holder.trainee_name,
            "weeks": [week.isoformat() for week in holder.weeks],
        }
        for holder in holders[:MOST_LISTED]
    ]


def named(holders: Sequence[SeatHolder]) -> str:
    """The bookings in words, such as `Asha Rao (confirmed, 2027-03-01 to 2027-03-22)`."""
    texts = [_named(holder) for holder in holders[:MOST_NAMED]]
    if len(holders) > MOST_NAMED:
        texts.append(f"{len(holders) - MOST_NAMED} more")
    return "; ".join(texts)


def in_words(weeks: Iterable[date]) -> str:
    """Weeks as runs, such as `2027-03-01 to 2027-03-22, 2027-04-05`."""
    return ", ".join(
        f"{first}" if first == last else f"{first} to {last}" for first, last in ranges(weeks)
    )


def of_pools(
    session: Session,
    pool_ids: Collection[uuid.UUID],
    weeks: Collection[date],
    holders: SeatHolders | None,
) -> Sequence[SeatHolder]:
    """Who has seats of these pools in these weeks; nobody is known without `holders`."""
    if holders is None:
        return ()
    return holders.holding(session, seats.listings_of_pools(session, pool_ids), weeks=weeks)


def refuse_closing(
    session: Session,
    listing_ids: Collection[uuid.UUID],
    weeks: Collection[date],
    holders: SeatHolders,
) -> None:
    """Raise `WeeksInUse` if a booking of one of the listings has a seat in one of `weeks`.

    The caller holds the listings' rows.
    """
    if weeks:
        _refuse(holders.holding(session, listing_ids, weeks=weeks))


def refuse_season(
    session: Session,
    listing: Listing,
    first_start: date,
    last_start: date,
    weeks_max: int,
    holders: SeatHolders,
    *,
    today: date,
    closed: Collection[date] = (),
) -> None:
    """Raise `WeeksInUse` if a booking has a seat outside a season that is to be, or in a `closed`
    week; seats of weeks that are over stay where they were. The caller holds the listing's row.
    """
    open_weeks = set(calendar(first_start, last_start, weeks_max)) - set(closed)
    found = holders.holding(session, [listing.id], since=monday_of(today))
    _refuse([holder for holder in found if not open_weeks.issuperset(holder.weeks)])


def by_listing(
    session: Session,
    wanted: Mapping[uuid.UUID, Collection[date]],
    holders: SeatHolders,
) -> dict[uuid.UUID, list[SeatHolder]]:
    """For each listing, who has a seat of its pools in its `wanted` weeks: a constant number of
    queries for any number of listings.
    """
    if not wanted:
        return {}
    sharing = seats.sharing(session, list(wanted))
    every = {other for others in sharing.values() for other in others}
    weeks = {week for some in wanted.values() for week in some}
    found = holders.holding(session, every, weeks=weeks)
    return {
        listing_id: [
            holder
            for holder in found
            if holder.listing_id in sharing.get(listing_id, ()) and set(holder.weeks) & set(some)
        ]
        for listing_id, some in wanted.items()
    }


def _refuse(holders: Sequence[SeatHolder]) -> None:
    if holders:
        raise WeeksInUse(
            f"Seats are taken: {named(holders)}.", extra={"bookings": as_json(holders)}
        )


def _named(holder: SeatHolder) -> str:
    who = holder.trainee_name or "a trainee"
    return f"{who} ({holder.state.replace('_', ' ')}, {in_words(holder.weeks)})"
