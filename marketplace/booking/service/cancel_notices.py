"""What both sides are told of a booking that was cancelled, and of what was paid for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marketplace.booking.models import Booking
from marketplace.booking.service.notices import days_off, money_json, tell_host, tell_trainee
from marketplace.booking.states import BookingState
from marketplace.core.db import Session
from marketplace.core.money import Money

CANCELLED_BY = {
    BookingState.CANCELLED_BY_TRAINEE: "trainee",
    BookingState.CANCELLED_BY_HOST: "host",
    BookingState.CANCELLED_BY_OPERATOR: "operator",
}


@dataclass(frozen=True)
class Returned:
    """What comes of what was paid for a booking that was cancelled, and the name of the terms."""

    paid: Money
    money: Money
    credit: Money
    kept: Money
    terms: str


def returned_json(booking: Booking, found: Returned | None) -> dict[str, Any]:
    """What a trainee is told of it; nothing where their school has paid, or nobody."""
    if found is None or booking.cohort_id is not None:
        return {"refund": None, "back": None}
    back = {name: money_json(getattr(found, name)) for name in ("paid", "credit", "kept")}
    return {"refund": money_json(found.money), "back": {**back, "terms": found.terms}}


def cancelled(
    session: Session,
    booking: Booking,
    found: Returned | None,
    reason: str,
    now: datetime,
    by: str | None = None,
) -> None:
    """Tell both sides, whichever of them did it; the trainee also why, if somebody else did."""
    by = by or CANCELLED_BY[BookingState(booking.state)]
    data = {"cancelled_by": by, **returned_json(booking, found)}
    why = None if by == "trainee" else reason
    # Whoever paid has the days in a calendar.
    files = [days_off(session, booking, now)] if booking.paid.minor else []
    tell_trainee(session, booking, "booking_cancelled", now=now, files=files, reason=why, **data)
    hidden = {**data, "refund": None, "back": None, "reason": None}
    tell_host(session, booking, "booking_cancelled", now=now, **hidden)
