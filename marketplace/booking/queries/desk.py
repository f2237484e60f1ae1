"""How much about bookings waits for an operator."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from marketplace.booking.models import Booking, NoShow
from marketplace.booking.queries import due, endings
from marketplace.core.db import Session


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many no-shows, rotations and balances wait."""

    disputed: int
    left_open: int
    overdue: int


def waiting(session: Session, now: datetime) -> Waiting:
    """Return how much waits; one query."""
    disputed = select(func.count(NoShow.booking_id)).where(*endings.disputed())
    left_open = due.open_since(now).with_only_columns(func.count(Booking.id))
    overdue = select(func.count(Booking.id)).where(Booking.state.in_(due.OPEN), *due.overdue(now))
    counts = (one.scalar_subquery() for one in (disputed, left_open, overdue))
    return Waiting(*session.execute(select(*counts)).one())
