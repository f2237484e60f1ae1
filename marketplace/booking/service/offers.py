"""Answering an offer: accepted it becomes a held booking, else the seat goes to the next at once."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from marketplace.booking.errors import NotOpenForThis
from marketplace.booking.models import Booking, SeatOffer, WaitingEntry
from marketplace.booking.queries import waiting as queries
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import holds, waiting, waiting_notices
from marketplace.booking.states import OfferState, WaitingState
from marketplace.catalog.service import seats
from marketplace.core.db import Session


def accept(session: Session, entry: WaitingEntry, *, terms: Terms, now: datetime) -> Booking:
    """Make the offered seat a held booking, at today's price; then it is applied for or paid.

    Raises `NotOpenForThis` without an open offer or after its time, and what `holds.hold` does;
    where that refuses, the offer stays open.
    """
    offer = _open(session, entry)
    if offer.expires_at <= now:
        raise NotOpenForThis(
            f"The offer was open until {offer.expires_at:%Y-%m-%d %H:%M} UTC.",
            extra={"expires_at": offer.expires_at.isoformat()},
        )
    booking = holds.hold(
        session,
        trainee_id=entry.trainee_id,
        listing_id=entry.listing_id,
        first_day=entry.first_day,
        weeks=entry.weeks,
        terms=terms,
        now=now,
        seats_kept=True,
    )
    offer.booking_id = booking.id
    _end(offer, OfferState.ACCEPTED, now)
    waiting.step(session, entry, WaitingState.ACCEPTED, entry.trainee_id, "Offer accepted.", now)
    return booking


def decline(session: Session, entry: WaitingEntry, now: datetime) -> None:
    """Give the offered seat to the next who waits; the entry ends."""
    offer = _open(session, entry)
    _end(offer, OfferState.DECLINED, now)
    waiting.step(session, entry, WaitingState.DECLINED, entry.trainee_id, "Offer declined.", now)
    _release(session, [offer])


def lapse_due(session: Session, now: datetime, limit: int) -> int:
    """End up to `limit` offers that were not answered in time; return how many."""
    due = queries.lock_lapsed(session, now, limit)
    for offer in due:
        entry = queries.entry(session, offer.entry_id, lock=True)
        _end(offer, OfferState.LAPSED, now)
        waiting.step(session, entry, WaitingState.LAPSED, None, "Not answered in time.", now)
        waiting_notices.lapsed(session, entry, offer, now)
    _release(session, due)
    return len(due)


def _open(session: Session, entry: WaitingEntry) -> SeatOffer:
    offer = queries.open_offer(session, entry.id)
    if offer is None:
        session.refresh(entry, ["state", "version"])
        raise NotOpenForThis(
            f"No seat is offered to you here now: the entry is {entry.state}.",
            extra={"state": entry.state},
        )
    # Whoever made or ended an offer has changed the entry since it was read.
    session.refresh(entry, ["state", "version"])
    return offer


def _end(offer: SeatOffer, to: OfferState, now: datetime) -> None:
    offer.state = to.value
    offer.ended_at = now


def _release(session: Session, ended: Sequence[SeatOffer]) -> None:
    given: Counter[tuple[UUID, date]] = Counter()
    for offer in ended:
        mondays = Rotation(offer.first_day, offer.weeks).mondays
        given.update((offer.listing_id, week) for week in mondays)
    session.flush()
    seats.release_many(session, given)
