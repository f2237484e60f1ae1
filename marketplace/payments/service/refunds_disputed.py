"""Refunds of what a payer's bank has taken back by itself: a lost dispute pays them."""

from collections.abc import Sequence
from datetime import datetime

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.models import Dispute, Payment, Refund
from marketplace.payments.service import ledger, refunds, steps
from marketplace.payments.states import RefundState

BY_DISPUTE = "the payer's bank has paid it back by a dispute"
WON_AFTER_ALL = "the dispute that paid it was won after all: it is owed again"


def pay_by_dispute(session: Session, payment: Payment, dispute: Dispute, *, now: datetime) -> Money:
    """Settle refunds of a locked payment by a dispute that was lost; returns what that is in all.

    The payer has the money by the bank: those that were not sent, or that failed, are not sent any
    more, and none is credited.
    """
    left = dispute.amount
    for row in queries.refunds(session, payment.id):
        state = RefundState(row.state)
        waits = state is RefundState.REQUESTED and row.attempts == 0
        failed = state is RefundState.FAILED and queries.replacement(session, row.id) is None
        if not (waits or failed) or row.amount > left:
            continue
        paid = row if waits else refunds.retry_refund(session, row.id, now=now)
        paid.paid_by_dispute_id = dispute.id
        ledger.post_disputed(session, paid, now)
        left -= paid.amount
        refunds.step(session, paid, payment, RefundState.SETTLED, BY_DISPUTE, now)
    return dispute.amount - left


def owe_again(session: Session, paid: Sequence[Refund], *, now: datetime) -> None:
    """Send refunds of a locked payment that a dispute had paid: the bank has taken that back."""
    for row in paid:
        ledger.post_owed_again(session, row, now)
        row.failure, row.settled_at = WON_AFTER_ALL, None
        steps.move_refund(session, row, RefundState.FAILED, WON_AFTER_ALL, now)
        refunds.retry_refund(session, row.id, now=now)
