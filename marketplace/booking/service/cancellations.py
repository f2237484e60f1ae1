"""Cancelling a confirmed booking: first the exact quote, then the commitment to that very quote.

The quote is a pure function of frozen terms and facts, so it is computed again when it is
committed to: where the money would now differ, nothing happens and the new quote is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.errors import (
    CreditNotOffered,
    NotOpenForThis,
    PartlyReturned,
    QuoteChanged,
)
from marketplace.booking.models import Booking, BookingCancellation
from marketplace.booking.rules import cancellation, frozen
from marketplace.booking.rules.cancellation import Facts, Quote
from marketplace.booking.rules.deadlines import days_before
from marketplace.booking.service import host_shares, notices, payment, transition
from marketplace.booking.states import CANCELLABLE, TIMED, BookingState
from marketplace.catalog.rules.policies import PaysBackAs, PolicyEvent
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments import queries as payments
from marketplace.payments.events import Payable
from marketplace.payments.service import refunds

# Tells both sides, with what goes back.
Tell = Callable[[Session, Booking, Money, datetime], None]


@dataclass(frozen=True)
class Wish:
    """What is to be cancelled under: the event, the option chosen, and the proofs accepted."""

    event: PolicyEvent = PolicyEvent.TRAINEE_CANCELS
    option: str | None = None
    proofs: frozenset[str] = frozenset()


def quote(booking: Booking, wish: Wish, now: datetime) -> Quote:
    """Say what cancelling now would pay back, line by line; nothing is changed.

    Raises `NotOpenForThis` unless the booking is confirmed or under way.
    """
    if BookingState(booking.state) not in CANCELLABLE:
        raise NotOpenForThis(
            f"A booking that is {booking.state} has nothing to cancel.",
            extra={"state": booking.state},
        )
    return quote_of_ended(booking, wish, now)


def quote_of_ended(booking: Booking, wish: Wish, at: datetime) -> Quote:
    """Say what the terms pay back for a booking that ended at `at`, in whatever state it is."""
    facts = Facts(
        booking_id=booking.id,
        event=wish.event,
        days=days_before(booking.first_day, at, booking.time_zone),
        paid=booking.paid,
        deposit=booking.deposit,
        proofs=wish.proofs,
        at_least=frozen.kept_at_least(booking.policy),
    )
    return cancellation.better_of(frozen.choices(booking.policy), facts, wish.option)


def cancel(
    session: Session,
    booking: Booking,
    wish: Wish,
    *,
    mark: str,
    to: BookingState,
    actor_id: UUID,
    reason: str,
    now: datetime,
    tell: Tell = notices.cancelled,
) -> Quote:
    """Cancel under the quote whose `mark` was shown; `to` says which side cancels.

    Asks for the refund in the same transaction. Raises `QuoteChanged` with the present quote if
    the money would differ from what was shown.
    """
    # The money first, then the booking, as whoever settles a payment takes them; what is read now
    # stays so until the commit.
    payment.lock_money(session, booking)
    queries.lock(session, booking.id)
    present = quote(booking, wish, now)
    if present.mark != mark:
        raise QuoteChanged(extra={"quote": quote_json(present)})
    if present.pays_back_as is PaysBackAs.VOUCHER:
        raise CreditNotOffered
    settle(session, booking, present, actor_id=actor_id, reason=reason, now=now)
    transition.move(session, booking, to, actor_id=actor_id, reason=reason, now=now)
    tell(session, booking, present.refund, now)
    return present


def settle(
    session: Session,
    booking: Booking,
    agreed: Quote,
    *,
    actor_id: UUID,
    reason: str,
    now: datetime,
) -> None:
    """Ask for the refund of a quote and write it down for good; once for a booking."""
    asked = give_back(session, booking, agreed.refund, actor_id, reason, now)
    session.add(_record(booking, agreed, asked, actor_id, now))
    host_shares.decided(session, booking, now)
    session.flush()


def cancel_unpaid(
    session: Session,
    booking: Booking,
    *,
    to: BookingState,
    actor_id: UUID,
    reason: str,
    now: datetime,
    tell: Tell = notices.cancelled,
) -> None:
    """End a booking that is not confirmed, for the host or an operator; nothing was paid for it."""
    if BookingState(booking.state) not in TIMED:
        raise NotOpenForThis(f"The booking is {booking.state}.", extra={"state": booking.state})
    transition.move(session, booking, to, actor_id=actor_id, reason=reason, now=now)
    payment.drop(session, booking)
    tell(session, booking, Money.zero(booking.paid.currency), now)


def quote_json(quote: Quote) -> dict[str, Any]:
    """The quote as JSON values: for the API, for problems and for the record."""
    return {
        "quote": quote.mark,
        "event": quote.event.value,
        "option": quote.option,
        "pays_back_as": quote.pays_back_as.value,
        "policy": quote.policy_key,
        "days_before_start": quote.days,
        "unchanged_through_days": quote.valid_through_days,
        "lines": _lines_json(quote),
        "paid": notices.money_json(quote.paid),
        "kept": notices.money_json(quote.kept),
        "refund": notices.money_json(quote.refund),
        "refund_within_days": quote.within_days,
    }


def _lines_json(quote: Quote) -> list[dict[str, Any]]:
    return [
        {"code": line.code, "text": line.text, "amount": notices.money_json(line.amount)}
        for line in quote.lines
    ]


def give_back(
    session: Session,
    booking: Booking,
    amount: Money,
    actor_id: UUID | None,
    reason: str,
    now: datetime,
) -> list[dict[str, Any]]:
    """Ask for `amount` from the payments kept for the booking, the latest first; its own share only.

    Returns the refunds as the record has them; none for nothing.
    """
    asked = []
    left = amount
    for payment_id, part_id, refundable in _sources(session, booking):
        part = min(left, refundable)
        if not part:
            continue
        refund = refunds.refund(
            session,
            payment_id,
            amount=part,
            reason=reason,
            requested_by=actor_id,
            now=now,
            part_id=part_id,
        )
        asked.append(
            {
                "refund_id": str(refund.id),
                "payment_id": str(payment_id),
                "amount": notices.money_json(part),
            }
        )
        left -= part
    if left:
        raise PartlyReturned(f"{left} of the refund has gone back already.")
    return asked


def _sources(session: Session, booking: Booking) -> list[tuple[UUID, UUID | None, Money]]:
    """What can be refunded: payments for the booking alone, then its parts of payments for more."""
    payable = Payable(payment.KIND, booking.id)
    own = payments.kept_payments(session, payable)
    found: list[tuple[UUID, UUID | None, Money]] = [(one.id, None, one.refundable) for one in own]
    # Paid with an itinerary, or taken over from a booking that was.
    if booking.itinerary_id is not None or booking.replaces_id is not None:
        parts = payments.kept_parts(session, payable)
        found += [(part.payment_id, part.payable_id, part.refundable) for part in parts]
    return found


def _record(
    booking: Booking,
    quote: Quote,
    asked: list[dict[str, Any]],
    actor_id: UUID,
    now: datetime,
) -> BookingCancellation:
    return BookingCancellation(
        booking_id=booking.id,
        event=quote.event.value,
        option=quote.option,
        pays_back_as=quote.pays_back_as.value,
        policy_key=quote.policy_key,
        days_before=quote.days,
        lines=_lines_json(quote),
        paid=quote.paid,
        kept=quote.kept,
        refund=quote.refund,
        quote=quote.mark,
        refunds=asked,
        actor_id=actor_id,
        at=now,
    )
