"""A place that is not paid: given up, or handed to another student, who is asked in turn.

An open invoice is void with it, since it names each place: another is asked for. Nothing is owed.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from marketplace.booking.errors import NotOpenForThis, PlaceRefused
from marketplace.booking.models import Booking, Cohort
from marketplace.booking.rules import cohorts as rules
from marketplace.booking.rules.cohorts import CohortState
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import applications, holds, notices, school_notices, transition
from marketplace.booking.service.cohorts import holding, paying
from marketplace.booking.service.cohorts.privacy import unexplained
from marketplace.booking.states import TIMED, BookingState
from marketplace.catalog import queries as catalog
from marketplace.catalog.rules.vocabulary import Approval
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.identity.queries import schools

HANDED_ON = "The school gives the place to another student."
OPEN = frozenset({CohortState.HELD, CohortState.INVOICED})


def give_up(
    session: Session,
    cohort: Cohort,
    booking: Booking,
    *,
    reason: str,
    actor_id: UUID,
    now: datetime,
) -> None:
    """Give one place up; the caller holds the cohort's money, its row and the booking's."""
    _check(cohort, booking)
    applications.withdraw(session, booking, reason=reason, now=now, actor_id=actor_id)
    school_notices.given_up(session, booking, reason, now)


def hand_on(
    session: Session,
    cohort: Cohort,
    booking: Booking,
    student_id: UUID,
    *,
    actor_id: UUID,
    terms: Terms,
    now: datetime,
) -> Booking:
    """Hold the place for another student at the same price and terms; they say yes or no.

    Locks as for `give_up`. `PlaceRefused` where that student can't have it; then nothing changes.
    """
    _check(cohort, booking)
    until = rules.answer_by(now, cohort.first_day, booking.time_zone)
    if until <= now or rules.due_on(now, cohort.first_day, booking.time_zone) is None:
        raise NotOpenForThis("The rotation begins too soon for another student to be asked.")
    with unexplained(student_id):
        trainee = holding.trainees(session, cohort.school_id, [student_id])[student_id]
    if trainee.account_id == booking.trainee_id:
        raise NotOpenForThis("The place is this student's already.")
    listing = catalog.listing_for_booking(session, cohort.listing_id)
    with unexplained(student_id):
        new = holds.drawn_up(listing, trainee, cohort.first_day, cohort.weeks, terms, now)
    kept = until + rules.SCHOOL_GOES_ON
    holding.as_the_schools(new, cohort, kept)
    _as_agreed(new, booking)
    had_it = booking.approval == Approval.REQUEST and booking.state != BookingState.HELD
    mondays = Rotation(cohort.first_day, cohort.weeks).mondays
    begun = transition.replace(
        session,
        booking,
        BookingState.WITHDRAWN,
        new,
        mondays,
        actor_id=actor_id,
        reason=HANDED_ON,
        begun=holding.HELD,
        now=now,
        begun_by=actor_id,
    )
    if not begun:
        raise PlaceRefused(extra={"items": [{"student_id": str(student_id), **holding.BUSY}]})
    holding.write_places(
        session, cohort, {student_id: new}, actor_id, kept, now, replaces_id=booking.id
    )
    cohort.answer_by = max(cohort.answer_by, until)
    paying.reopen(session, cohort, HANDED_ON, actor_id, now)
    if had_it:
        notices.withdrawn(session, booking, now)
    school_notices.given_up(session, booking, None, now, handed_on=True)
    school = schools.find(session, cohort.school_id)
    notices.cohort_invited(session, new, school.name, cohort.answer_by, now)
    return new


def _check(cohort: Cohort, booking: Booking) -> None:
    if cohort.state not in OPEN or booking.state not in TIMED:
        raise NotOpenForThis(
            f"The place is {booking.state}: what is paid is cancelled or changed.",
            extra={"state": booking.state},
        )


def _as_agreed(new: Booking, old: Booking) -> None:
    """What was frozen for the place stays, whoever comes."""
    new.price, new.policy = dict(old.price), dict(old.policy)
    new.total, new.deposit = replace(old.total), replace(old.deposit)
    new.paid = Money.zero(old.total.currency)
