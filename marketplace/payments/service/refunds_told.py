"""What payers are told of a refund that did not arrive, and of one that did after all."""

from datetime import datetime

from marketplace.core.db import Session
from marketplace.identity.queries import schools
from marketplace.identity.service import notices
from marketplace.payments.models import Payment, Refund
from marketplace.payments.queries import credit_notes

CAME_BACK = "refund_came_back"
SENT_AGAIN = "refund_sent_again"


def tell(session: Session, notice: str, row: Refund, payment: Payment, now: datetime) -> None:
    """Write to who paid; to the school's people where a school did."""
    invoice = credit_notes.invoice_paid_by(session, payment.id)
    readers = [payment.payer_id]
    if invoice is not None:
        readers = [one.account_id for one in schools.coordinators(session, invoice.school_id)]
    data = {
        "amount": {"amount": row.amount.minor, "currency": row.amount.currency},
        "description": payment.description,
    }
    for account_id in readers:
        notices.notify(session, account_id, notice, data, now=now)
