"""Seats that come free are offered to who waits for them, before anybody else can take them.

In the transaction that frees seats, those that somebody waits for are kept (`kept_seat`: they stay
counted as taken), and a job is asked for. The job holds the weeks of the pools, gives back what was
kept and makes the offers in the order of the list, all in one transaction: what it leaves is free
for everybody, and what it gives was never free between. A minute's job does the same for whatever
came free in another way.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from marketplace.booking.errors import NotBookable, NotEligible
from marketplace.booking.models import SeatOffer, WaitingEntry
from marketplace.booking.queries import waiting as queries
from marketplace.booking.rules.waiting import Place, Turn, answer_by, places, turns
from marketplace.booking.service import holds, waiting, waiting_notices
from marketplace.booking.states import OfferState, WaitingState
from marketplace.catalog import queries as catalog
from marketplace.catalog.errors import ListingNotFound, NotOffered
from marketplace.catalog.events import SeatsFreed
from marketplace.catalog.queries import listings as catalog_listings
from marketplace.catalog.queries import seats as catalog_seats
from marketplace.catalog.service import seats
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.jobs import deferred_for
from marketplace.identity import queries as identity

# Listings whose weeks are read in one query when every list is looked at.
AT_ONCE = 200
# The arguments of the job, if anything was kept.
_POOLS_KEPT = "SELECT jsonb_build_object('pool_ids', jsonb_agg(DISTINCT pool_id)) FROM kept HAVING count(*) > 0"
RETIRED = "The host has retired the listing: no offer comes any more."
TOO_LATE = "No offer can come any more: the balance is due, or a visa takes longer."


def seats_freed(session: Session, event: SeatsFreed) -> None:
    """Keep what somebody waits for, and have the list asked once this has committed.

    One statement, whoever waits. Holds no row that the event's transaction did not hold before.
    """
    if not event.listing_ids or not event.places:
        return
    then = (queries.NOTE_KEPT, deferred_for(session, waiting.ASK, _POOLS_KEPT))
    seats.keep(session, event.places, queries.asking(event.listing_ids), then)


def ask(session: Session, pool_id: UUID, now: datetime) -> int:
    """Offer the free seats of a pool to who waits for them, in order; return how many offers.

    Those who may not have it any more leave the list, and are told why.
    """
    listing_ids = catalog_seats.listings_of_pools(session, [pool_id])
    if not listing_ids:
        return 0
    pools = _pools(session, listing_ids)
    every_pool = sorted({pool for some in pools.values() for pool in some})
    expected = queries.waiting_turns(session, listing_ids)
    weeks = {week for turn in expected for week in turn.mondays}
    weeks |= {week for _, week in queries.kept(session, every_pool)}
    if not weeks:
        return 0
    free = seats.hold_weeks(session, listing_ids, sorted(weeks))
    kept = {place: n for place, n in queries.kept(session, every_pool).items() if place in free}
    queries.drop_kept(session, kept)
    for place, n in kept.items():
        free[place] += n
    change: Counter[Place] = Counter({place: -n for place, n in kept.items()})
    made = _offer_in_order(session, listing_ids, pools, free, now)
    for turn in made:
        change.update(places(turn, pools[turn.listing_id]))
    seats.count_anew(session, change)
    return len(made)


def pools_to_ask(session: Session) -> list[UUID]:
    """Pools with seats that are kept, or that are free while somebody waits for them."""
    found = {pool_id for pool_id, _ in queries.kept(session)}
    listing_ids = queries.awaited_listings(session)
    for start in range(0, len(listing_ids), AT_ONCE):
        some = listing_ids[start : start + AT_ONCE]
        served = _servable(session, some)
        for own in _pools(session, served).values():
            found.update(own)
    return sorted(found)


def _offer_in_order(
    session: Session,
    listing_ids: Sequence[UUID],
    pools: Mapping[UUID, Sequence[UUID]],
    free: dict[Place, int],
    now: datetime,
) -> list[Turn]:
    """Make the offers and take their seats from `free`; return whose they are."""
    waits = queries.waiting_turns(session, listing_ids)
    listings = _open_listings(session, {turn.listing_id for turn in waits})
    closed = {key: frozenset(one.blackout_weeks) for key, one in listings.items()}
    open_pools = {key: pools.get(key, ()) for key in listings}
    made = []
    for turn in turns(waits, open_pools, closed, free):
        if _offer(session, turn, listings[turn.listing_id], now):
            for place in places(turn, pools[turn.listing_id]):
                free[place] -= 1
            made.append(turn)
    return made


def _offer(session: Session, turn: Turn, listing: catalog.ListingForBooking, now: datetime) -> bool:
    """Whether an offer was made; else the entry has ended."""
    entry = queries.entry(session, turn.id, lock=True)
    if entry.state != WaitingState.WAITING:
        return False
    trainee = identity.trainee_facts(session, entry.trainee_id)
    reason = _why_not(session, entry, listing, trainee, now)
    if reason is not None or trainee is None:
        close(session, entry, reason or "There is no profile any more.", now)
        return False
    latest = waiting.offers_end(listing, trainee, entry.first_day)
    offer = SeatOffer(
        id=new_id(),
        entry_id=entry.id,
        trainee_id=entry.trainee_id,
        listing_id=entry.listing_id,
        first_day=entry.first_day,
        weeks=entry.weeks,
        state=OfferState.OPEN.value,
        made_at=now,
        expires_at=answer_by(now, trainee.time_zone, latest),
        time_zone=trainee.time_zone,
    )
    session.add(offer)
    waiting.step(session, entry, WaitingState.OFFERED, None, "A seat came free.", now)
    waiting_notices.offered(session, entry, offer, now)
    return True


def _why_not(
    session: Session,
    entry: WaitingEntry,
    listing: catalog.ListingForBooking,
    trainee: identity.TraineeFacts | None,
    now: datetime,
) -> str | None:
    if trainee is None:
        return "There is no profile any more."
    try:
        holds.check_eligible(listing, trainee, entry.first_day, entry.weeks, now)
    except (NotEligible, NotBookable) as refused:
        return str(refused.detail)
    if waiting.offers_end(listing, trainee, entry.first_day) <= now:
        return TOO_LATE
    first, last = entry.first_day, entry.last_day
    if queries.gave_up(session, entry.trainee_id, entry.listing_id, first, last):
        return "You have cancelled this very place meanwhile."
    return None


def close(session: Session, entry: WaitingEntry, reason: str, now: datetime) -> None:
    """End an entry that no offer can come to, and say why."""
    waiting.step(session, entry, WaitingState.CLOSED, None, reason, now)
    waiting_notices.closed(session, entry, reason, now)


def close_too_late(session: Session, now: datetime, limit: int) -> int:
    """End up to `limit` entries whose time for an offer is over; return how many."""
    due = queries.lock_too_late(session, now, limit)
    for entry in due:
        close(session, entry, TOO_LATE, now)
    return len(due)


def close_retired(session: Session, now: datetime, limit: int) -> int:
    """End up to `limit` entries of listings that take no bookings any more; return how many."""
    gone = catalog_listings.retired(session, queries.awaited_listings(session))
    due = queries.lock_waiting_at(session, gone, limit) if gone else ()
    for entry in due:
        close(session, entry, RETIRED, now)
    return len(due)


def _open_listings(
    session: Session, listing_ids: set[UUID]
) -> dict[UUID, catalog.ListingForBooking]:
    found = {}
    for listing_id in sorted(listing_ids):
        try:
            found[listing_id] = catalog.listing_for_booking(session, listing_id)
        except (NotOffered, ListingNotFound):
            continue
    return found


def _servable(session: Session, listing_ids: Sequence[UUID]) -> set[UUID]:
    """The listings at which somebody who waits could have all weeks now."""
    waits = queries.waiting_turns(session, listing_ids)
    if not waits:
        return set()
    first = min(turn.first_day for turn in waits)
    last = max(turn.mondays[-1] for turn in waits)
    found = catalog_seats.availabilities(session, listing_ids, first, last)
    free = {
        (listing_id, date.fromisoformat(week))
        for listing_id, weeks in found.items()
        for week, _, seats_free in weeks.weeks
        if seats_free > 0 and week not in weeks.blackout_weeks
    }
    return {
        turn.listing_id
        for turn in waits
        if all((turn.listing_id, week) in free for week in turn.mondays)
    }


def _pools(session: Session, listing_ids: set[UUID] | Sequence[UUID]) -> dict[UUID, list[UUID]]:
    found = catalog_seats.own_pools(session, sorted(listing_ids))
    return {key: sorted(pool_id for pool_id, _ in some) for key, some in found.items()}
