"""What is said of rotations whose days are over and of which nobody has said how they went."""

from datetime import datetime
from typing import Any

from marketplace.booking.models import Booking
from marketplace.booking.rules.rotation import Rotation
from marketplace.booking.service import notices
from marketplace.booking.states import BookingState
from marketplace.core.db import Session


def to_close(session: Session, booking: Booking, now: datetime) -> None:
    """Ask the host how the rotation went."""
    _ask(session, booking, now, again=False)


def to_close_again(session: Session, booking: Booking, now: datetime) -> None:
    """Ask the host for the second and last time."""
    _ask(session, booking, now, again=True)


def _ask(session: Session, booking: Booking, now: datetime, *, again: bool) -> None:
    until = Rotation(booking.first_day, booking.weeks).looked_at_from
    notices.tell_host(
        session,
        booking,
        "rotation_to_close",
        now=now,
        again=again,
        until=until.isoformat(),
        trainee_name=notices.name_of(session, booking.trainee_id),
    )


def left_open(session: Session, booking: Booking, now: datetime) -> None:
    """Tell both sides that the marketplace's people look at it now."""
    began = BookingState(booking.state) is BookingState.IN_PROGRESS
    name = notices.name_of(session, booking.trainee_id)
    said: dict[str, Any] = {"began": began, "trainee_name": name}
    template = "rotation_left_open"
    notices.tell_trainee(session, booking, template, now=now, yours=True, **said)
    notices.tell_host(session, booking, template, now=now, yours=False, **said)
