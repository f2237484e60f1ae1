"""Paying for a booking, and what money does to it when it arrives, fails or comes too late.

A payment is asked for and answered by events of `payments`; this module only ever requests. It
never waits for a payment's row while it holds a booking's: whoever settles takes them in the other
order, so closing an open payment is left to a job.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.errors import (
    ApprovalNeeded,
    NotOpenForThis,
    PaidBySchool,
    PaidTogether,
)
from marketplace.booking.models import Booking
from marketplace.booking.queries import cohorts, itineraries
from marketplace.booking.rules.deadlines import held_until, site_day
from marketplace.booking.rules.less import Less
from marketplace.booking.rules.terms import Terms
from marketplace.booking.service import (
    agreeing,
    easing,
    host_shares,
    notices,
    refusing,
    schooling,
    transition,
)
from marketplace.booking.service.easing import Asked, Brought, Look
from marketplace.booking.service.securing import secure
from marketplace.booking.states import OWNED, BookingState
from marketplace.catalog.rules.vocabulary import Approval
from marketplace.core.db import Session
from marketplace.core.jobs import defer
from marketplace.core.money import Money
from marketplace.payments import queries as payments
from marketplace.payments.events import (
    Payable,
    PaymentExpired,
    PaymentFailed,
    PaymentSettled,
)
from marketplace.payments.rules import Part, Purpose
from marketplace.payments.rules.cards import PAGE, CardUse
from marketplace.payments.service import plans, refunds

KIND = queries.PAYABLE
# The page that a payer comes back to; programs are told the same as JSON.
RETURN_PATH = "/rotations/{}/returned"
# What is paid for a purpose, as the frozen price names it.
PARTS: dict[Purpose, str] = {"whole": "lines", "deposit": "deposit", "balance": "balance"}
DROP = "booking.drop_payment"
UNCOVERED = "The agreement that it needs is not in force."
# A balance has no seat waiting for it: the page may stay open for as long as the processor allows.
BALANCE_PAGE = timedelta(hours=23)


def pay(
    session: Session,
    booking: Booking,
    *,
    whole: bool = False,
    terms: Terms,
    now: datetime,
    locked: bool = False,
    less: Less = easing.NOTHING,
    card: CardUse = PAGE,
) -> UUID:
    """Ask for what is due now and return the payment's id; a second call returns the same.

    The deposit, or the whole price if `whole` or if the balance is due already; on a confirmed
    booking, the balance. The seat is kept for longer than the payment page lives. `locked`: the
    booking was read by `queries.own_to_pay`. `less`: a code that lowers the price, and credit that
    pays a part, or all: then it is paid at once, and the booking is confirmed when this returns.
    `card`: a kept one that is charged, or what was agreed to about the one that the page takes.
    """
    state = BookingState(booking.state)
    if state in {BookingState.CONFIRMED, BookingState.IN_PROGRESS}:
        return _request_balance(session, booking, now, locked=locked, less=less, card=card)
    check_alone(booking)
    if state is BookingState.AWAITING_PAYMENT and booking.payment_id is not None:
        return booking.payment_id
    _check_payable(booking, now)
    schooling.check_approved(session, [booking])
    agreeing.check(session, [booking])
    purpose = purpose_of(booking, now, whole=whole)
    asked = _request(
        session, booking, purpose, terms.checkout, now, locked=locked, less=less, card=card
    )
    payment_id = asked.payment_id
    until = held_until(now, booking.first_day, booking.time_zone, terms.hold)
    if booking.pay_by is not None:
        until = max(until, booking.pay_by)
    if state is BookingState.HELD:
        transition.move(
            session,
            booking,
            BookingState.AWAITING_PAYMENT,
            actor_id=booking.trainee_id,
            reason="Payment begun.",
            now=now,
            hold_expires_at=until,
            payment_id=payment_id,
        )
    else:
        _wait_for(
            session, booking, payment_id, until, booking.trainee_id, "A payment is under way.", now
        )
    easing.announce(session, asked, now)
    return payment_id


def look(
    session: Session, booking: Booking, *, whole: bool = False, less: Less, now: datetime
) -> Look:
    """Show what `pay` would ask for, line by line, with its refusals; nothing is changed."""
    if BookingState(booking.state) in {BookingState.CONFIRMED, BookingState.IN_PROGRESS}:
        purpose: Purpose = "balance"
        _check_owing(booking)
    else:
        check_alone(booking)
        purpose = purpose_of(booking, now, whole=whole)
    found = easing.lowered(session, [booking], less, purpose, now)
    line = found.lines.get(booking.id) if found else None
    due = easing.lines_due(booking, PARTS[purpose], line)
    return easing.look(session, [booking], [due], less, found, purpose, now)


def settled(session: Session, event: PaymentSettled) -> None:
    """Fulfil what was paid for, or send the money back; both in the payment's transaction."""
    if event.payable.kind != KIND:
        return
    booking = queries.lock(session, event.payable.id)
    if event.purpose == "balance":
        _settle_balance(session, booking, event)
        return
    arrived = _arrived(session, booking, event)
    if arrived is not None:
        if booking.payment_id != event.payment_id:
            # The trainee paid on an earlier page than the one that is open now: close that one.
            drop(session, booking)
        transition.move(
            session,
            booking,
            BookingState.CONFIRMED,
            actor_id=None,
            reason=f"Paid: {arrived.amount}.",
            now=event.at,
            payment_id=event.payment_id,
            **arrived.values,
            **_paid(booking, arrived.amount),
        )
        notices.confirmed(session, booking, event.at)
    else:
        uncovered = bool(agreeing.without(session, [booking]))
        reason = UNCOVERED if uncovered else "The seat was no longer held."
        _send_back(session, booking, event, reason)
        if uncovered:
            _let_go(session, booking, event.at)


