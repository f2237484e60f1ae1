"""Incident notes of the site's people, and safety reports of trainees that no host reads."""

from datetime import date, datetime
from uuid import UUID

from marketplace.booking import queries as bookings
from marketplace.booking.rules.deadlines import site_day
from marketplace.booking.states import CANCELLED, OWNED, BookingState
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.states import plain
from marketplace.identity import queries as identity
from marketplace.identity.rules import Role
from marketplace.identity.service.notices import notify_all
from marketplace.outcomes.errors import NotYetBooked, NotYetHappened
from marketplace.outcomes.models import IncidentNote, SafetyReport

# From the confirmation on, and for good: what happened is reported late, too.
REPORTED_IN = OWNED | CANCELLED | {BookingState.NO_SHOW}


def note(
    session: Session,
    booking_id: UUID,
    *,
    author_id: UUID,
    happened_on: date,
    body: str,
    now: datetime,
) -> IncidentNote:
    """Write a note of the site's; it is never changed, a later one corrects it."""
    site_id, _ = _checked(session, booking_id, happened_on, now)
    made = IncidentNote(
        id=new_id(),
        booking_id=booking_id,
        site_id=site_id,
        author_id=author_id,
        happened_on=happened_on,
        body=body,
        recorded_at=now,
    )
    session.add(made)
    session.flush()
    return made


def report(
    session: Session, booking_id: UUID, *, happened_on: date, body: str, now: datetime
) -> SafetyReport:
    """Tell the operators of what is not safe; they are written to, without its words."""
    site_id, trainee_id = _checked(session, booking_id, happened_on, now)
    made = SafetyReport(
        id=new_id(),
        booking_id=booking_id,
        site_id=site_id,
        trainee_id=trainee_id,
        happened_on=happened_on,
        body=body,
        recorded_at=now,
    )
    session.add(made)
    session.flush()
    conflicted = {
        person.account_id for person in identity.site_contacts(session, site_id, *SITE_ROLES)
    }
    operators = [
        one
        for one in identity.role_contacts(session, Role.OPERATOR)
        if one.account_id not in conflicted
    ]
    notify_all(
        session,
        operators,
        "safety_reported",
        {"booking_id": str(booking_id), "happened_on": happened_on.isoformat()},
        now=now,
    )
    return made


SITE_ROLES = (Role.COORDINATOR, Role.SITE_OWNER, Role.PRECEPTOR)


def _checked(
    session: Session, booking_id: UUID, happened_on: date, now: datetime
) -> tuple[UUID, UUID]:
    """Return the booking's site and trainee; refuse what is before its time."""
    booking = bookings.find(session, booking_id)
    if BookingState(booking.state) not in REPORTED_IN:
        raise NotYetBooked(
            f"The booking is {plain(booking.state)}.", extra={"state": booking.state}
        )
    if happened_on > site_day(now, booking.time_zone):
        raise NotYetHappened(fields={"happened_on": ["It lies in the future."]})
    return booking.site_id, booking.trainee_id
