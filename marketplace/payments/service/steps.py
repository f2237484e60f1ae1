"""Changes of state, each through the table and into the log, and the names of the jobs."""

from datetime import datetime, timedelta

from marketplace.core.db import Session
from marketplace.core.jobs import defer
from marketplace.payments.models import Payment, PaymentTransition, Refund, RefundTransition
from marketplace.payments.service import vouchers
from marketplace.payments.service.credit import moving
from marketplace.payments.states import PAYMENT, REFUND, PaymentState, RefundState

OPEN_CHECKOUT = "payments.open_checkout"
CLOSE_CHECKOUT = "payments.close_checkout"
CHARGE_CARD = "payments.charge_card"
FORGET_CARD = "payments.forget_card"
LOOK_AT_CHECKOUT = "payments.look_at_checkout"
PROCESS_EVENT = "payments.process_event"
SEND_REFUND = "payments.send_refund"
LOOK_AT_REFUND = "payments.look_at_refund"
ISSUE_RECEIPT = "payments.issue_receipt"
ISSUE_CREDIT_NOTE = "payments.issue_credit_note"
UNPAID = frozenset({PaymentState.FAILED, PaymentState.EXPIRED, PaymentState.CANCELLED})
GATHER_EVIDENCE = "payments.gather_evidence"
ANSWER_DISPUTE = "payments.answer_dispute"
LOOK_AT_DISPUTE = "payments.look_at_dispute"
# How long nothing is heard before the processor is asked.
LOOK_AGAIN = timedelta(minutes=5)
LOOK_AGAIN_AT_DISPUTE = timedelta(hours=1)


def move(
    session: Session, payment: Payment, after: PaymentState, reason: str, now: datetime
) -> None:
    """Change the state of a payment whose row is locked, and write down why."""
    before = PaymentState(payment.state)
    PAYMENT.check(before, after)
    payment.state = after
    session.add(
        PaymentTransition(payment_id=payment.id, before=before, after=after, reason=reason, at=now)
    )
    session.flush()
    if after in UNPAID:
        let_go(session, payment, reason, now)


def let_go(session: Session, payment: Payment, reason: str, now: datetime) -> None:
    """Give back what was set aside for a payment that will not be kept: credit, a code's use."""
    if payment.credit_minor:
        moving.give_up(session, payment.id, reason, now)
    if payment.voucher_use_id is not None:
        vouchers.release(session, payment.voucher_use_id, now)


def close(
    session: Session, payment: Payment, after: PaymentState, reason: str, now: datetime
) -> None:
    """End a live payment unpaid, and have its page closed if anybody may have one."""
    move(session, payment, after, reason, now)
    if payment.page_attempt:
        payment.next_look_at = now + LOOK_AGAIN
        defer(session, CLOSE_CHECKOUT, payment_id=str(payment.id))
    else:
        payment.next_look_at = None
    session.flush()


def move_refund(
    session: Session, refund: Refund, after: RefundState, reason: str, now: datetime
) -> None:
    """Change the state of a refund whose row is locked, and write down why."""
    before = RefundState(refund.state)
    REFUND.check(before, after)
    refund.state = after
    session.add(
        RefundTransition(refund_id=refund.id, before=before, after=after, reason=reason, at=now)
    )
    session.flush()
