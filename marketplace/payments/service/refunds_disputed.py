"""Refunds of what a payer's bank has taken back by itself: a lost dispute pays them."""

from datetime import datetime

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.models import Payment
from marketplace.payments.service import ledger, refunds
from marketplace.payments.states import RefundState

BY_DISPUTE = "the payer's bank has paid it back by a dispute"


def pay_by_dispute(session: Session, payment: Payment, most: Money, *, now: datetime) -> Money:
    """Settle refunds of a locked payment by a dispute that was lost; returns what that is in all.

    The payer has the money by the bank: those that were not sent, or that failed, are not sent any
    more.
    """
    left = most
    for row in queries.refunds(session, payment.id):
        state = RefundState(row.state)
        waits = state is RefundState.REQUESTED and row.attempts == 0
        failed = state is RefundState.FAILED and queries.replacement(session, row.id) is None
        if not (waits or failed) or row.amount > left:
            continue
        paid = row if waits else refunds.retry_refund(session, row.id, now=now)
        ledger.post_disputed(session, paid, now)
        left -= paid.amount
        refunds.step(session, paid, payment, RefundState.SETTLED, BY_DISPUTE, now)
    return most - left