def failed(session: Session, event: PaymentFailed | PaymentExpired) -> None:
    """Release the seat, unless an approved application has time left to be paid."""
    if event.payable.kind != KIND:
        return
    booking = queries.lock(session, event.payable.id)
    waits = BookingState(booking.state) is BookingState.AWAITING_PAYMENT
    if not waits or booking.payment_id != event.payment_id:
        return
    if booking.pay_by is not None and event.at < booking.pay_by:
        reason = "The payment failed; there is time for another."
        _wait_for(session, booking, None, booking.pay_by, None, reason, event.at)
        notices.payment_failed(session, booking, event.amount, event.at)
        return
    reason = "The payment failed." if isinstance(event, PaymentFailed) else "Not paid in time."
    transition.move(
        session, booking, BookingState.EXPIRED, actor_id=None, reason=reason, now=event.at
    )
    notices.expired(session, booking, event.at)


def check_alone(booking: Booking) -> None:
    """Refuse what is done for all rotations of an itinerary at once: `PaidTogether`.

    `PaidBySchool` for what a school does for a cohort.
    """
    _check_own(booking)
    if booking.itinerary_id is not None and booking.replaces_id is None:
        raise PaidTogether(extra={"itinerary_id": str(booking.itinerary_id)})


def lock_itinerary(session: Session, itinerary_id: UUID) -> None:
    """Wait for the itinerary's money to be nobody else's, before its row and its bookings'."""
    payments.lock_payable(session, Payable(itineraries.PAYABLE, itinerary_id))


def lock_money(session: Session, booking: Booking) -> None:
    """Wait for all money of a booking, the itinerary's that it was paid with among it."""
    if booking.itinerary_id is not None:
        lock_itinerary(session, booking.itinerary_id)
    if booking.cohort_id is not None:
        payments.lock_payable(session, Payable(cohorts.PAYABLE, booking.cohort_id))
        payments.lock_payable(session, Payable(cohorts.PLACE, booking.id))
    payments.lock_payable(session, Payable(KIND, booking.id))


def drop(session: Session, booking: Booking) -> None:
    """Have the booking's payment closed, if it has one, once this transaction has committed."""
    if booking.payment_id is not None:
        defer(session, DROP, payment_id=str(booking.payment_id))


def _check_payable(booking: Booking, now: datetime) -> None:
    state = BookingState(booking.state)
    if booking.replaces_id is not None and state is BookingState.HELD:
        raise NotOpenForThis("It is held in place of a rotation that was called off: accept it.")
    if state is BookingState.SUBMITTED or (
        state is BookingState.HELD and booking.approval == Approval.REQUEST
    ):
        raise ApprovalNeeded
    if state not in {BookingState.HELD, BookingState.AWAITING_PAYMENT}:
        raise refusing.closed(booking)
    if booking.replaces_id is not None:
        raise NotOpenForThis("It is held in place of a rotation that was called off: accept it.")
    if booking.hold_expires_at is None or booking.hold_expires_at <= now:
        raise NotOpenForThis("The seat is no longer kept for you. Hold it again.")


def purpose_of(booking: Booking, now: datetime, *, whole: bool) -> Purpose:
    """Whether the deposit of a booking that is not paid is asked for, or all of it."""
    return "whole" if whole or _balance_is_due(booking, now) else "deposit"


def _balance_is_due(booking: Booking, now: datetime) -> bool:
    due = booking.balance_due_on
    return due is not None and due <= site_day(now, booking.time_zone)


