"""Refunds that go back by bank: a person sends them, and writes it down."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.core.db import Session
from marketplace.identity.queries import schools
from marketplace.payments import queries
from marketplace.payments.errors import BankDayRefused, NotByBank
from marketplace.payments.models import Refund
from marketplace.payments.queries import invoices
from marketplace.payments.rules.credit import Means
from marketplace.payments.service import ledger, refunds
from marketplace.payments.states import RefundState

SHOWN = (
    "id", "amount", "means", "reason", "state", "requested_at", "settled_at", "failure", "payment_id",
)  # fmt: skip
# As far as any clock is ahead of UTC: today, wherever it is written down.
AHEAD = timedelta(hours=14)


def check_day(field: str, day: date, now: datetime) -> None:
    """`BankDayRefused` for a day on which the bank can't have done anything yet."""
    latest = (now + AHEAD).date()
    if day > latest:
        raise BankDayRefused(fields={field: [f"Expected {latest.isoformat()} or an earlier day."]})


def to_send(session: Session, limit: int) -> list[dict[str, Any]]:
    """Return what a person is to send by bank, oldest first, with all that the transfer needs."""
    found = invoices.refunds_by_bank(session, limit)
    names = schools.names(session, {invoice.school_id for _, _, invoice in found})
    return [
        {
            **{field: getattr(refund, field) for field in SHOWN},
            "payer": names[invoice.school_id],
            "school_id": invoice.school_id,
            "invoice_number": invoice.content["number"],
            "description": payment.description,
            "came_as": payment.bank_reference,
        }
        for refund, payment, invoice in found
    ]


def sent_by_bank(
    session: Session, refund_id: UUID, *, reference: str, sent_on: date, now: datetime
) -> Refund:
    """Write down that a refund has left our bank account; `NotByBank` for any other, or twice."""
    check_day("sent_on", sent_on, now)
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
