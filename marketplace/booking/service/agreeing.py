"""Bookings that need an agreement of the trainee's school with the site, and wait for it.

Whether one is needed is frozen on the booking by the database as its row is inserted. It has to be in
force, and to last until the rotation's last day, when the money is asked for, when it arrives, and
when the rotation begins.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from marketplace.booking.errors import AgreementMissing
from marketplace.booking.models import Booking
from marketplace.booking.queries import schools as queries
from marketplace.booking.rules.deadlines import held_until
from marketplace.booking.service import notices
from marketplace.compliance.events import AgreementInForce
from marketplace.compliance.queries import agreements
from marketplace.core.db import Session
from marketplace.identity.queries import schools

# Lawyers on both sides read it: a seat is kept for so long, and never beyond the first day.
AGREEMENT_WAITS = timedelta(days=21)
TITLE = "Affiliation agreement"


def without(session: Session, made: Sequence[Booking]) -> dict[UUID, UUID | None]:
    """Return the bookings that lack an agreement, each with the school that should have it.

    No query where none needs one, else two at most, however many bookings. The school is None for
    who is no school's student.
    """
    needing = [one for one in made if one.agreement_needed]
    if not needing:
        return {}
    unknown = sorted({one.trainee_id for one in needing if one.school_id is None})
    linked = schools.schools_of(session, unknown) if unknown else {}
    school_of = {one.id: one.school_id or linked.get(one.trainee_id) for one in needing}
    terms = agreements.in_force(
        session,
        sorted({school for school in school_of.values() if school is not None}),
        sorted({one.site_id for one in needing}),
    )
    lacking: dict[UUID, UUID | None] = {}
    for one in needing:
        school_id = school_of[one.id]
        if school_id is None or not any(
            term.covers(school_id, one.site_id, one.first_day, one.last_day) for term in terms
        ):
            lacking[one.id] = school_id
    return lacking


def check(session: Session, made: Sequence[Booking]) -> None:
    """Raise `AgreementMissing` for a booking that needs an agreement and has none to its end."""
    lacking = without(session, made)
    for booking in made:
        if booking.id in lacking:
            school_id = lacking[booking.id]
            raise AgreementMissing(
                None
                if school_id
                else "The site takes students of schools that it has an agreement with: be linked"
                " to your school first.",
                extra={
                    "booking_id": str(booking.id),
                    "school_id": str(school_id) if school_id else None,
                    "until": booking.last_day.isoformat(),
                },
            )


def longer(session: Session, booking: Booking, until: datetime, now: datetime) -> datetime:
    """Return until when the seat is kept: longer than `until` where an agreement is waited for.

    Both sides are told that it is.
    """
    lacking = without(session, [booking])
    if booking.id not in lacking:
        return until
    kept = held_until(now, booking.first_day, booking.time_zone, AGREEMENT_WAITS)
    until = max(until, kept)
    school_id = lacking[booking.id]
    if school_id is not None:
        name = schools.names(session, [school_id])[school_id]
        people = schools.coordinators(session, school_id)
        notices.agreement_missing(session, booking, name, people, until, now)
    return until


def in_force(session: Session, event: AgreementInForce) -> None:
    """Tell the trainees whose seats waited for this agreement that they can go on."""
    waiting = queries.waiting_for_agreement(session, event.school_id, event.site_id)
    lacking = without(session, waiting)
    for booking in waiting:
        if booking.id not in lacking:
            notices.agreement_found(session, booking, event.at)
