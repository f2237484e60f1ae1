"""One payment for the whole itinerary: it confirms every rotation that it is for, or goes back.

Each rotation is a part of the payment, with its own lines, so that a later cancellation gives back
from its own share and the books add up by booking. Balances are paid booking by booking, each when
it is due.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.booking.errors import (
    AlreadyBookedThen,
    ApprovalNeeded,
    ItineraryIncomplete,
    NotOpenForThis,
)
from marketplace.booking.models import Booking, Itinerary
from marketplace.booking.queries import itineraries as queries
from marketplace.booking.rules import frozen
from marketplace.booking.rules.deadlines import day_begins, held_until, site_day
from marketplace.booking.rules.itineraries import ItineraryState
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import holds, payment, transition
from marketplace.booking.service.itineraries import KIND, deciding, drafting, telling
from marketplace.booking.states import TIMED, BookingState
from marketplace.catalog.errors import SeatTaken
from marketplace.catalog.rules.weeks import run_of_weeks
from marketplace.catalog.service import seats, taking
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments import queries as payments
from marketplace.payments.events import (
    Payable,
    PaymentExpired,
    PaymentFailed,
    PaymentSettled,
)
from marketplace.payments.rules import Part, PriceLine, Purpose
from marketplace.payments.service import asking, refunds

BEGUN = "Payment of the itinerary begun."
AGAIN = "The payment failed; there is time for another."


@dataclass(frozen=True)
class Due:
    """What is paid for one booking now; `whole` if nothing is left to pay for it later."""

    booking: Booking
    lines: tuple[PriceLine, ...]
    whole: bool


def pay(
    session: Session,
    itinerary: Itinerary,
    *,
    whole: bool = False,
    without: Collection[UUID] = (),
    terms: Terms,
    now: datetime,
) -> UUID:
    """Ask for all that is due now in one payment, and return its id; asking again is the same.

    The deposit of each rotation, or its whole price if `whole` or if its balance is due already.
    `without` names the bookings that have ended and that the trainee goes on without: exactly
    those (`ItineraryIncomplete`). The caller holds the itinerary's money, then its row.
    """
    deciding.check_held(itinerary)
    made = queries.bookings(session, itinerary.id, hold=True)
    live = [one for one in made if one.state in TIMED]
    _check_whole([one for one in made if one not in live], set(without))
    if itinerary.payment_id is not None:
        return itinerary.payment_id
    _check_payable(live, now)
    due = [_due(booking, now, whole=whole) for booking in live]
    purpose: Purpose = "whole" if all(one.whole for one in due) else "deposit"
    asked = asking.request(
        session,
        payable=Payable(KIND, itinerary.id),
        purpose=purpose,
        payer_id=itinerary.trainee_id,
        site_id=None,
        lines=[line for one in due for line in one.lines],
        parts=[Part(payment.KIND, one.booking.id, one.booking.site_id, one.lines) for one in due],
        description=f"{itinerary.name}: {len(live)} rotations",
        expires_in=terms.checkout,
        now=now,
        locked=True,
    )
    for booking in live:
        _wait_for_money(session, itinerary, booking, terms, now)
    itinerary.payment_id = asked.id
    itinerary.version += 1
    session.flush()
    return asked.id


def settled(session: Session, event: PaymentSettled) -> None:
    """Confirm every rotation that was paid for, or send all the money back: nothing in between."""
    if event.payable.kind != KIND:
        return
    itinerary = queries.lock(session, event.payable.id)
    parts = {part.payable_id: part.amount for part in payments.parts(session, event.payment_id)}
    made = queries.many_locked(session, list(parts))
    if itinerary.state == ItineraryState.CONFIRMED or not _secure(session, made, event.at):
        refunds.refund_whole(
            session, event.payment_id, reason="The seats were no longer held.", now=event.at
        )
        telling.sent_back(session, itinerary, event.amount, event.at)
        return
    if itinerary.payment_id != event.payment_id:
        # Paid on an earlier page than the one that is open now: close that one.
        deciding.drop(session, itinerary)
    for booking in made:
        _confirm(session, booking, parts[booking.id], event.at)
    itinerary.payment_id = event.payment_id
    drafting.to(session, itinerary, ItineraryState.CONFIRMED)
    telling.confirmed(session, itinerary, made, event.amount, event.at)


def failed(session: Session, event: PaymentFailed | PaymentExpired) -> None:
    """Release every seat, unless all hosts have agreed and there is time left to pay."""
    if event.payable.kind != KIND:
        return
    itinerary = queries.lock(session, event.payable.id)
    if itinerary.state != ItineraryState.HELD or itinerary.payment_id != event.payment_id:
        return
    waiting = [
        one
        for one in queries.bookings(session, itinerary.id, hold=True)
        if one.state == BookingState.AWAITING_PAYMENT
    ]
    itinerary.payment_id = None
    if itinerary.pay_by is not None and event.at < itinerary.pay_by:
        for booking in waiting:
            transition.keep(session, booking, itinerary.pay_by, reason=AGAIN, now=event.at)
        itinerary.version += 1
        session.flush()
        telling.payment_failed(session, itinerary, event.amount, event.at)
        return
    reason = "The payment failed." if isinstance(event, PaymentFailed) else "Not paid in time."
    transition.move_all(session, waiting, BookingState.EXPIRED, reason=reason, now=event.at)
    drafting.to(session, itinerary, ItineraryState.ENDED)
    telling.ended(session, itinerary, event.at)


def _check_whole(ended: Sequence[Booking], without: set[UUID]) -> None:
    if {one.id for one in ended} != without:
        raise ItineraryIncomplete(
            extra={
                "ended": [{"booking_id": str(one.id), "state": one.state} for one in ended],
            }
        )


def _check_payable(live: Sequence[Booking], now: datetime) -> None:
    if not live:
        raise NotOpenForThis("None of its rotations is left to pay for.")
    waiting = [
        one
        for one in live
        if one.state not in deciding.SETTLED or deciding.waits_for_submitting(one)
    ]
    if waiting:
        raise ApprovalNeeded(
            "It is paid when every host has agreed.",
            extra={"waiting": [{"booking_id": str(one.id), "state": one.state} for one in waiting]},
        )
    if any(one.hold_expires_at is None or one.hold_expires_at <= now for one in live):
        raise NotOpenForThis("The seats are no longer kept for you. Hold them again.")


def _due(booking: Booking, now: datetime, *, whole: bool) -> Due:
    due_on = booking.balance_due_on
    all_of_it = whole or due_on is None or due_on <= site_day(now, booking.time_zone)
    lines = frozen.price_lines(booking.price, "lines" if all_of_it else "deposit")
    named = tuple(
        replace(line, description=f"{booking.listing_title}: {line.description}") for line in lines
    )
    return Due(booking, named, all_of_it)


def _wait_for_money(
    session: Session, itinerary: Itinerary, booking: Booking, terms: Terms, now: datetime
) -> None:
    until = held_until(now, booking.first_day, booking.time_zone, terms.hold)
    if itinerary.pay_by is not None:
        until = max(until, itinerary.pay_by)
    if booking.state != BookingState.HELD:
        transition.keep(session, booking, until, reason=BEGUN, now=now)
        return
    transition.move(
        session,
        booking,
        BookingState.AWAITING_PAYMENT,
        actor_id=booking.trainee_id,
        reason=BEGUN,
        now=now,
        hold_expires_at=until,
    )


def _secure(session: Session, made: Sequence[Booking], now: datetime) -> bool:
    """Whether every seat is the trainee's: still held, or all that were lost free to be taken."""
    lost = [one for one in made if one.state == BookingState.EXPIRED]
    held = [one for one in made if one.state == BookingState.AWAITING_PAYMENT]
    begun = any(now >= day_begins(one.first_day, one.time_zone) for one in lost)
    if len(lost) + len(held) < len(made) or begun:
        return False
    if not lost:
        return True
    wanted = {
        (one.listing_id, week): 1 for one in lost for week in run_of_weeks(one.first_day, one.weeks)
    }
    try:
        with session.begin_nested():
            for booking in sorted(lost, key=lambda one: one.first_day):
                holds.claim_weeks(session, booking, now)
            seats.hold_listings(session, [one.listing_id for one in lost])
            if taking.take_all(session, wanted):
                raise SeatTaken
    except (SeatTaken, AlreadyBookedThen):
        return False
    return True


def _confirm(session: Session, booking: Booking, amount: Money, now: datetime) -> None:
    paid = booking.paid + amount
    values: dict[str, Any] = {"paid_minor": paid.minor, "paid_currency": paid.currency}
    transition.move(
        session,
        booking,
        BookingState.CONFIRMED,
        actor_id=None,
        reason=f"Paid with the itinerary: {amount}.",
        now=now,
        **values,
    )
