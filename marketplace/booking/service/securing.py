"""Making sure of a seat whose money has come: still held, or taken again where it is free."""

from datetime import datetime

from marketplace.booking.errors import AlreadyBookedThen
from marketplace.booking.models import Booking
from marketplace.booking.rules.deadlines import day_begins
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.service import agreeing, holds
from marketplace.booking.states import BookingState
from marketplace.catalog.errors import SeatTaken
from marketplace.catalog.service import seats
from marketplace.core.db import Session


def secure(session: Session, booking: Booking, now: datetime) -> bool:
    """Whether the seat is the trainee's: still held, or free to be taken again before the start.

    And the agreement that it needs, if it does, in force.
    """
    if agreeing.without(session, [booking]):
        return False
    state = BookingState(booking.state)
    if state is BookingState.AWAITING_PAYMENT:
        return True
    if state is not BookingState.EXPIRED or now >= day_begins(booking.first_day, booking.time_zone):
        return False
    try:
        with session.begin_nested():
            holds.claim_weeks(session, booking, now)
            mondays = Rotation(booking.first_day, booking.weeks).mondays
            seats.take(session, booking.listing_id, mondays)
    except (SeatTaken, AlreadyBookedThen):
        return False
    return True
