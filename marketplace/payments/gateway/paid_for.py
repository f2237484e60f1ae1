"""What was paid for, as those call it who sold it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from marketplace.core.db import Session


@dataclass(frozen=True, slots=True)
class PaidFor:
    """A thing that was paid for: what it is called, who comes, and from when until when."""

    title: str
    trainee: str
    first_day: date
    last_day: date


class PaidThings(Protocol):
    """Whoever knows what was paid for."""

    def named(self, session: Session, payable_ids: Collection[UUID]) -> Mapping[UUID, PaidFor]:
        """Return those of them that it knows, in one query."""