def _request(
    session: Session,
    booking: Booking,
    purpose: Purpose,
    expires_in: timedelta,
    now: datetime,
    *,
    locked: bool,
    less: Less,
    card: CardUse,
) -> Asked:
    found = easing.lowered(session, [booking], less, purpose, now)
    line = found.lines.get(booking.id) if found else None
    lines = easing.lines_due(booking, PARTS[purpose], line)
    return easing.request(
        session,
        payable=Payable(KIND, booking.id),
        payer_id=booking.trainee_id,
        site_id=booking.site_id,
        return_path=RETURN_PATH.format(booking.id),
        parts=[Part(KIND, booking.id, booking.site_id, lines)],
        purpose=purpose,
        description=f"{booking.listing_title}, {booking.first_day} to {booking.last_day}",
        expires_in=expires_in,
        now=now,
        locked=locked,
        less=less,
        found=found,
        card=card,
    )


def _request_balance(
    session: Session, booking: Booking, now: datetime, *, locked: bool, less: Less, card: CardUse
) -> UUID:
    _check_owing(booking)
    asked = _request(
        session, booking, "balance", BALANCE_PAGE, now, locked=locked, less=less, card=card
    )
    easing.announce(session, asked, now)
    return asked.payment_id


def _check_own(booking: Booking) -> None:
    if booking.cohort_id is not None:
        raise PaidBySchool(extra={"cohort_id": str(booking.cohort_id)})


def _check_owing(booking: Booking) -> None:
    _check_own(booking)
    if booking.paid >= booking.total:
        raise NotOpenForThis("This booking is paid.")


def _wait_for(
    session: Session,
    booking: Booking,
    payment_id: UUID | None,
    until: datetime,
    actor_id: UUID | None,
    reason: str,
    now: datetime,
) -> None:
    """Name the payment that is waited for; where that moves the seat's end, it is a step."""
    if until == booking.hold_expires_at:
        transition.amend(session, booking, payment_id=payment_id)
        return
    transition.move(
        session,
        booking,
        BookingState.AWAITING_PAYMENT,
        actor_id=actor_id,
        reason=reason,
        now=now,
        hold_expires_at=until,
        payment_id=payment_id,
    )


def _arrived(session: Session, booking: Booking, event: PaymentSettled) -> Brought | None:
    """What arrived for a booking whose seat is the trainee's, with the credit beside it.

    None, and nothing done, where the seat is gone, or the credit was spent since.
    """
    if not easing.eased(event):
        secured = secure(session, booking, event.at)
        return Brought(event.amount, {}) if secured else None
    try:
        with session.begin_nested():
            amounts = {booking.id: event.amount}
            found = easing.brought(session, [booking], amounts, event)[booking.id]
            if not secure(session, booking, event.at):
                raise easing.Gone
    except easing.Gone:
        return None
    return found


def _let_go(session: Session, booking: Booking, now: datetime) -> None:
    """Give up what waits for money that has just gone back: no agreement covers it any more."""
    if BookingState(booking.state) is BookingState.AWAITING_PAYMENT:
        transition.move(
            session, booking, BookingState.EXPIRED, actor_id=None, reason=UNCOVERED, now=now
        )


def _settle_balance(session: Session, booking: Booking, event: PaymentSettled) -> None:
    owned = BookingState(booking.state) in OWNED
    whole = event.amount + Money(event.credit_minor, event.amount.currency)
    if not owned or booking.paid + whole > booking.total:
        _send_back(session, booking, event, "Nothing more was due.")
        return
    try:
        with easing.or_nothing(session, event):
            amounts = {booking.id: event.amount}
            found = easing.brought(session, [booking], amounts, event)[booking.id]
    except easing.Gone:
        _refund(session, event, "The credit that was to pay the rest is spent.")
        notices.credit_gone(session, booking, event.amount, event.at)
        return
    transition.amend(session, booking, **_paid(booking, found.amount))
    plans.paid(session, event.payable, event.at)
    host_shares.paid_later(session, booking, event.at)


def _send_back(session: Session, booking: Booking, event: PaymentSettled, reason: str) -> None:
    _refund(session, event, reason)
    if BookingState(booking.state) in OWNED:
        notices.paid_twice(session, booking, event.amount, event.at)
    else:
        notices.seat_lost(session, booking, event.amount, event.at)


def _refund(session: Session, event: PaymentSettled, reason: str) -> None:
    easing.give_up(session, event, reason)
    refunds.refund(session, event.payment_id, amount=event.amount, reason=reason, now=event.at)


def _paid(booking: Booking, amount: Money) -> dict[str, Any]:
    whole = booking.paid + amount
    return {"paid_minor": whole.minor, "paid_currency": whole.currency}
