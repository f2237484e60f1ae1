"""Tells the catalogue who has its seats: what `catalog.gateway.SeatHolders` asks for."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

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
        return [
            SeatHolder(
                booking_id=row.id,
                listing_id=row.listing_id,
                state=row.state,
                trainee_name=row.trainee_name if _is_known(row.state, row.approval) else None,
                weeks=tuple(row.mondays),
            )
            for row in rows
        ]

    def counts(
        self, session: Session, listing_ids: Collection[UUID]
    ) -> Mapping[tuple[UUID, date], int]:
        return queries.seats_in_use(session, listing_ids)


def _is_known(state: str, approval: str) -> bool:
    """Whether the host has been told who it is: by an application, or on the roster."""
    decided = state == BookingState.AWAITING_PAYMENT and approval == "request"
    return decided or state in OWNED | UNDECIDED | {BookingState.NO_SHOW}


class BookedWeeks:
    """A trainee's own weeks: what `catalog.gateway.TraineeWeeks` asks for."""

    def weeks_of(self, session: Session, account_id: UUID, since: date) -> Mapping[date, str]:
        return queries.weeks_of_trainee(session, account_id, since)
