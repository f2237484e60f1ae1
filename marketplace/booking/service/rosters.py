"""What a site's people see: the roster of its weeks, and the applications that wait for them.

Each page is put together from a constant number of queries, however many rows it has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.models import ApplicationEntry, Booking, QuestionVersion
from marketplace.booking.queries import applying
from marketplace.booking.rules.rotation import Rotation, roster_weeks
from marketplace.core.db import Session
from marketplace.core.errors import Invalid
from marketplace.identity import queries as identity
from marketplace.identity.queries import TraineeFacts
from marketplace.web.pagination import Page


@dataclass(frozen=True)
class Roster:
    """A page of a site's roster, and the Mondays that it shows; its rows are JSON values already."""

    weeks: Sequence[date]
    items: Sequence[Mapping[str, Any]]
    next_cursor: str | None


@dataclass(frozen=True)
class Answer:
    """A question as the applicant read it, and the answer; None where there is none."""

    key: str
    question: str
    answer: Any


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
    state: str
    questions_version: int | None
    answers: Sequence[Answer]
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
    """Return who is at the site in the weeks from `start` to `end`: two queries."""
    try:
        weeks = roster_weeks(start, end)
    except ValueError as error:
        raise Invalid(fields={"to": [str(error)]}) from error
    page = queries.roster_rows(session, site_id, start, end, limit=limit, cursor=cursor)
    marked = queries.days_marked(session, [row.id for row in page.items])
    mondays = _Mondays(weeks)
    rows = [_row(row, mondays, *marked.get(row.id, (0, 0))) for row in page.items]
    return Roster(weeks, rows, page.next_cursor)


def applications(session: Session, site_id: UUID, **wanted: Any) -> Page[Application]:
    """Return the undecided applications that fit, the most urgent first: four queries.

    `wanted` are the filters and the page of `queries.applications`.
    """
    page = queries.applications(session, site_id, **wanted)
    ids = [booking.id for booking in page.items]
    facts = identity.many_trainee_facts(session, [booking.trainee_id for booking in page.items])
    said = applying.last_answers(session, ids) if ids else {}
    versions = {one.question_version_id for one in said.values() if one.question_version_id}
    asked = applying.question_versions(session, sorted(versions)) if versions else {}
    rows = [
        _application(booking, facts[booking.trainee_id], said.get(booking.id), asked)
        for booking in page.items
    ]
    return Page(rows, page.next_cursor)


def in_full(
    entry: ApplicationEntry | None, asked: Mapping[UUID, QuestionVersion]
) -> tuple[int | None, list[Answer]]:
    """The number of the version that an entry answers, and its questions with their answers."""
    if entry is None or entry.question_version_id is None:
        return None, []
    version, given = asked[entry.question_version_id], entry.answers or {}
    return version.number, [
        Answer(one["key"], one["text"], given.get(one["key"])) for one in version.questions
    ]


class _Mondays(dict[tuple[date, int], list[str]]):
    """The Mondays of a rotation within the roster, worked out once for all that run alike."""

    def __init__(self, shown: Sequence[date]) -> None:
        self._shown = {week: week.isoformat() for week in shown}

    def __missing__(self, run: tuple[date, int]) -> list[str]:
        found = [self._shown[week] for week in Rotation(*run).mondays if week in self._shown]
        self[run] = found
        return found


def _row(row: Any, mondays: _Mondays, present: int, absent: int) -> dict[str, Any]:
    return {
        "booking_id": str(row.id),
        "state": row.state,
        "trainee_id": str(row.trainee_id),
        "trainee_name": row.trainee_name,
        "trainee_email": row.trainee_email,
        "listing_id": str(row.listing_id),
        "listing_title": row.listing_title,
        "first_day": row.first_day.isoformat(),
        "last_day": row.last_day.isoformat(),
        "weeks": mondays[row.first_day, row.weeks],
        "tier": row.tier,
        "learner_status": row.learner_status,
        "present_days": present,
        "absent_days": absent,
    }


def _application(
    booking: Booking,
    facts: TraineeFacts,
    entry: ApplicationEntry | None,
    asked: Mapping[UUID, QuestionVersion],
) -> Application:
    number, answers = in_full(entry, asked)
    return Application(
        booking_id=booking.id,
        listing_id=booking.listing_id,
        listing_title=booking.listing_title,
        first_day=booking.first_day,
        last_day=booking.last_day,
        weeks=booking.weeks,
        decide_by=booking.hold_expires_at,
        message=booking.message,
        state=booking.state,
        questions_version=number,
        answers=answers,
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
