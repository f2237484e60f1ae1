"""A trainee who never came: marked by the host, disputed by the trainee, decided by an operator.

The mark frees the weeks that have not begun. What becomes of the money is decided when the time to
dispute is over, or by an operator: by the terms that were frozen, as of the day of the mark.
"""

from datetime import datetime
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.errors import NotOpenForThis, TermsSilent
from marketplace.booking.events import DaysMarkedAbsent
from marketplace.booking.models import Booking, NoShow
from marketplace.booking.rules.cancellation import Quote
from marketplace.booking.rules.deadlines import dispute_by, site_day
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.service import (
    cancellations,
    change_notices,
    changes,
    holds,
    rotations,
    transition,
)
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import BookingState
from marketplace.catalog.rules.policies import PolicyEvent
from marketplace.catalog.service import seats
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.events import publish
from marketplace.core.money import Money
from marketplace.identity import queries as identity

UPHELD = "upheld"
REINSTATED = "reinstated"
REFUNDED = "refunded"


def mark(
    session: Session, booking: Booking, *, actor_id: UUID, reason: str, now: datetime
) -> NoShow:
    """Say that the trainee never came; the weeks that have not begun are free again.

    From the day after the first day to two weeks after the last, at the site, and not where a day was marked as
    present, or has hours that are signed. The trainee is told, and has a week to dispute it.
    """
    if queries.no_show(session, booking.id) is not None:
        raise NotOpenForThis("This was said before; what was decided of it stands.")
    rotations.begin_if_due(session, booking, now)
    today = site_day(now, booking.time_zone)
    rotation = Rotation(booking.first_day, booking.weeks)
    under_way = BookingState(booking.state) is BookingState.IN_PROGRESS
    if under_way and not rotation.can_be_missed(today):
        raise NotOpenForThis(
            f"It can be said from the day after {rotation.first_day} to {rotation.missed_until}."
        )
    if queries.was_present(session, booking.id):
        raise NotOpenForThis("The trainee was marked present: mark the absences instead.")
    publish(session, DaysMarkedAbsent(booking.id, rotation.days))
    transition.move(
        session,
        booking,
        BookingState.NO_SHOW,
        actor_id=actor_id,
        reason=reason or "Nobody came.",
        now=now,
    )
    contact = identity.contact(session, booking.trainee_id)
    row = NoShow(
        booking_id=booking.id,
        marked_by=actor_id,
        marked_at=now,
        dispute_until=dispute_by(now, contact.time_zone if contact else booking.time_zone),
    )
    session.add(row)
    session.flush()
    change_notices.no_show_marked(session, booking, reason, row.dispute_until, now)
    return row


def dispute(session: Session, booking: Booking, *, words: str, now: datetime) -> NoShow:
    """Say that one did come, once and in time; an operator decides."""
    row = _lock(session, booking)
    if row.decision is not None or row.disputed_at is not None:
        done = "decided" if row.decision else "disputed"
        raise NotOpenForThis(f"This has been {done} already.")
    if row.dispute_until <= now:
        raise NotOpenForThis(f"It could be disputed until {row.dispute_until:%Y-%m-%d %H:%M} UTC.")
    row.disputed_at, row.dispute = now, words
    session.flush()
    change_notices.no_show_disputed(session, booking, words, now)
    return row


def decide(
    session: Session,
    booking: Booking,
    *,
    decision: str,
    reason: str,
    actor_id: UUID,
    now: datetime,
) -> NoShow:
    """Decide a dispute: `upheld`, `reinstated` (the rotation goes on) or `refunded` (all of it).

    `reinstated` takes the seats back, and is refused by `SeatTaken` or `AlreadyBookedThen` where
    they are gone: then it is to be refunded.
    """
    row = _lock(session, booking)
    if row.disputed_at is None or row.decision is not None:
        state = "not disputed" if row.disputed_at is None else "decided already"
        raise NotOpenForThis(f"This is {state}.")
    back = Money.zero(booking.paid.currency)
    if decision == UPHELD:
        back = _by_the_terms(session, booking, row, actor_id, reason, now).refund
    elif decision == REINSTATED:
        _reinstate(session, booking, actor_id, reason, now)
    else:
        back = _give_all_back(session, booking, actor_id, reason, now).refund
    _end(session, row, decision, actor_id, reason, now)
    change_notices.no_show_decided(session, booking, decision, back, reason, now)
    return row


def settle(session: Session, booking_id: UUID, now: datetime) -> None:
    """Let the mark stand where nobody disputed it in time; harmless where that is done."""
    booking = changes.lock(session, booking_id)
    row = queries.no_show(session, booking_id, lock=True)
    if row is None or row.decision or row.disputed_at or row.dispute_until > now:
        return
    reason = "Nobody disputed it in time."
    back = _by_the_terms(session, booking, row, row.marked_by, reason, now).refund
    _end(session, row, UPHELD, None, reason, now)
    change_notices.no_show_decided(session, booking, UPHELD, back, "", now)


def _by_the_terms(
    session: Session, booking: Booking, row: NoShow, actor_id: UUID, reason: str, now: datetime
) -> Quote:
    """Refund what the frozen terms give back for it, or else for cancelling on the day of the mark."""
    try:
        wish = Wish(PolicyEvent.NO_SHOW)
        quote = cancellations.quote_of_ended(session, booking, wish, row.marked_at)
    except TermsSilent:
        quote = cancellations.quote_of_ended(session, booking, Wish(), row.marked_at)
    cancellations.settle(session, booking, quote, actor_id=actor_id, reason=reason, now=now)
    return quote


def _give_all_back(
    session: Session, booking: Booking, actor_id: UUID, reason: str, now: datetime
) -> Quote:
    transition.move(
        session,
        booking,
        BookingState.CANCELLED_BY_OPERATOR,
        actor_id=actor_id,
        reason=reason,
        now=now,
    )
    quote = cancellations.quote_of_ended(session, booking, Wish(PolicyEvent.HOST_WITHDRAWS), now)
    cancellations.settle(session, booking, quote, actor_id=actor_id, reason=reason, now=now)
    return quote


def _reinstate(
    session: Session, booking: Booking, actor_id: UUID, reason: str, now: datetime
) -> None:
    mondays = Rotation(booking.first_day, booking.weeks).mondays
    live = queries.live_weeks_of(session, booking.id)
    lost = [monday for monday in mondays if monday not in live]
    if lost:
        holds.claim_weeks(session, booking, now, lost)
        seats.take(session, booking.listing_id, lost)
    transition.move(
        session, booking, BookingState.IN_PROGRESS, actor_id=actor_id, reason=reason, now=now
    )


def _lock(session: Session, booking: Booking) -> NoShow:
    changes.lock(session, booking.id)
    row = queries.no_show(session, booking.id, lock=True)
    if row is None or BookingState(booking.state) is not BookingState.NO_SHOW:
        raise NotFound
    return row


def _end(
    session: Session,
    row: NoShow,
    decision: str,
    actor_id: UUID | None,
    reason: str,
    now: datetime,
) -> None:
    row.decision, row.decided_at, row.decided_by, row.reason = decision, now, actor_id, reason
    session.flush()
