"""What a trainee is told of an itinerary, in the transaction of what happened."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from marketplace.booking.models import Booking, Itinerary
from marketplace.booking.service.notices import booked, days, money_json
from marketplace.booking.states import TIMED
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.identity.service.notices import TextFile, notify


def ready(session: Session, itinerary: Itinerary, made: Sequence[Booking], now: datetime) -> None:
    """Every host has answered: say which rotations are left, and until when they can be paid."""
    _tell(
        session,
        itinerary,
        "itinerary_ready",
        now,
        rotations=[_rotation(one) for one in made if one.state in TIMED],
        ended=[_rotation(one) for one in made if one.state not in TIMED],
        pay_by=itinerary.pay_by.isoformat() if itinerary.pay_by else None,
    )


def confirmed(
    session: Session, itinerary: Itinerary, made: Sequence[Booking], paid: Money, now: datetime
) -> None:
    """Tell the trainee of all rotations, and each host of its own."""
    _tell(
        session,
        itinerary,
        "itinerary_confirmed",
        now,
        files=[days(session, one, now) for one in made],
        rotations=[_rotation(one) for one in sorted(made, key=lambda one: one.first_day)],
        paid=money_json(paid),
    )
    for booking in made:
        booked(session, booking, now)


def sent_back(session: Session, itinerary: Itinerary, paid: Money, now: datetime) -> None:
    _tell(session, itinerary, "itinerary_refunded", now, paid=money_json(paid))


def payment_failed(session: Session, itinerary: Itinerary, amount: Money, now: datetime) -> None:
    until = itinerary.pay_by.isoformat() if itinerary.pay_by else None
    _tell(
        session,
        itinerary,
        "itinerary_payment_failed",
        now,
        amount=money_json(amount),
        pay_by=until,
    )


def ended(session: Session, itinerary: Itinerary, now: datetime) -> None:
    _tell(session, itinerary, "itinerary_expired", now)


def _rotation(booking: Booking) -> dict[str, Any]:
    return {
        "listing_title": booking.listing_title,
        "site_name": booking.site_name,
        "first_day": booking.first_day.isoformat(),
        "last_day": booking.last_day.isoformat(),
        "state": booking.state,
    }


def _tell(
    session: Session,
    itinerary: Itinerary,
    template: str,
    now: datetime,
    files: Sequence[TextFile] = (),
    **data: Any,
) -> None:
    facts = {"itinerary_id": str(itinerary.id), "itinerary_name": itinerary.name}
    notify(session, itinerary.trainee_id, template, {**facts, **data}, now=now, files=files)
