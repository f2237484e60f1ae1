"""Hears of what became of an itinerary's bookings, and has a job draw the consequences.

Whoever decides on one booking holds its row; the job takes the itinerary's row first. So no lock is
ever waited for in a ring, and a host's decision costs one insert.
"""

from marketplace.booking.events import BookingEvent
from marketplace.booking.service.itineraries import FOLLOW
from marketplace.core.db import Session
from marketplace.core.jobs import defer


def heard(session: Session, event: BookingEvent) -> None:
    """Have the itinerary looked at once this transaction has committed."""
    if event.itinerary_id is not None:
        defer(session, FOLLOW, itinerary_id=str(event.itinerary_id))
