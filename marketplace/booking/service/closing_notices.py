"""What is said of rotations whose days are over and of which nobody has said how they went."""

from datetime import datetime, timedelta
from typing import Any

from marketplace.booking.models import Booking
from marketplace.booking.rules.rotation import LEFT_OPEN_AFTER
from marketplace.booking.service import notices
from marketplace.booking.states import BookingState
from marketplace.core.db import Session
from marketplace.identity import queries as identity


def to_close(session: Session, booking: Booking, now: datetime) -> None:
    """Ask the host how the rotation went."""
    _ask(session, booking, now, again=False)


def to_close_again(session: Session, booking: Booking, now: datetime) -> None:
    """Ask the host for the second and last time."""
    _ask(session, booking, now, again=True)


def _ask(session: Session, booking: Booking, now: datetime, *, again: bool) -> None:
    until = booking.last_day + timedelta(days=LEFT_OPEN_AFTER)
    notices.tell_host(
        session,
        booking,
        "rotation_to_close",
        now=now,
        again=again,
        until=until.isoformat(),
        trainee_name=_name(session, booking),
    )


def left_open(session: Session, booking: Booking, now: datetime) -> None:
    """Tell both sides that the marketplace's people look at it now."""
    began = BookingState(booking.state) is BookingState.IN_PROGRESS
    said: dict[str, Any] = {"began": began, "trainee_name": _name(session, booking)}
    template = "rotation_left_open"
    notices.tell_trainee(session, booking, template, now=now, yours=True, **said)
    notices.tell_host(session, booking, template, now=now, yours=False, **said)


def _name(session: Session, booking: Booking) -> str:
    found = identity.contact(session, booking.trainee_id)
    return found.name if found else ""
