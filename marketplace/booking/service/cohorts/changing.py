"""What a school does with a place that it has paid: other weeks, another student, cancelled, rescued.

Each by the way that a trainee's own booking takes, with the same quotes; the student whose place it is
or would be agrees first, then the host where it decides on each. The money is the school's: what is
too much goes back to it, what is missing is invoiced.
"""

from datetime import date, datetime
from functools import partial
from uuid import UUID

from marketplace.booking.errors import NotOpenForThis
from marketplace.booking.models import Booking, BookingProposal
from marketplace.booking.queries import cohorts as queries
from marketplace.booking.rules.cancellation import Quote
from marketplace.booking.rules.changes import ChangeQuote
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import (
    cancel_notices,
    cancellations,
    proposals,
    reschedules,
    transfers,
)
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.service.cohorts import holding
from marketplace.booking.service.cohorts.privacy import unexplained
from marketplace.booking.states import BookingState
from marketplace.core.db import Session


def quote_weeks(
    session: Session, booking: Booking, *, first_day: date, weeks: int, terms: Terms, now: datetime
) -> ChangeQuote:
    """Say what other weeks would cost the school; nothing is changed."""
    with unexplained(_student(session, booking)):
        return reschedules.quote(
            session, booking, first_day=first_day, weeks=weeks, terms=terms, now=now
        )


def propose_weeks(
    session: Session,
    booking: Booking,
    *,
    first_day: date,
    weeks: int,
    mark: str,
    message: str,
    actor_id: UUID,
    terms: Terms,
    now: datetime,
) -> BookingProposal:
    """Ask the student for other weeks under the quote of `mark`; they have seven days."""
    with unexplained(_student(session, booking)):
        return proposals.propose_weeks(
            session,
            booking,
            first_day=first_day,
            weeks=weeks,
            mark=mark,
            message=message,
            terms=terms,
            now=now,
            proposed_by=actor_id,
        )


def quote_transfer(
    session: Session, booking: Booking, *, student_id: UUID, terms: Terms, now: datetime
) -> ChangeQuote:
    """Say what another student would take over; nothing is changed, nobody is told."""
    to = _taker(session, booking, student_id)
    with unexplained(student_id):
        return transfers.quote(session, booking, to_trainee_id=to, terms=terms, now=now)


def propose_transfer(
    session: Session,
    booking: Booking,
    *,
    student_id: UUID,
    mark: str,
    message: str,
    actor_id: UUID,
    terms: Terms,
    now: datetime,
) -> BookingProposal:
    """Offer the place to another student under the quote of `mark`; they have seven days."""
    to = _taker(session, booking, student_id)
    with unexplained(student_id):
        return proposals.propose_transfer(
            session,
            booking,
            to_trainee_id=to,
            mark=mark,
            message=message,
            terms=terms,
            now=now,
            proposed_by=actor_id,
        )


def cancel(
    session: Session,
    booking: Booking,
    *,
    option: str | None,
    mark: str,
    reason: str,
    actor_id: UUID,
    now: datetime,
) -> Quote:
    """Cancel as the school, under the very quote that was shown; what it gives back is the school's."""
    return cancellations.cancel(
        session,
        booking,
        Wish(option=option),
        mark=mark,
        to=BookingState.CANCELLED_BY_TRAINEE,
        actor_id=actor_id,
        reason=reason,
        now=now,
        tell=partial(cancel_notices.cancelled, by="school"),
    )


def _student(session: Session, booking: Booking) -> UUID:
    return queries.place(session, booking.id).student_id


def _taker(session: Session, booking: Booking, student_id: UUID) -> UUID:
    """The account of a student who is linked to the school now and has a profile."""
    if booking.school_id is None:
        raise NotOpenForThis("It is no school's place.")
    with unexplained(student_id):
        found = holding.trainees(session, booking.school_id, [student_id])[student_id]
    if found.account_id == booking.trainee_id:
        raise NotOpenForThis("The place is this student's already.")
    return found.account_id
