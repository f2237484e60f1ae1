"""What the processor says about a payment, taken in by one function whoever brought it.

The webhook's job, the return page, the poller and the job that opens or closes a page all call
`arrive` with the checkout as it stands at the processor now. So the order of events is of no
account, a repeated one changes nothing, and a stale one can't undo what happened after it.
"""

from datetime import datetime
from typing import TypedDict
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.events import publish
from marketplace.core.jobs import defer
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.events import (
    Payable,
    PaymentExpired,
    PaymentFailed,
    PaymentOpened,
    PaymentSettled,
)
from marketplace.payments.gateway import CheckoutSession
from marketplace.payments.models import Payment
from marketplace.payments.queries import credit, events
from marketplace.payments.rules import split
from marketplace.payments.service import cards, ledger, plans, refunds, steps
from marketplace.payments.service.quarantine import put_aside
from marketplace.payments.states import LIVE, Arrival, PaymentState

DISPUTE = "charge.dispute."
FAILED = "The payment did not go through."
PAID_TWICE = "paid twice for the same"


class _Told(TypedDict):
    """What every event about a payment carries."""

    payment_id: UUID
    payable: Payable
    purpose: str
    payer_id: UUID
    amount: Money
    at: datetime


def arrive(
    session: Session,
    payment_id: UUID,
    seen: CheckoutSession,
    *,
    live: bool,
    now: datetime,
    told_by: str,
    event_id: UUID | None = None,
) -> Arrival:
    """Bring the payment to what `seen` shows. `live` is the mode that we work in.

    Publishes the event that follows, in this transaction; returns what became of it.
    """
    payment = queries.lock_payment(session, payment_id)
    fault = _misfit(payment, seen, live=live)
    if fault is not None:
        put_aside(
            session,
            processor_object=seen.id,
            reason=fault,
            details=_facts(payment, seen),
            now=now,
            payment_id=payment.id,
            event_id=event_id,
        )
        return Arrival.INVALID
    if payment.processor_intent is None and seen.intent_id is not None:
        _hear_again(session, seen.intent_id)
    _note(payment, seen)
    if seen.paid:
        return _settle(session, payment, seen, now, told_by)
    if seen.intent_failed:
        payment.next_look_at = None
        why = seen.failure or FAILED
        return end(session, payment, PaymentState.FAILED, why, now, final=seen.final)
    if seen.status == "expired":
        payment.next_look_at = None
        return end(session, payment, PaymentState.EXPIRED, "the page closed unpaid", now)
    return _still_open(session, payment, seen, now, told_by)


def end(
    session: Session,
    payment: Payment,
    after: PaymentState,
    reason: str,
    now: datetime,
    *,
    final: bool = False,
) -> Arrival:
    """End a locked payment unpaid and say so; one that has ended or is paid stays as it is.

    `final`: the bank wants no other try with the same card.
    """
    if PaymentState(payment.state) not in LIVE:
        session.flush()
        return Arrival.IGNORED
    payment.next_look_at = None
    steps.move(session, payment, after, reason, now)
    told = _told(payment, now)
    charge = None
    if payment.off_session:
        charge = plans.failed(session, payment, payment.decline_code, final=final, now=now)
    if after is PaymentState.FAILED:
        publish(session, PaymentFailed(**told, reason=reason, charge=charge))
        return Arrival.FAILED
    publish(session, PaymentExpired(**told, charge=charge))
    return Arrival.EXPIRED


def _told(payment: Payment, now: datetime) -> _Told:
    return _Told(
        payment_id=payment.id,
        payable=payment.payable,
        purpose=payment.purpose,
        payer_id=payment.payer_id,
        amount=payment.amount,
        at=now,
    )


