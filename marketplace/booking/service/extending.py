"""More time for a seat that is only held: once, and as long again as it was held for."""

from datetime import datetime

from marketplace.booking import queries
from marketplace.booking.errors import AlreadyExtended, NotOpenForThis
from marketplace.booking.models import Booking
from marketplace.booking.rules.deadlines import held_until
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import refusing, transition
from marketplace.booking.service.applications import check_kept
from marketplace.booking.states import BookingState
from marketplace.core.db import Session


def extend(session: Session, booking: Booking, *, terms: Terms, now: datetime) -> None:
    """Keep a held seat for one more `terms.hold`, never beyond the first day.

    `AlreadyExtended` the second time: a unique index of the history holds that too. What is
    submitted or being paid has a time of its own (`NotOpenForThis`), and so has what is held in
    place of a rotation that was called off.
    """
    if booking.replaces_id is not None:
        raise NotOpenForThis("It is held for as long as you can choose, and no longer.")
    if BookingState(booking.state) is not BookingState.HELD or booking.hold_expires_at is None:
        raise refusing.closed(booking)
    check_kept(booking, now)
    steps = queries.history(session, booking.id)
    # What is kept for an itinerary's hosts is a step by nobody, and costs the trainee nothing.
    if any(step.from_state == step.to_state and step.actor_id is not None for step in steps):
        raise AlreadyExtended
    until = held_until(booking.hold_expires_at, booking.first_day, booking.time_zone, terms.hold)
    transition.move(
        session,
        booking,
        BookingState.HELD,
        actor_id=booking.trainee_id,
        reason="More time was asked for.",
        now=now,
        hold_expires_at=until,
    )
