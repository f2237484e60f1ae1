"""What was said about an application, with the questions as they were read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marketplace.booking.models import Booking
from marketplace.booking.queries import applying
from marketplace.booking.service.rosters import Answer, in_full
from marketplace.core.db import Session


@dataclass(frozen=True)
class Said:
    """One entry; `number` is that of the step it belongs to."""

    number: int
    kind: str
    body: str
    questions_version: int | None
    answers: Sequence[Answer]
    actor_id: UUID
    at: datetime


@dataclass(frozen=True)
class Conversation:
    booking_id: UUID
    state: str
    entries: Sequence[Said]


def conversation(session: Session, booking: Booking) -> Conversation:
    """Return everything that was said, oldest first: two queries."""
    rows = applying.entries(session, booking.id)
    versions = {row.question_version_id for row in rows if row.question_version_id}
    asked = applying.question_versions(session, sorted(versions)) if versions else {}
    said = []
    for row in rows:
        number, answers = in_full(row, asked)
        said.append(Said(row.number, row.kind, row.body, number, answers, row.actor_id, row.at))
    return Conversation(booking.id, booking.state, said)
