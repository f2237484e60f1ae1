"""What outcomes needs to know of a booking, read through booking's own queries."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from marketplace.booking import queries as bookings
from marketplace.booking.states import BookingState
from marketplace.core.db import Session
from marketplace.core.states import plain
from marketplace.outcomes.errors import NotCompleted


@dataclass(frozen=True)
class Rotation:
    """A booking as far as its outcomes are concerned."""

    booking_id: UUID
    trainee_id: UUID
    site_id: UUID
    listing_id: UUID
    listing_title: str
    state: str
    tier: str
    first_day: date
    last_day: date
    time_zone: str

    def require_completed(self) -> None:
        """Raise `NotCompleted` unless the rotation has been done."""
        if self.state != BookingState.COMPLETED:
            raise NotCompleted(f"The booking is {plain(self.state)}.")


def rotation(session: Session, booking_id: UUID) -> Rotation:
    """Return the rotation; `NotFound` if there is no such booking."""
    booking = bookings.find(session, booking_id)
    return Rotation(
        booking_id=booking.id,
        trainee_id=booking.trainee_id,
        site_id=booking.site_id,
        listing_id=booking.listing_id,
        listing_title=booking.listing_title,
        state=booking.state,
        tier=booking.tier,
        first_day=booking.first_day,
        last_day=booking.last_day,
        time_zone=booking.time_zone,
    )
