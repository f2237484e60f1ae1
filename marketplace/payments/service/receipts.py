"""Receipts: a number without gaps, the content frozen with it, then the PDF and the e-mail."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.core.db import Session
from marketplace.identity import queries as people
from marketplace.identity.service import notices
from marketplace.payments import queries
from marketplace.payments.models import DocumentSequence, Payment, Receipt
from marketplace.payments.rules import split
from marketplace.payments.rules.credit import Means
from marketplace.payments.service import taxing
from marketplace.payments.states import PaymentState

KIND = "receipt"
# A deposit's receipt must not read as if nothing more were owed.
REMARKS = {
    "deposit": "This is the deposit; the balance is billed and receipted by itself.",
    "balance": "This is the balance; the deposit has a receipt of its own.",
    "application_fee": "This is the fee of an application.",
}
METHODS = {Means.BANK_TRANSFER.value: "bank transfer"}
TEMPLATE = "receipt"
NOTICE = "payment_receipt"


def number_receipt(
    session: Session, payment_id: UUID, *, legal_entity: str, now: datetime
) -> Receipt:
    """Give the settled payment its receipt number; a second call returns the same receipt.

    The sequence's row stays locked until the commit, so the transaction should be short.
    """
    payment = queries.lock_payment(session, payment_id)
    known = queries.receipt(session, payment_id)
    if known is not None:
        return known
    if PaymentState(payment.state) is not PaymentState.SETTLED or payment.settled_at is None:
        raise ValueError(f"payment {payment_id} is not settled: there is nothing to receipt")
    number = next_number(session, legal_entity, KIND)
    receipt = Receipt(
        payment_id=payment.id,
        legal_entity=legal_entity,
        number=number,
        issued_at=now,
        content=_content(session, payment, legal_entity, number, now),
        object_key=f"receipts/{payment.id}/receipt-{number:06d}.pdf",
    )
    session.add(receipt)
    session.flush()
    return receipt


def deliver_receipt(session: Session, payment_id: UUID, *, now: datetime) -> None:
    """The PDF is stored: note it, and have it mailed to the payer, once."""
    payment = queries.lock_payment(session, payment_id)
    receipt = queries.receipt(session, payment_id)
    if receipt is None or receipt.stored_at is not None:
        return
    receipt.stored_at = now
    session.flush()
    notices.notify(
        session,
        payment.payer_id,
        NOTICE,
        {
            "amount": {"amount": payment.amount.minor, "currency": payment.currency},
            "description": payment.description,
            "number": receipt.content["number"],
        },
        [receipt.object_key],
        now=now,
    )


def next_number(session: Session, legal_entity: str, kind: str) -> int:
    """Return the next number of a kind of document; nobody else has one before the commit."""
    return session.execute(
        upsert(DocumentSequence)
        .values(legal_entity=legal_entity, kind=kind, last_number=1)
        .on_conflict_do_update(
            constraint="pk_document_sequence",
            set_={"last_number": DocumentSequence.last_number + 1},
        )
        .returning(DocumentSequence.last_number)
    ).scalar_one()


def _content(
    session: Session, payment: Payment, legal_entity: str, number: int, now: datetime
) -> dict[str, Any]:
    """Everything that the receipt prints, as JSON: what is reprinted years later is the same."""
    contact = people.contact(session, payment.payer_id)
    if contact is None or payment.settled_at is None:
        raise LookupError(f"payment {payment.id} has no payer or no date")
    lines = queries.lines(session, payment.id)
    return {
        "number": f"{number:06d}",
        "legal_entity": legal_entity,
        "issued_on": now.date().isoformat(),
        "payer": {"name": contact.name, "email": contact.email},
        "for": payment.description,
        "reference": str(payment.id),
        "lines": [{"description": line.description, "amount": str(line.amount)} for line in lines],
        "total": str(payment.amount),
        **taxing.taxes(session, split(lines)),
        "paid_on": payment.settled_at.date().isoformat(),
        "method": METHODS.get(payment.means, payment.means),
        "remark": REMARKS.get(payment.purpose, ""),
    }
