"""Tells the catalogue who has its seats: what `catalog.gateway.SeatHolders` asks for."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select

from marketplace.booking import queries
from marketplace.booking.states import OWNED, UNDECIDED, BookingState
from marketplace.catalog.gateway import SeatHolder
from marketplace.core.db import Session


class BookedSeats:
    """The seats of live bookings and open offers, in one query however many there are."""

    def holding(
        self,
        session: Session,
        listing_ids: Collection[UUID],
        *,
        weeks: Collection[date] | None = None,
        since: date | None = None,
    ) -> Sequence[SeatHolder]:
        rows = queries.holding(session, listing_ids, weeks=weeks, since=since)
        return [_holder(*row) for row in rows]

    def asked(self, listing_ids: Select[UUID], since: date) -> ColumnElement[Any]:
        return queries.holding_as_json(listing_ids, since)

    def told(self, found: Any) -> Sequence[SeatHolder]:
        return [
            _holder(
                UUID(key),
                UUID(listing_id),
                name,
                state,
                approval,
                list(map(date.fromisoformat, mondays)),
            )
            for key, listing_id, name, state, approval, mondays in found or ()
        ]

    def counts(
        self, session: Session, listing_ids: Collection[UUID]
    ) -> Mapping[tuple[UUID, date], int]:
        return queries.seats_in_use(session, listing_ids)


def _holder(
    booking_id: UUID,
    listing_id: UUID,
    trainee_name: str | None,
    state: str,
    approval: str,
    mondays: Sequence[date],
) -> SeatHolder:
    known = trainee_name if _is_known(state, approval) else None
    return SeatHolder(booking_id, listing_id, state, known, tuple(mondays))


def _is_known(state: str, approval: str) -> bool:
    """Whether the host has been told who it is: by an application, or on the roster."""
    decided = state == BookingState.AWAITING_PAYMENT and approval == "request"
    return decided or state in OWNED | UNDECIDED | {BookingState.NO_SHOW}


class BookedWeeks:
    """A trainee's own weeks: what `catalog.gateway.TraineeWeeks` asks for."""

    def weeks_of(self, session: Session, account_id: UUID, since: date) -> Mapping[date, str]:
        return queries.weeks_of_trainee(session, account_id, since)
