"""Cancelling a confirmed booking: first the exact quote, then the commitment to that very quote.

The quote is a pure function of frozen terms and facts, so it is computed again when it is
committed to: where the money would now differ, nothing happens and the new quote is shown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.booking import queries
from marketplace.booking.errors import (
    NotOpenForThis,
    PartlyReturned,
    QuoteChanged,
)
from marketplace.booking.models import Booking, BookingCancellation
from marketplace.booking.rules import cancellation, frozen
from marketplace.booking.rules.cancellation import Facts, Quote, There
from marketplace.booking.rules.deadlines import days_before
from marketplace.booking.service import (
    cancel_notices,
    host_shares,
    notices,
    payment,
    refusing,
    school_notices,
    transition,
)
from marketplace.booking.service.cancel_notices import Returned
from marketplace.booking.service.cohorts import succeeding
from marketplace.booking.states import CANCELLABLE, TIMED, BookingState
from marketplace.catalog.rules.policies import PolicyEvent, RefundOrder
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.money import Money
from marketplace.core.states import plain
from marketplace.payments import queries as payments
from marketplace.payments.events import Payable
from marketplace.payments.rules.credit import CreditTerms, Means
from marketplace.payments.service import refunds
from marketplace.payments.service.credit import refunding

# Tells both sides, with what comes of what was paid and why it was cancelled.
Tell = Callable[[Session, Booking, Returned | None, str, datetime], None]


@dataclass(frozen=True)
class Wish:
    """What is to be cancelled under: the event, the option chosen, and the proofs accepted."""

    event: PolicyEvent = PolicyEvent.TRAINEE_CANCELS
    option: str | None = None
    proofs: frozenset[str] = frozenset()


def quote(session: Session, booking: Booking, wish: Wish, now: datetime) -> Quote:
    """Say what cancelling now would pay back, line by line; nothing is changed.

    Raises `NotOpenForThis` unless the booking is confirmed or under way.
    """
    state = BookingState(booking.state)
    if state not in CANCELLABLE:
        raise NotOpenForThis(
            f"A booking that is {plain(state)} has nothing to cancel"
            + (", and nothing to pay: withdraw it instead." if state in TIMED else "."),
            extra={"state": state},
        )
    return quote_of_ended(session, booking, wish, now)


def quote_of_ended(session: Session, booking: Booking, wish: Wish, at: datetime) -> Quote:
    """Say what is paid back for a booking that ended at `at`, in whatever state it is."""
    return by_the_terms(booking, wish, at, there(session, booking))


def by_the_terms(
    booking: Booking, wish: Wish, at: datetime, still_there: There | None = None
) -> Quote:
    """Say what the terms pay back of what was paid, or of what is still there."""
    facts = Facts(
        booking_id=booking.id,
        event=wish.event,
        days=days_before(booking.first_day, at, booking.time_zone),
        paid=booking.paid,
        deposit=booking.deposit,
        proofs=wish.proofs,
        at_least=frozen.kept_at_least(booking.policy),
        there=still_there,
    )
    sets = frozen.choices(booking.policy)
    found = cancellation.better_of(sets, facts, wish.option)
    return replace(found, choices=cancellation.choices(sets, facts))


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
    tell: Tell = cancel_notices.cancelled,
) -> Quote:
    """Cancel under the quote whose `mark` was shown; `to` says which side cancels.

    Asks for the refund in the same transaction. Raises `QuoteChanged` with the present quote if
    the money would differ from what was shown.
    """
    # The money first, then the booking, as whoever settles a payment takes them; what is read now
    # stays so until the commit.
    payment.lock_money(session, booking)
    queries.lock(session, booking.id)
    present = quote(session, booking, wish, now)
    if present.mark != mark:
        raise QuoteChanged(extra={"quote": quote_json(present)})
    found = settle(session, booking, present, actor_id=actor_id, reason=reason, now=now)
    transition.move(session, booking, to, actor_id=actor_id, reason=reason, now=now)
    tell(session, booking, found, reason, now)
    return present


def settle(
    session: Session,
    booking: Booking,
    agreed: Quote,
    *,
    actor_id: UUID,
    reason: str,
    now: datetime,
) -> Returned:
    """Ask for the refund of a quote and write it down for good; once for a booking."""
    asked = give_back(
        session, booking, agreed.refund, actor_id, reason, now, agreed.refund_order, agreed.credit
    )
    session.add(_record(booking, agreed, asked, actor_id, now))
    host_shares.decided(session, booking, now)
    session.flush()
    if booking.cohort_id is not None:
        succeeding.drop(session, booking, reason, actor_id, now)
        school_notices.cancelled(session, booking, agreed.refund, reason, now)
    by_card = sum(one["amount"]["amount"] for one in asked if one["means"] != Means.CREDIT)
    money = Money(by_card, agreed.refund.currency)
    terms = _named(booking, agreed.policy_key)
    return Returned(agreed.paid, money, agreed.refund - money, agreed.kept, terms)


def _named(booking: Booking, key: str) -> str:
    """What the frozen terms of that key are called."""
    every = (policy for terms in frozen.choices(booking.policy) for policy in terms)
    return next(policy.name for policy in every if policy.key == key)


def certificate(session: Session, booking: Booking) -> dict[str, Any]:
    """Return what was agreed on when the booking was cancelled; `NotFound` if nothing was."""
    found = queries.cancellation(session, booking.id)
    if found is None:
        raise NotFound
    return {
        "booking_id": booking.id,
        "event": found.event,
        "option": found.option,
        "pays_back_as": found.pays_back_as,
        "policy": found.policy_key,
        "days_before_start": found.days_before,
        "lines": found.lines,
        "paid": found.paid,
        "kept": found.kept,
        "refund": found.refund,
        # Those from before there was credit went back the way they came.
        "refunds": [{"means": Means.CARD.value, **one} for one in found.refunds],
        "credit": payments.granted_for(session, payment.KIND, booking.id),
        "at": found.at,
    }


def cancel_unpaid(
    session: Session,
    booking: Booking,
    *,
    to: BookingState,
    actor_id: UUID,
    reason: str,
    now: datetime,
    tell: Tell = cancel_notices.cancelled,
) -> None:
    """End a booking that is not confirmed, for the host or an operator; nothing was paid for it."""
    if BookingState(booking.state) not in TIMED:
        raise refusing.closed(booking)
    transition.move(session, booking, to, actor_id=actor_id, reason=reason, now=now)
    payment.drop(session, booking)
    tell(session, booking, None, reason, now)
    school_notices.lost(session, booking, reason, now)


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
        "voucher": _voucher_json(quote),
    }


def _voucher_json(quote: Quote) -> dict[str, Any] | None:
    terms = quote.credit
    if terms is None:
        return None
    return {"good_for_days": terms.good_for_days, "transferable": terms.transferable}


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
    order: RefundOrder = RefundOrder.IN_PROPORTION,
    as_credit: CreditTerms | None = None,
) -> list[dict[str, Any]]:
    """Ask for `amount` from the payments kept for the booking; its own share only.

    What credit paid goes back to it and the rest to the card, each in its share or in the `order`
    of the terms, the latest payment first; all of it as credit under the terms `as_credit`. Returns
    the refunds as the record has them; none for nothing.
    """
    asked = []
    if booking.cohort_id is not None:
        # A school's money goes back to the school, and is nobody's credit.
        as_credit = None
    sources = _sources(session, booking)
    by_credit = [one.payment_id for one in sources if one.means is Means.CREDIT]
    if by_credit:
        # The payments, then the credit that they give back to, then the books: as all do.
        for payment_id in sorted({one.payment_id for one in sources}):
            payments.lock_payment(session, payment_id)
        refunding.lock_credit(session, by_credit)
    for source, part in _shared_out(sources, amount, order):
        refund = refunds.refund(
            session,
            source.payment_id,
            amount=part,
            reason=reason,
            requested_by=actor_id,
            now=now,
            part_id=source.part_id,
            as_credit=as_credit,
        )
        asked.append(
            {
                "refund_id": str(refund.id),
                "payment_id": str(source.payment_id),
                "amount": notices.money_json(part),
                "means": refund.means,
            }
        )
    return asked


def there(session: Session, booking: Booking) -> There:
    """What can still go back of what was paid for the booking, and what disputes have taken of it."""
    zero = Money.zero(booking.paid.currency)
    sources = _sources(session, booking)
    return There(
        sum((one.refundable for one in sources), zero), sum((one.lost for one in sources), zero)
    )


def _way(means: str) -> Means:
    """Whether it goes back as credit or, by card or bank, as money."""
    return Means.CREDIT if means == Means.CREDIT else Means.CARD


@dataclass(frozen=True)
class _Source:
    """A payment, or a part of one, that can give back."""

    payment_id: UUID
    part_id: UUID | None
    refundable: Money
    means: Means
    lost: Money


def _sources(session: Session, booking: Booking) -> list[_Source]:
    """What can be refunded: payments for the booking alone, then its parts of payments for more."""
    payable = Payable(payment.KIND, booking.id)
    own = payments.kept_payments(session, payable)
    found = [_Source(one.id, None, one.refundable, _way(one.means), one.lost) for one in own]
    # Paid with an itinerary or a cohort, or taken over from a booking that was.
    together = booking.itinerary_id is not None or booking.cohort_id is not None
    if together or booking.replaces_id is not None:
        for part in payments.kept_parts(session, payable):
            whole = payments.payment(session, part.payment_id)
            # A dispute takes of the payment; whose part that was, nobody says.
            left = min(part.refundable, whole.refundable)
            none = Money.zero(left.currency)
            found.append(_Source(part.payment_id, part.payable_id, left, _way(whole.means), none))
    return found


def _shared_out(
    sources: Sequence[_Source], amount: Money, order: RefundOrder
) -> list[tuple[_Source, Money]]:
    """Say which source gives back how much; credit's first, as whoever locks credit does."""
    zero = Money.zero(amount.currency)
    there = {
        means: sum((one.refundable for one in sources if one.means is means), zero)
        for means in (Means.CREDIT, Means.CARD)
    }
    whole = there[Means.CREDIT] + there[Means.CARD]
    if amount > whole:
        raise PartlyReturned(f"{amount - whole} of the refund has gone back already.")
    if not amount:
        return []
    given = dict(zip(there, _by_order(there, amount, order), strict=True))
    found = []
    for means in there:
        left = given[means]
        for one in (source for source in sources if source.means is means):
            part = min(left, one.refundable)
            if part:
                found.append((one, part))
                left -= part
    return found


def _by_order(there: dict[Means, Money], amount: Money, order: RefundOrder) -> list[Money]:
    """How much credit and card give back, in this order."""
    credit, card = there[Means.CREDIT], there[Means.CARD]
    if order is RefundOrder.CARD_FIRST:
        by_card = min(card, amount)
        return [amount - by_card, by_card]
    if order is RefundOrder.CREDIT_FIRST:
        by_credit = min(credit, amount)
        return [by_credit, amount - by_credit]
    return amount.allocate([credit.minor, card.minor])


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
