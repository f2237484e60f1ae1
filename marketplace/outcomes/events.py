"""What outcomes tells those above it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marketplace.core.events import Event


@dataclass(frozen=True)
class LetterConfirmed(Event):
    letter_id: UUID
    trainee_id: UUID
    at: datetime


@dataclass(frozen=True)
class OutcomeRecorded(Event):
    """Fields of a Match outcome have been recorded, verified, corrected or retracted."""

    outcome_id: UUID
    match_year: int
    at: datetime
