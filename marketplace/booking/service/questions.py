"""Changing what a listing asks its applicants: a new version, never an edit."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.booking.errors import AnswersUnfit, QuestionsChanged, QuestionsUnfit
from marketplace.booking.models import QuestionVersion
from marketplace.booking.queries import applying
from marketplace.booking.rules import questions as rules
from marketplace.booking.rules.questions import Question
from marketplace.core.db import Session
from marketplace.core.ids import new_id


def change(
    session: Session,
    listing_id: UUID,
    questions: Sequence[Question],
    *,
    note: str,
    read: int,
    actor_id: UUID,
    now: datetime,
) -> QuestionVersion:
    """Put a whole new set in the place of version `read` (0 where there was none).

    Applications keep what they answered. Of two who change it at once one gets `QuestionsEdited`.
    """
    wrong = rules.faults(questions)
    if wrong:
        raise QuestionsUnfit(fields=wrong)
    version = QuestionVersion(
        id=new_id(),
        listing_id=listing_id,
        number=read + 1,
        questions=[rules.to_json(one) for one in questions],
        note=note,
        made_by=actor_id,
        made_at=now,
    )
    session.add(version)
    session.flush()
    return version


def asked(version: QuestionVersion | None) -> list[Question]:
    """The questions of a version; none where there is no version."""
    return [] if version is None else [rules.from_json(one) for one in version.questions]


def answered(
    session: Session, listing_id: UUID, number: int | None, answers: Mapping[str, Any]
) -> tuple[UUID | None, dict[str, Any] | None]:
    """Check answers against what the listing asks now; return the version's id and what counts.

    `number` names the version that was read: `QuestionsChanged`, with the present ones, if there is
    another by now. `AnswersUnfit` has an error for each field. Neither, where nothing is asked.
    """
    version = applying.current_questions(session, listing_id)
    asks = asked(version)
    if version is None or not asks:
        if answers:
            raise AnswersUnfit(fields={"answers": ["This host asks nothing besides."]})
        return None, None
    if number is not None and number != version.number:
        raise QuestionsChanged(
            extra={"version": version.number, "questions": [rules.to_json(one) for one in asks]}
        )
    given = fitting(asks, answers)
    if number is None:
        raise AnswersUnfit(
            fields={"questions_version": [f"Say that you answer version {version.number}."]}
        )
    return version.id, given


def fitting(asks: Sequence[Question], answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers that count; `AnswersUnfit` with an error for each field that does not."""
    given, wrong = rules.check(asks, answers)
    if wrong:
        raise AnswersUnfit(fields=wrong)
    return given
