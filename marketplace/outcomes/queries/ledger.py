"""Selects on what belongs to letters: drafts, programs, reminders."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, cast, func, select

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.outcomes.models import (
    Letter,
    LetterAssignment,
    LetterDraft,
    LetterLink,
    LetterReminder,
    QuietAuthor,
)
from marketplace.outcomes.rules.letters import MOST_A_PROGRAM
from marketplace.web.pagination import Page, paginate_rows

UTC = "UTC"


@dataclass(frozen=True)
class Awaited:
    """A letter that its author has not uploaded; days are those of the author's own clock."""

    letter: Letter
    today: date
    told_on: date
    sent: frozenset[str]


def lock(session: Session, letter_id: UUID) -> Letter:
    """Return the entry after whoever else is changing it, and hold it; `NotFound` if none."""
    found = session.execute(
        select(Letter).where(Letter.id == letter_id).with_for_update(),
        execution_options={"populate_existing": True},
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def drafts(session: Session, letter_id: UUID) -> Sequence[LetterDraft]:
    """Return the trainee's drafts, oldest first."""
    query = select(LetterDraft).where(LetterDraft.letter_id == letter_id)
    return session.execute(query.order_by(LetterDraft.number)).scalars().all()


def draft(session: Session, letter_id: UUID, number: int) -> LetterDraft | None:
    return session.execute(
        select(LetterDraft).where(LetterDraft.letter_id == letter_id, LetterDraft.number == number)
    ).scalar_one_or_none()


def last_draft(session: Session, letter_id: UUID) -> int:
    """Return the number of the last draft; 0 if there is none."""
    return session.execute(
        select(func.coalesce(func.max(LetterDraft.number), 0)).where(
            LetterDraft.letter_id == letter_id
        )
    ).scalar_one()


def at_program(
    session: Session, trainee_id: UUID, match_year: int, program_code: str
) -> Sequence[LetterAssignment]:
    """Return what a trainee has assigned to a program of a season, by slot."""
    query = select(LetterAssignment).where(
        LetterAssignment.trainee_id == trainee_id,
        LetterAssignment.match_year == match_year,
        LetterAssignment.program_code == program_code,
        LetterAssignment.removed_at.is_(None),
    )
    return session.execute(query.order_by(LetterAssignment.slot)).scalars().all()


def taken(
    session: Session, trainee_id: UUID, match_year: int, program_codes: Collection[str]
) -> dict[str, int]:
    """Return how many letters a trainee has assigned to each of these programs of a season."""
    own = LetterAssignment
    rows = session.execute(
        select(own.program_code, func.count())
        .where(
            own.trainee_id == trainee_id,
            own.match_year == match_year,
            own.program_code.in_(program_codes),
            own.removed_at.is_(None),
        )
        .group_by(own.program_code)
    )
    found: dict[str, int] = {row[0]: row[1] for row in rows}
    return found


def reminders(session: Session, letter_id: UUID) -> Sequence[LetterReminder]:
    """Return the reminders that a letter's author was sent, the first one first."""
    query = select(LetterReminder).where(LetterReminder.letter_id == letter_id)
    return session.execute(query.order_by(LetterReminder.sent_at)).scalars().all()


def free_slots(taken: Collection[int]) -> list[int]:
    """Return the slots that are not taken, the first one first."""
    return [slot for slot in range(1, MOST_A_PROGRAM + 1) if slot not in taken]


def assignment(session: Session, assignment_id: UUID) -> LetterAssignment | None:
    return session.get(LetterAssignment, assignment_id)


def assignments(
    session: Session,
    trainee_id: UUID,
    *,
    match_year: int | None,
    program_code: str | None,
    limit: int,
    cursor: str | None,
    letter_id: UUID | None = None,
) -> Page[Any]:
    """Return a trainee's live assignments with their Letter IDs, oldest first."""
    own = LetterAssignment
    query = (
        select(
            own.id,
            own.letter_id,
            Letter.letter_code,
            Letter.author_name,
            own.match_year,
            own.program_code,
            own.program_name,
            own.slot,
            own.assigned_at,
        )
        .join(Letter, Letter.id == own.letter_id)
        .where(own.trainee_id == trainee_id, own.removed_at.is_(None))
    )
    if match_year is not None:
        query = query.where(own.match_year == match_year)
    if program_code is not None:
        query = query.where(own.program_code == program_code)
    if letter_id is not None:
        query = query.where(own.letter_id == letter_id)
    return paginate_rows(
        session, query, key=[own.id], key_of=lambda row: [row.id], limit=limit, cursor=cursor
    )


def awaited(session: Session, now: datetime, limit: int, after: UUID | None) -> list[Awaited]:
    """Return letters whose author may be reminded at this hour, by id `after` the given one.

    Their rows are held, so that none is declined, withdrawn or uploaded meanwhile; rows that
    somebody else holds are skipped. Addresses that want no reminders are left out.
    """
    zone = func.coalesce(Letter.author_time_zone, UTC)

    def day(at: Any) -> ColumnElement[Any]:
        return cast(func.timezone(zone, at), Date)

    told = (
        select(func.max(LetterLink.made_at)).where(LetterLink.letter_id == Letter.id)
    ).scalar_subquery()
    sent = (
        select(func.array_agg(LetterReminder.kind)).where(LetterReminder.letter_id == Letter.id)
    ).scalar_subquery()
    query = (
        select(Letter, day(now), day(told), sent)
        .where(
            Letter.state == "agreed",
            Letter.author_email.is_not(None),
            identity.civil(zone, now),
            ~select(QuietAuthor.address).where(QuietAuthor.address == Letter.author_email).exists(),
        )
        .order_by(Letter.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Letter)
    )
    if after is not None:
        query = query.where(Letter.id > after)
    rows = session.execute(query, execution_options={"populate_existing": True})
    return [
        Awaited(letter, today, told_on or today, frozenset(kinds or ()))
        for letter, today, told_on, kinds in rows
    ]
