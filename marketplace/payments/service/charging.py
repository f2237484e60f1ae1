"""Charging a kept card: planned in one transaction, called outside, recorded by `arrivals`.

One payment is one charge with a key of its own, so whatever is repeated, lost or killed in between
takes the money once; before a payment is charged, no page for the same can be paid any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.events import Payable
from marketplace.payments.models import Payment, SavedCard
from marketplace.payments.queries import cards as found
from marketplace.payments.rules import declines
from marketplace.payments.service import arrivals, steps
from marketplace.payments.states import PaymentState

PAID_OTHERWISE = "paid by other means meanwhile"
# Charges are looked for from before we asked: the processor has a clock of its own.
CLOCKS_APART = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ChargePlan:
    """The call that charges. `repeat`: look for a charge from an earlier try first."""

    key: str
    payment_id: UUID
    payable: Payable
    customer: str
    method: str
    amount: Money
    description: str
    off_session: bool
    asked_at: datetime
    repeat: bool


def pages_before(session: Session, payment_id: UUID) -> Sequence[UUID]:
    """Return payments for the same whose pages are to be closed before this one is charged."""
    payment = queries.payment(session, payment_id)
    if PaymentState(payment.state) is not PaymentState.REQUESTED:
        return ()
    return found.pages_to_close(session, payment)


def plan(session: Session, payment_id: UUID, *, now: datetime) -> ChargePlan | None:
    """Write down that we are about to charge; None if there is nothing to charge."""
    payment = queries.lock_payment(session, payment_id)
    if PaymentState(payment.state) is not PaymentState.REQUESTED or payment.card_id is None:
        return None
    card = found.card(session, payment.card_id)
    repeat = payment.page_attempt > 0
    if not repeat and not _may_be_charged(session, payment, card, now):
        return None
    payment.page_attempt = max(payment.page_attempt, 1)
    payment.next_look_at = now + steps.LOOK_AGAIN
    session.flush()
    return ChargePlan(
        key=_key(payment),
        payment_id=payment.id,
        payable=payment.payable,
        customer=card.processor_customer,
        method=card.processor_method,
        amount=payment.amount,
        description=payment.description,
        off_session=payment.off_session,
        asked_at=payment.created_at - CLOCKS_APART,
        repeat=repeat,
    )


def give_up_key(session: Session, payment_id: UUID) -> None:
    """Take a new key for the next try, since the processor keeps a failure under this one.

    Not blind: a repeated try looks for a charge of this payment first.
    """
    payment = queries.lock_payment(session, payment_id)
    if PaymentState(payment.state) is PaymentState.REQUESTED:
        payment.page_attempt += 1
        session.flush()


def too_late(session: Session, payment_id: UUID, now: datetime) -> bool:
    """Whether a charge that never began must not begin any more; then the payment has ended."""
    payment = queries.lock_payment(session, payment_id)
    if payment.expires_at > now:
        return False
    payment.decline_code = declines.NO_ANSWER
    arrivals.end(session, payment, PaymentState.EXPIRED, "not charged in time", now)
    return True


def refused(
    session: Session, payment_id: UUID, code: str | None, reason: str, now: datetime
) -> None:
    """The processor will not charge this card: it is not kept there any more, or not so."""
    payment = queries.lock_payment(session, payment_id)
    payment.decline_code = code
    arrivals.end(session, payment, PaymentState.FAILED, reason, now)


def _may_be_charged(session: Session, payment: Payment, card: SavedCard, now: datetime) -> bool:
    """Whether the first try of a payment is to be made; else it has ended."""
    kept = queries.kept_payments(session, payment.payable)
    if any(other.purpose == payment.purpose for other in kept):
        arrivals.end(session, payment, PaymentState.EXPIRED, PAID_OTHERWISE, now)
        return False
    if payment.expires_at <= now:
        payment.decline_code = declines.NO_ANSWER
        arrivals.end(session, payment, PaymentState.EXPIRED, "not charged in time", now)
        return False
    if card.removed_at is not None:
        payment.decline_code = declines.CARD_GONE
        arrivals.end(session, payment, PaymentState.FAILED, "the card was removed", now)
        return False
    return True


def _key(payment: Payment) -> str:
    key = f"charge:{payment.id}"
    return key if payment.page_attempt == 1 else f"{key}:{payment.page_attempt}"
