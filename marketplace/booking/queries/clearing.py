"""What clearance needs to know of bookings: the requirements that an operator has waived."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select

from marketplace.booking.models import BookingWaiver
from marketplace.core.db import Session


def waivers(session: Session, booking_ids: Collection[UUID]) -> dict[UUID, list[BookingWaiver]]:
    """Return what was waived, by booking; one query."""
    found: dict[UUID, list[BookingWaiver]] = {}
    rows: Sequence[BookingWaiver] = (
        session.execute(
            select(BookingWaiver)
            .where(BookingWaiver.booking_id.in_(booking_ids))
            .order_by(BookingWaiver.booking_id, BookingWaiver.requirement)
        )
        .scalars()
        .all()
    )
    for row in rows:
        found.setdefault(row.booking_id, []).append(row)
    return found
