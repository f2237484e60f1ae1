"""What outcomes does when a rotation is done: asks the trainee what it was really like."""

from collections.abc import Sequence

from marketplace.booking.events import BookingCompleted
from marketplace.core.db import Session
from marketplace.core.events import Subscription
from marketplace.identity.service.notices import notify
from marketplace.outcomes.service.rotations import rotation


def ask_what_was_done(session: Session, event: BookingCompleted) -> None:
    """Write to the trainee in the transaction of the completion."""
    notify(
        session,
        event.trainee_id,
        "rotation_completed",
        {
            "listing_title": rotation(session, event.booking_id).listing_title,
            "booking_id": str(event.booking_id),
        },
        now=event.at,
    )


SUBSCRIPTIONS: Sequence[Subscription] = ((BookingCompleted, ask_what_was_done),)
