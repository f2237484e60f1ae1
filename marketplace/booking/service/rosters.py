"""What a site's people see: the roster of its weeks, and the applications that wait for them.

Each page is put together from a constant number of queries, however many rows it has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import AttendanceMark, Booking
from marketplace.booking.rules.rotation import Rotation, roster_weeks
from marketplace.core.db import Session
from marketplace.core.errors import Invalid
from marketplace.identity import queries as identity
from marketplace.identity.queries import Contact, TraineeFacts
from marketplace.web.pagination import Page


@dataclass(frozen=True)
class RosterRow:
    """One rotation at the site; `weeks` are its Mondays within the roster."""

    booking_id: UUID
    state: str
    trainee_id: UUID
    trainee_name: str
    trainee_email: str
    listing_id: UUID
    listing_title: str
    first_day: date
    last_day: date
    weeks: Sequence[date]
    tier: str
    learner_status: str
    present_days: int
    absent_days: int


@dataclass(frozen=True)
class Roster:
    """A page of a site's roster, and the Mondays that it shows."""

    weeks: Sequence[date]
    items: Sequence[RosterRow]
    next_cursor: str | None


@dataclass(frozen=True)
class Application:
    """What bears on the decision."""

    booking_id: UUID
    listing_id: UUID
    listing_title: str
    first_day: date
    last_day: date
    weeks: int
    decide_by: datetime | None
    message: str | None
    trainee_id: UUID
    trainee_name: str
    tier: str
    learner_status: str
    school_name: str | None
    school_country: str
    graduation_date: date
    needs_visa: bool
    visa_type: str | None
    step1_result: str
    step2_ck_score: int | None
    target_specialty: str | None


def roster(
    session: Session, site_id: UUID, start: date, end: date, *, limit: int, cursor: str | None
) -> Roster:
    """Return who is at the site in the weeks from `start` to `end`: three queries."""
    try:
        weeks = roster_weeks(start, end)
    except ValueError as error:
        raise Invalid(fields={"to": [str(error)]}) from error
    page = queries.roster(session, site_id, start, end, limit=limit, cursor=cursor)
    people = identity.contacts(session, [booking.trainee_id for booking in page.items])
    marks = queries.attendance(session, [booking.id for booking in page.items])
    rows = [
        _row(booking, people[booking.trainee_id], marks[booking.id], weeks)
        for booking in page.items
    ]
    return Roster(weeks, rows, page.next_cursor)


def applications(
    session: Session, site_id: UUID, *, limit: int, cursor: str | None
) -> Page[Application]:
    """Return the applications that wait, the most urgent first: two queries."""
    page = queries.applications(session, site_id, limit=limit, cursor=cursor)
    facts = identity.many_trainee_facts(session, [booking.trainee_id for booking in page.items])
    rows = [_application(booking, facts[booking.trainee_id]) for booking in page.items]
    return Page(rows, page.next_cursor)


def _row(
    booking: Booking, person: Contact, marks: Sequence[AttendanceMark], weeks: Sequence[date]
) -> RosterRow:
    shown = set(weeks)
    return RosterRow(
        booking_id=booking.id,
        state=booking.state,
        trainee_id=booking.trainee_id,
        trainee_name=person.name,
        trainee_email=person.email,
        listing_id=booking.listing_id,
        listing_title=booking.listing_title,
        first_day=booking.first_day,
        last_day=booking.last_day,
        weeks=[
            week for week in Rotation(booking.first_day, booking.weeks).mondays if week in shown
        ],
        tier=booking.tier,
        learner_status=booking.learner_status,
        present_days=sum(mark.mark == "present" for mark in marks),
        absent_days=sum(mark.mark == "absent" for mark in marks),
    )


def _application(booking: Booking, facts: TraineeFacts) -> Application:
    return Application(
        booking_id=booking.id,
        listing_id=booking.listing_id,
        listing_title=booking.listing_title,
        first_day=booking.first_day,
        last_day=booking.last_day,
        weeks=booking.weeks,
        decide_by=booking.hold_expires_at,
        message=booking.message,
        trainee_id=booking.trainee_id,
        trainee_name=facts.name,
        tier=booking.tier,
        learner_status=booking.learner_status,
        school_name=facts.school_name,
        school_country=facts.school_country,
        graduation_date=facts.graduation_date,
        needs_visa=facts.needs_visa,
        visa_type=facts.visa_type,
        step1_result=facts.step1_result,
        step2_ck_score=facts.step2_ck_score,
        target_specialty=facts.target_specialty,
    )
