"""The school's word on a student's booking, before the host is asked or anything is paid.

A seat is held for minutes; asking the school keeps it for a working week. The school's word is a row
of its own and no state: a booking that waits for it is held, and what needs it asks for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marketplace.booking import queries as bookings
from marketplace.booking.errors import (
    AgreementMissing,
    NoSchool,
    NotOpenForThis,
    SchoolApprovalNeeded,
    Superseded,
)
from marketplace.booking.events import SchoolAsked
from marketplace.booking.models import Booking, SchoolRequest
from marketplace.booking.queries import schools as queries
from marketplace.booking.rules.deadlines import (
    PAY_AFTER_APPROVAL,
    held_until,
    school_decides_by,
)
from marketplace.booking.service import agreeing, notices, transition
from marketplace.booking.states import BookingState
from marketplace.core.db import Session
from marketplace.core.events import publish
from marketplace.core.states import plain
from marketplace.identity import queries as identity
from marketplace.identity.queries import schools

ASKED = "The school is asked."
APPROVED = "Approved by the school."


@dataclass(frozen=True)
class Waits:
    """Something that a booking waits for, with what to do about it."""

    code: str
    text: str


def ask(session: Session, booking: Booking, *, message: str, now: datetime) -> SchoolRequest:
    """Ask the trainee's school for its word; the seat is kept until that is due.

    Asking shows the school this booking. `NoSchool` for who is no student of a verified one.
    """
    if BookingState(booking.state) is not BookingState.HELD or booking.replaces_id is not None:
        raise NotOpenForThis(
            "A school is asked about a seat that is held.", extra={"state": booking.state}
        )
    if booking.hold_expires_at is None or booking.hold_expires_at <= now:
        raise NotOpenForThis("The seat is no longer kept for you. Hold it again.")
    if queries.request(session, booking.id) is not None:
        raise NotOpenForThis("Your school has been asked already.")
    link = schools.own_link(session, booking.trainee_id)
    if link is None or (school := schools.find(session, link.school_id)).verified_at is None:
        raise NoSchool
    until = school_decides_by(now, booking.first_day, booking.time_zone)
    transition.move(
        session,
        booking,
        BookingState.HELD,
        actor_id=None,
        reason=ASKED,
        now=now,
        hold_expires_at=max(until, booking.hold_expires_at),
        school_id=link.school_id,
    )
    made = SchoolRequest(
        booking_id=booking.id,
        school_id=school.id,
        state="waiting",
        message=message,
        asked_at=now,
        decide_by=until,
        reason="",
    )
    session.add(made)
    _publish(session, made, now)
    session.flush()
    notices.school_asked(
        session, booking, schools.coordinators(session, school.id), message, until, now
    )
    return made


def approve(
    session: Session, booking_id: UUID, school_id: UUID, *, actor_id: UUID, now: datetime
) -> Booking:
    """Approve: the trainee has three days to apply or to pay. `Superseded` names who was faster."""
    booking, found = _undecided(session, booking_id, school_id, now)
    _decide(session, found, "approved", "", actor_id, now)
    until = held_until(now, booking.first_day, booking.time_zone, PAY_AFTER_APPROVAL)
    until = agreeing.longer(session, booking, until, now)
    transition.keep(session, booking, until, reason=APPROVED, now=now)
    notices.school_approved(session, booking, until, now)
    return booking


def decline(
    session: Session,
    booking_id: UUID,
    school_id: UUID,
    *,
    reason: str,
    actor_id: UUID,
    now: datetime,
) -> Booking:
    """Decline, with a reason that the trainee reads; the seat is free again."""
    booking, found = _undecided(session, booking_id, school_id, now)
    _decide(session, found, "declined", reason, actor_id, now)
    transition.move(
        session, booking, BookingState.DECLINED, actor_id=actor_id, reason=reason, now=now
    )
    notices.school_declined(session, booking, reason, now)
    return booking


def check_approved(session: Session, made: Sequence[Booking]) -> None:
    """Raise `SchoolApprovalNeeded` for a booking that a school has to approve and has not."""
    through = [one for one in made if one.school_id is not None and one.replaces_id is None]
    if not through:
        return
    states = queries.states(session, [one.id for one in through])
    for booking in through:
        state = states.get(booking.id, "not_asked")
        if state != "approved":
            raise SchoolApprovalNeeded(
                extra={"booking_id": str(booking.id), "state": state},
            )


def waits_for(session: Session, booking: Booking) -> list[Waits]:
    """Say what a booking waits for before it can be confirmed, besides its host and its money."""
    found = []
    try:
        check_approved(session, [booking])
    except SchoolApprovalNeeded as needed:
        found.append(Waits(needed.code, WORDS[str(needed.extra["state"])]))
    try:
        agreeing.check(session, [booking])
    except AgreementMissing as missing:
        found.append(Waits(missing.code, missing.detail or missing.title))
    return found


WORDS = {
    "not_asked": "Your school has to approve it: ask your school.",
    "waiting": "Your school has been asked and has not decided yet.",
    "declined": "Your school has declined it.",
}


def _undecided(
    session: Session, booking_id: UUID, school_id: UUID, now: datetime
) -> tuple[Booking, SchoolRequest]:
    """Return both with their rows held, the booking's first, if the school can still decide."""
    queries.asked_of(session, school_id, booking_id)
    booking = bookings.lock(session, booking_id)
    found = queries.request(session, booking_id, lock=True)
    if found is None:
        raise NoSchool
    if found.state != "waiting":
        raise _decided(session, found)
    kept = booking.hold_expires_at is not None and booking.hold_expires_at > now
    if BookingState(booking.state) is not BookingState.HELD or not kept:
        raise NotOpenForThis(
            f"The booking is {plain(booking.state)}; there is nothing to decide any more.",
            extra={"state": booking.state},
        )
    return booking, found


def _decide(
    session: Session,
    found: SchoolRequest,
    state: str,
    reason: str,
    actor_id: UUID,
    now: datetime,
) -> None:
    found.state, found.reason = state, reason
    found.decided_at, found.decided_by = now, actor_id
    _publish(session, found, now)
    session.flush()


def _publish(session: Session, found: SchoolRequest, now: datetime) -> None:
    asked = SchoolAsked(found.booking_id, found.school_id, found.state, found.decide_by, now)
    publish(session, asked)


def _decided(session: Session, found: SchoolRequest) -> Superseded:
    actor = identity.contact(session, found.decided_by) if found.decided_by else None
    at = found.decided_at or found.asked_at
    name = actor.name if actor else None
    return Superseded(
        f"It was {found.state} at {at:%Y-%m-%d %H:%M} UTC by {name}.",
        extra={
            "state": found.state,
            "decided_by": name,
            "decided_at": at.isoformat(),
            "reason": found.reason,
        },
    )
