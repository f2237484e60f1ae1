"""Holding the places of a cohort in one transaction, or none; and each student's own word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from marketplace.booking import queries as bookings
from marketplace.booking.errors import CohortRefused, NotOpenForThis
from marketplace.booking.models import Booking, Cohort, CohortPlace, SchoolRequest
from marketplace.booking.queries import cohorts as queries
from marketplace.booking.rules import cohorts as rules
from marketplace.booking.rules import frozen
from marketplace.booking.rules.cohorts import CohortState
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import applications, holds, notices, school_notices, transition
from marketplace.booking.states import TIMED
from marketplace.catalog import queries as catalog
from marketplace.catalog.service import seats, taking
from marketplace.core.db import Session
from marketplace.core.errors import DomainError
from marketplace.core.ids import new_id
from marketplace.identity import queries as identity
from marketplace.identity.queries import schools
from marketplace.identity.service.schools import check_verified
from marketplace.payments.rules import Quote

HELD = "Held by the school for its students."
BUSY = {
    "code": "already_booked_then",
    "detail": "Has a seat in one of these weeks already.",
}
NO_STUDENT = "Not a student who is linked to the school now."


@dataclass(frozen=True)
class Wanted:
    """The places that a school wants: for whom, where, when."""

    school_id: UUID
    name: str
    listing_id: UUID
    first_day: date
    weeks: int
    student_ids: Sequence[UUID]


def hold(
    session: Session, wanted: Wanted, *, actor_id: UUID, terms: Terms, now: datetime
) -> Cohort:
    """Hold a seat in each week for each student. `CohortRefused` says for whom it can't be, and why.

    Of a student no more is told than that they can't: their facts and other bookings are theirs.
    Where it raises, the caller's transaction is rolled back.
    """
    school = schools.find(session, wanted.school_id)
    check_verified(school)
    students = trainees(session, wanted.school_id, wanted.student_ids)
    listing = catalog.listing_for_booking(session, wanted.listing_id)
    made = _drawn_up(listing, students, wanted, terms, now)
    cohort = _begin(session, wanted, listing, actor_id, now)
    until = cohort.answer_by + rules.SCHOOL_GOES_ON
    for booking in made.values():
        as_the_schools(booking, cohort, until)
    seats.hold_listings(session, [wanted.listing_id])
    every = list(made.values())
    if not transition.begin_all(session, every, reason=HELD, now=now, actor_id=actor_id):
        raise _busy(session, made, wanted)
    rotation = Rotation(wanted.first_day, wanted.weeks)
    needed = {(wanted.listing_id, week): len(every) for week in rotation.mondays}
    lacking = taking.take_all(session, needed)
    if lacking:
        weeks = [week.isoformat() for week in lacking[wanted.listing_id]]
        raise CohortRefused(
            f"There are not {len(every)} seats in the week of {', '.join(weeks)}.",
            extra={"items": [], "weeks": weeks},
        )
    write_places(session, cohort, made, actor_id, until, now)
    for booking in every:
        notices.cohort_invited(session, booking, school.name, cohort.answer_by, now)
    return cohort


def answer(session: Session, booking: Booking, *, agreed: bool, now: datetime) -> None:
    """Say as the student whether they want the place; once. No gives it up."""
    if booking.cohort_id is None:
        raise NotOpenForThis("It is not booked by a school.")
    cohort = queries.lock(session, booking.cohort_id)
    bookings.lock(session, booking.id)
    place = queries.answers(session, cohort.id)[booking.id]
    if cohort.state != CohortState.HELD or booking.state not in TIMED or place.answer != "waiting":
        raise NotOpenForThis(
            "There is nothing to answer any more.",
            extra={"state": booking.state, "answer": place.answer},
        )
    if cohort.answer_by <= now:
        raise NotOpenForThis(f"You could answer until {cohort.answer_by:%Y-%m-%d %H:%M} UTC.")
    place.answer, place.answered_at = ("agreed" if agreed else "declined"), now
    session.flush()
    if not agreed:
        why = "Declined by the student."
        applications.withdraw(session, booking, reason=why, now=now)
        school_notices.lost(session, booking, why, now)


def trainees(
    session: Session, school_id: UUID, student_ids: Sequence[UUID]
) -> dict[UUID, identity.TraineeFacts]:
    """The facts of the students, by their id at the school; `CohortRefused` for who is none."""
    linked = schools.linked(session, school_id, student_ids)
    accounts = {one.id: one.account_id for one in linked.values() if one.account_id is not None}
    facts = identity.many_trainee_facts(session, list(accounts.values()))
    missing = [
        {"student_id": str(one), "code": "not_linked", "detail": NO_STUDENT}
        for one in student_ids
        if one not in accounts
    ]
    missing += [
        {"student_id": str(one), "code": "profile_missing", "detail": "No profile is filled in."}
        for one, account_id in accounts.items()
        if account_id not in facts
    ]
    if missing:
        raise CohortRefused(extra={"items": missing})
    return {one: facts[accounts[one]] for one in student_ids}


def _drawn_up(
    listing: catalog.ListingForBooking,
    trainees: Mapping[UUID, identity.TraineeFacts],
    wanted: Wanted,
    terms: Terms,
    now: datetime,
) -> dict[UUID, Booking]:
    made, refused = {}, []
    for student_id, trainee in trainees.items():
        try:
            made[student_id] = holds.drawn_up(
                listing, trainee, wanted.first_day, wanted.weeks, terms, now
            )
        except DomainError as error:
            refused.append(
                {"student_id": str(student_id), "code": error.code, "detail": error.title}
            )
    if refused:
        raise CohortRefused(extra={"items": refused})
    return made


def _begin(
    session: Session,
    wanted: Wanted,
    listing: catalog.ListingForBooking,
    actor_id: UUID,
    now: datetime,
) -> Cohort:
    until = rules.answer_by(now, wanted.first_day, listing.time_zone)
    if until <= now or rules.due_on(now, wanted.first_day, listing.time_zone) is None:
        raise CohortRefused("It begins too soon to be paid by invoice.", extra={"items": []})
    cohort = Cohort(
        id=new_id(),
        school_id=wanted.school_id,
        listing_id=wanted.listing_id,
        name=wanted.name,
        first_day=wanted.first_day,
        weeks=wanted.weeks,
        state=CohortState.HELD.value,
        version=1,
        answer_by=until,
        made_by=actor_id,
        made_at=now,
    )
    session.add(cohort)
    session.flush()
    return cohort


def as_the_schools(drawn: Booking, cohort: Cohort, until: datetime) -> None:
    """The school pays all of it at once, and has said yes by booking it."""
    drawn.cohort_id, drawn.school_id = cohort.id, cohort.school_id
    drawn.hold_expires_at = until
    lines = tuple(drawn.price_lines)
    rule = drawn.price["deposit_rule"]
    drawn.price = frozen.price_to_json(Quote(lines, lines, ()), rule)
    drawn.deposit = replace(drawn.total)
    drawn.balance_due_on = None


def write_places(
    session: Session,
    cohort: Cohort,
    made: Mapping[UUID, Booking],
    actor_id: UUID,
    until: datetime,
    now: datetime,
    replaces_id: UUID | None = None,
) -> None:
    """Write the places of new bookings, which each student has to say yes to, and the school's word.

    `replaces_id` is the booking whose place it was.
    """
    session.add_all(
        CohortPlace(
            booking_id=booking.id,
            cohort_id=cohort.id,
            student_id=student_id,
            answer="waiting",
            replaces_id=replaces_id,
        )
        for student_id, booking in made.items()
    )
    session.add_all(
        SchoolRequest(
            booking_id=booking.id,
            school_id=cohort.school_id,
            state="approved",
            message="",
            asked_at=now,
            decide_by=until,
            decided_at=now,
            decided_by=actor_id,
            reason=HELD,
        )
        for booking in made.values()
    )
    session.flush()


def _busy(session: Session, made: Mapping[UUID, Booking], wanted: Wanted) -> CohortRefused:
    """Name the students who have a seat elsewhere then; not where."""
    taken = queries.busy(
        session,
        [booking.trainee_id for booking in made.values()],
        Rotation(wanted.first_day, wanted.weeks).mondays,
        [booking.id for booking in made.values()],
    )
    items: list[dict[str, Any]] = [
        {"student_id": str(student_id), **BUSY}
        for student_id, booking in made.items()
        if booking.trainee_id in taken
    ]
    return CohortRefused(extra={"items": items})
