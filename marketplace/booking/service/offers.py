"""Answering an offer: accepted it becomes a held booking, else the seat goes to the next at once."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from marketplace.booking.errors import NotOpenForThis
from marketplace.booking.models import Booking, SeatOffer, WaitingEntry
from marketplace.booking.queries import rounds
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
    booking = _take(session, _open(session, entry), terms, now)
    waiting.step(session, entry, WaitingState.ACCEPTED, entry.trainee_id, "Offer accepted.", now)
    return booking


def accept_place(
    session: Session, round_id: UUID, trainee_id: UUID, *, terms: Terms, now: datetime
) -> Booking:
    """Do the same with the place that a round gave."""
    return _take(session, _open_place(session, round_id, trainee_id), terms, now)


def decline_place(session: Session, round_id: UUID, trainee_id: UUID, now: datetime) -> None:
    """Give the place to who waits for it."""
    offer = _open_place(session, round_id, trainee_id)
    _end(offer, OfferState.DECLINED, now)
    _release(session, [offer])


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
        _end(offer, OfferState.LAPSED, now)
        if offer.entry_id is not None:
            entry = queries.entry(session, offer.entry_id, lock=True)
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


def _open_place(session: Session, round_id: UUID, trainee_id: UUID) -> SeatOffer:
    offer = rounds.open_offer(session, round_id, trainee_id)
    if offer is None:
        raise NotOpenForThis("The round has no open offer for you.")
    return offer


def _take(session: Session, offer: SeatOffer, terms: Terms, now: datetime) -> Booking:
    if offer.expires_at <= now:
        raise NotOpenForThis(
            f"The offer was open until {offer.expires_at:%Y-%m-%d %H:%M} UTC.",
            extra={"expires_at": offer.expires_at.isoformat()},
        )
    booking = holds.hold(
        session,
        trainee_id=offer.trainee_id,
        listing_id=offer.listing_id,
        first_day=offer.first_day,
        weeks=offer.weeks,
        terms=terms,
        now=now,
        seats_kept=True,
    )
    offer.booking_id = booking.id
    _end(offer, OfferState.ACCEPTED, now)
    session.flush()
    return booking


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