def _settle(
    session: Session, payment: Payment, seen: CheckoutSession, now: datetime, told_by: str
) -> Arrival:
    before = PaymentState(payment.state)
    if before is PaymentState.SETTLED:
        _learn_fee(session, payment, seen)
        return Arrival.DUPLICATE
    late = before not in LIVE
    kept = queries.kept_payments(session, payment.payable)
    surplus = any(
        other.purpose == payment.purpose and other.payable_id == payment.payable_id
        for other in kept
    )
    payment.captured_minor = payment.amount.minor
    payment.settled_at = now
    payment.surplus = surplus
    payment.next_look_at = now + steps.LOOK_AGAIN
    steps.move(session, payment, PaymentState.SETTLED, f"paid, told by {told_by}", now)
    if payment.credit_minor:
        # What follows takes or gives back credit: it is ours before the books are posted to.
        credit.lock_credit(session, payment.payer_id, payment.currency)
    _book(session, payment, seen)
    cards.keep(session, payment, seen.card, now)
    defer(session, steps.ISSUE_RECEIPT, payment_id=str(payment.id))
    if surplus:
        # Of two pages for one thing the first is what its owner knows of; this is a mistake's.
        steps.let_go(session, payment, PAID_TWICE, now)
        refunds.refund_whole(session, payment.id, reason=PAID_TWICE, now=now)
        return Arrival.SURPLUS
    publish(
        session,
        PaymentSettled(
            **_told(payment, now),
            late=late,
            credit_minor=payment.credit_minor,
            voucher_use_id=payment.voucher_use_id,
        ),
    )
    return Arrival.LATE if late else Arrival.SETTLED


def _book(session: Session, payment: Payment, seen: CheckoutSession) -> None:
    source = seen.charge_id or seen.id
    if payment.site_id is not None:
        ledger.post_settled(session, payment, source, split(queries.lines(session, payment.id)))
    else:
        of_part = queries.lines_by_part(session, payment.id)
        parts = queries.parts(session, payment.id)
        shares = [(part.site_id, split(of_part[part.payable_id])) for part in parts]
        ledger.post_settled_parts(session, payment, source, shares)
    _learn_fee(session, payment, seen)


def _learn_fee(session: Session, payment: Payment, seen: CheckoutSession) -> None:
    """Post the processor's fee once it is known; it may not be when the money is."""
    if payment.fee_known or seen.balance is None:
        return
    ledger.post_fee(
        session,
        source=seen.balance.id,
        fee=seen.balance.fee,
        at=seen.balance.at,
        payment_id=payment.id,
    )
    payment.fee_known = True
    payment.next_look_at = None
    session.flush()


def _still_open(
    session: Session, payment: Payment, seen: CheckoutSession, now: datetime, told_by: str
) -> Arrival:
    state = PaymentState(payment.state)
    if state is PaymentState.REQUESTED and seen.status == "open":
        payment.next_look_at = now + steps.LOOK_AGAIN
        steps.move(session, payment, PaymentState.OPEN, f"page opened, told by {told_by}", now)
        if seen.url is not None:
            told, until = _told(payment, now), payment.expires_at
            publish(session, PaymentOpened(**told, url=seen.url, until=until))
        return Arrival.OPENED
    if state not in LIVE and state is not PaymentState.SETTLED and seen.status == "open":
        # Ended while the page was being opened: nobody may pay on it.
        defer(session, steps.CLOSE_CHECKOUT, payment_id=str(payment.id))
    session.flush()
    return Arrival.IGNORED


def _hear_again(session: Session, intent_id: str) -> None:
    """Have disputes handled that we were told of before we knew by what name they are about this."""
    for event_id in events.waiting_about(session, DISPUTE, intent_id):
        defer(session, steps.PROCESS_EVENT, event_id=str(event_id))


def _note(payment: Payment, seen: CheckoutSession) -> None:
    """Keep what names the payment at the processor; never overwrite it with nothing."""
    payment.processor_session = seen.id
    payment.checkout_url = seen.url if seen.status == "open" else None
    payment.processor_intent = seen.intent_id or payment.processor_intent
    payment.processor_charge = seen.charge_id or payment.processor_charge
    payment.last_decline = seen.failure if not seen.paid else None
    payment.decline_code = seen.decline_code if not seen.paid else None


def _misfit(payment: Payment, seen: CheckoutSession, *, live: bool) -> str | None:
    """Say what makes `seen` no checkout of this payment; None if it is one."""
    known_intent = payment.processor_intent in {None, seen.intent_id}
    checks = (
        ("mode", seen.live == live),
        ("payment", seen.payment_id == payment.id),
        ("session", payment.processor_session in {None, seen.id}),
        ("currency", seen.amount.currency == payment.currency),
        ("amount", seen.amount == payment.amount),
        ("intent", not seen.paid or (seen.intent_id is not None and known_intent)),
        ("captured", not seen.paid or seen.captured == payment.amount),
    )
    return next((name for name, fits in checks if not fits), None)


def _facts(payment: Payment, seen: CheckoutSession) -> dict[str, str]:
    return {
        "expected": str(payment.amount),
        "seen": str(seen.amount),
        "captured": str(seen.captured),
        "live": str(seen.live),
        "names_payment": str(seen.payment_id),
        "paid": str(seen.paid),
    }
