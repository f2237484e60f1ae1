"""Who has the seats that a change would take: found, and named in words and in problem documents.

Whoever changes them holds the listing's row first: taking and giving back seats wait for that row,
so that what is found stays true until the end of the transaction.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from marketplace.catalog.gateway import SeatHolder, SeatHolders
from marketplace.catalog.queries import seats
from marketplace.catalog.rules.weeks import ranges
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
    return sorted_by_listing(wanted, sharing, holders.holding(session, every, weeks=weeks))


def sorted_by_listing(
    wanted: Mapping[uuid.UUID, Collection[date]],
    sharing: Mapping[uuid.UUID, Collection[uuid.UUID]],
    found: Sequence[SeatHolder],
) -> dict[uuid.UUID, list[SeatHolder]]:
    """The same from holders that are known, of listings that share pools with those `wanted`."""
    return {
        listing_id: [
            holder
            for holder in found
            if holder.listing_id in sharing.get(listing_id, ()) and set(holder.weeks) & set(some)
        ]
        for listing_id, some in wanted.items()
    }


def _named(holder: SeatHolder) -> str:
    who = holder.trainee_name or "a trainee"
    return f"{who} ({holder.state.replace('_', ' ')}, {in_words(holder.weeks)})"
