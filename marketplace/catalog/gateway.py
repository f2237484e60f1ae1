"""What the catalogue asks of whoever takes its seats: who has them.

The catalogue counts seats and knows no bookings. To refuse a change that would take a seat from
somebody it names them, and to share a listing's seats anew it must know how many the listing has.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select

from marketplace.core.db import Session


@dataclass(frozen=True)
class SeatHolder:
    """A booking that has a seat; `weeks` are the Mondays that were asked about, in order.

    `trainee_name` is none while the host may not know who it is: before they apply or pay.
    """

    booking_id: uuid.UUID
    listing_id: uuid.UUID
    state: str
    trainee_name: str | None
    weeks: tuple[date, ...]


class SeatHolders(Protocol):
    """Knows who has seats, as of the caller's transaction."""

    def holding(
        self,
        session: Session,
        listing_ids: Collection[uuid.UUID],
        *,
        weeks: Collection[date] | None = None,
        since: date | None = None,
    ) -> Sequence[SeatHolder]:
        """The bookings with a seat at one of the listings, by first week.

        Only in one of `weeks`, and only from `since` on, where these are given.
        """

    def asked(self, listing_ids: Select[uuid.UUID], since: date) -> ColumnElement[Any]:
        """A column that finds those with a seat from `since` on, for a query of the caller's own."""

    def told(self, found: Any) -> Sequence[SeatHolder]:
        """What that column has brought, as `holding` tells it."""

    def counts(
        self, session: Session, listing_ids: Collection[uuid.UUID]
    ) -> Mapping[tuple[uuid.UUID, date], int]:
        """How many seats each listing has in use in each week, past weeks included."""


class TraineeWeeks(Protocol):
    """Knows when a trainee has a seat somewhere, as of the caller's transaction."""

    def weeks_of(self, session: Session, account_id: uuid.UUID, since: date) -> Mapping[date, str]:
        """The Mondays from `since` on of the trainee's live bookings, with what has each week."""
