"""One payment for the whole itinerary: it confirms every rotation that it is for, or goes back.

Each rotation is a part of the payment, with its own lines, so that a later cancellation gives back
from its own share and the books add up by booking. Balances are paid booking by booking, each when
it is due.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
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
from marketplace.booking.rules.by_card import PAGE_ONLY, CardWish
from marketplace.booking.rules.deadlines import day_begins, held_until, site_day
from marketplace.booking.rules.itineraries import ItineraryState
from marketplace.booking.rules.less import Less
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import (
    agreeing,
    balances,
    easing,
    holds,
    payment,
    schooling,
    transition,
)
from marketplace.booking.service.easing import Brought, Look
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
from marketplace.payments.rules import Part, PriceLine, Purpose, total
from marketplace.payments.service import refunds
from marketplace.payments.service.vouchers import Lowered

BEGUN = "Payment of the itinerary begun."
GONE = "The seats were no longer held."
# The page that a payer comes back to.
RETURN_PATH = "/itineraries/{}/returned"
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
    less: Less = easing.NOTHING,
    wish: CardWish = PAGE_ONLY,
) -> UUID:
    """Ask for all that is due now in one payment, and return its id; asking again is the same.

    The deposit of each rotation, or its whole price if `whole` or if its balance is due already.
    `without` names the bookings that have ended and that the trainee goes on without: exactly
    those (`ItineraryIncomplete`). `less` and `wish`: a code and credit, and what is agreed to about
    the card, as for a booking alone; balances are charged each on its day. The caller holds the
    itinerary's money, then its row.
    """
    deciding.check_held(itinerary)
    made = queries.bookings(session, itinerary.id, hold=True)
    live = [one for one in made if one.state in TIMED]
    _check_whole([one for one in made if one not in live], set(without))
    if itinerary.payment_id is not None:
        return itinerary.payment_id
    _check_payable(live, now)
    schooling.check_approved(session, live)
    agreeing.check(session, live)
    found = easing.lowered(session, live, less, "deposit", now)
    due = [_due(booking, now, whole=whole, found=found) for booking in live]
    use = balances.use_of_several(session, wish, _left(due, found), itinerary.trainee_id)
    asked = easing.request(
        session,
        payable=Payable(KIND, itinerary.id),
        purpose=_purpose(due),
        payer_id=itinerary.trainee_id,
        site_id=None,
        parts=[Part(payment.KIND, one.booking.id, one.booking.site_id, one.lines) for one in due],
        description=f"{itinerary.name}: {len(live)} rotation{'s' * (len(live) > 1)}",
        expires_in=terms.checkout,
        now=now,
        locked=True,
        less=less,
        found=found,
        return_path=RETURN_PATH.format(itinerary.id),
        card=use,
    )
    for booking in live:
        _wait_for_money(session, itinerary, booking, terms, now)
    itinerary.payment_id = asked.payment_id
    itinerary.version += 1
    session.flush()
    easing.announce(session, asked, now)
    return asked.payment_id


def look(
    session: Session, itinerary: Itinerary, *, whole: bool = False, less: Less, now: datetime
) -> tuple[Look, dict[str, str | None]]:
    """Show what `pay` would ask for, line by line; nothing is changed.

    And the words that one would agree to by having the card kept.
    """
    deciding.check_held(itinerary)
    live = [one for one in queries.bookings(session, itinerary.id) if one.state in TIMED]
    _check_payable(live, now)
    found = easing.lowered(session, live, less, "deposit", now)
    due = [_due(booking, now, whole=whole, found=found) for booking in live]
    look = easing.look(session, live, [one.lines for one in due], less, found, _purpose(due), now)
    return look, balances.words_of_several(session, _left(due, found), itinerary.trainee_id)


def _left(due: Sequence[Due], found: Lowered | None) -> dict[Booking, Money]:
    """What is left to pay of each on its own day, the discount taken off."""
    left = {}
    for one in due:
        line = found.lines.get(one.booking.id) if found else None
        lines = () if one.whole else easing.lines_due(one.booking, "balance", line)
        if lines:
            left[one.booking] = total(lines)
    return left


def _purpose(due: Sequence[Due]) -> Purpose:
    return "whole" if all(one.whole for one in due) else "deposit"


def settled(session: Session, event: PaymentSettled) -> None:
    """Confirm every rotation that was paid for, or send all the money back: nothing in between."""
    if event.payable.kind != KIND:
        return
    itinerary = queries.lock(session, event.payable.id)
    parts = {part.payable_id: part.amount for part in payments.parts(session, event.payment_id)}
    made = queries.many_locked(session, list(parts))
    came = None
    if itinerary.state != ItineraryState.CONFIRMED:
        came = _arrived(session, made, parts, event)
    if came is None:
        easing.give_up(session, event, GONE)
        refunds.refund_whole(session, event.payment_id, reason=GONE, now=event.at)
        telling.sent_back(session, itinerary, event.amount, event.at)
        return
    if itinerary.payment_id != event.payment_id:
        # Paid on an earlier page than the one that is open now: close that one.
        deciding.drop(session, itinerary)
    for booking in made:
        _confirm(session, booking, came[booking.id], event.at)
    itinerary.payment_id = event.payment_id
    drafting.to(session, itinerary, ItineraryState.CONFIRMED)
    paid = sum((one.amount for one in came.values()), Money.zero(event.amount.currency))
    telling.confirmed(session, itinerary, made, paid, event.at)


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


def _due(booking: Booking, now: datetime, *, whole: bool, found: Lowered | None) -> Due:
    due_on = booking.balance_due_on
    all_of_it = whole or due_on is None or due_on <= site_day(now, booking.time_zone)
    line = found.lines.get(booking.id) if found else None
    lines = easing.lines_due(booking, "lines" if all_of_it else "deposit", line)
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


def secure(session: Session, made: Sequence[Booking], now: datetime) -> bool:
    """Whether every seat is the trainee's: still held, or all that were lost free to be taken."""
    lost = [one for one in made if one.state == BookingState.EXPIRED]
    held = [one for one in made if one.state == BookingState.AWAITING_PAYMENT]
    begun = any(now >= day_begins(one.first_day, one.time_zone) for one in lost)
    if len(lost) + len(held) < len(made) or begun or agreeing.without(session, made):
        return False
    if not lost:
        return True
    wanted = Counter(
        (one.listing_id, week) for one in lost for week in run_of_weeks(one.first_day, one.weeks)
    )
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


def _arrived(
    session: Session,
    made: Sequence[Booking],
    parts: Mapping[UUID, Money],
    event: PaymentSettled,
) -> Mapping[UUID, Brought] | None:
    """What arrived for each, with the credit beside it, if every seat is the trainee's; else None."""
    if not easing.eased(event):
        secured = secure(session, made, event.at)
        return {one.id: Brought(parts[one.id], {}) for one in made} if secured else None
    try:
        with session.begin_nested():
            found = easing.brought(session, made, parts, event)
            if not secure(session, made, event.at):
                raise easing.Gone
    except easing.Gone:
        return None
    return found


def _confirm(session: Session, booking: Booking, came: Brought, now: datetime) -> None:
    paid = booking.paid + came.amount
    values: dict[str, Any] = {
        **came.values,
        "paid_minor": paid.minor,
        "paid_currency": paid.currency,
    }
    transition.move(
        session,
        booking,
        BookingState.CONFIRMED,
        actor_id=None,
        reason=f"Paid with the itinerary: {came.amount}.",
        now=now,
        **values,
    )
