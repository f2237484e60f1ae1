"""Refunds that go back by bank: a person sends them, and writes it down."""

from datetime import date, datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.payments import queries
from marketplace.payments.errors import NotByBank
from marketplace.payments.models import Refund
from marketplace.payments.rules.credit import Means
from marketplace.payments.service import ledger, refunds
from marketplace.payments.states import RefundState


def sent_by_bank(
    session: Session, refund_id: UUID, *, reference: str, sent_on: date, now: datetime
) -> Refund:
    """Write down that a refund has left our bank account; `NotByBank` for any other, or twice."""
    row = queries.refund(session, refund_id)
    payment = queries.lock_payment(session, row.payment_id)
    session.refresh(row)
    waits = RefundState(row.state) is RefundState.REQUESTED
    if payment.means != Means.BANK_TRANSFER or not waits:
        raise NotByBank(extra={"state": row.state})
    ledger.post_sent_by_bank(session, row, now)
    words = f"bank transfer {reference}, sent on {sent_on.isoformat()}"
    refunds.step(session, row, payment, RefundState.SETTLED, words, now)
    return row
