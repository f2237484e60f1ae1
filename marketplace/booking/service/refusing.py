"""How a booking that is not in the right state for something is refused: what it is, what it can be."""

from marketplace.booking.errors import NotOpenForThis
from marketplace.booking.models import Booking
from marketplace.booking.states import TRANSITIONS, BookingState


def closed(booking: Booking) -> NotOpenForThis:
    """Return the refusal, which names the state in plain words and what may be done now."""
    state = BookingState(booking.state)
    return NotOpenForThis(
        f"The booking is {TRANSITIONS.said(state)}. {TRANSITIONS.now(state)}",
        extra={"state": state.value, "possible": TRANSITIONS.possible(state)},
    )
