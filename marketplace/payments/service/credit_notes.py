"""Credit notes: a number without gaps, the content frozen with it, then the PDF and the e-mail.

One for each refund that is granted, whichever way the money goes back, and one for an invoice that is
taken back unpaid. It refers to the invoice, or else to the receipt; taxes are by that one's rates.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.money import Money
from marketplace.identity.queries import schools
from marketplace.identity.service import notices
from marketplace.payments import queries
from marketplace.payments.models import CreditNote, Invoice, Payment, Receipt, Refund
from marketplace.payments.queries import credit_notes as found
from marketplace.payments.queries import invoices
from marketplace.payments.rules.credit import Means
from marketplace.payments.rules.taxes import stated_again
from marketplace.payments.service import receipts
from marketplace.payments.states import InvoiceState

KIND = "credit_note"
TEMPLATE = "credit_note"
NOTICE = "credit_note_issued"
BACK = {
    Means.CARD.value: "It goes back the way it was paid.",
    Means.CREDIT.value: "It is credit of yours.",
    Means.BANK_TRANSFER.value: "It goes back by bank transfer.",
}
NOT_PAID = "Nothing was paid, and nothing is to be paid."


def for_refund(
    session: Session, refund_id: UUID, *, legal_entity: str, now: datetime
) -> CreditNote:
    """Give a granted refund its note; a second call returns the same.

    The receipt is numbered first if it wasn't. The sequence's row stays locked until the commit.
    `ValueError` for a refund that is another one sent again: that one has the note.
    """
    refund = queries.refund(session, refund_id)
    payment = queries.lock_payment(session, refund.payment_id)
    known = found.of_refund(session, refund_id)
    if known is not None:
        return known
    if refund.replaces_id is not None:
        raise ValueError(f"refund {refund_id} is another one sent again")
    receipt = receipts.number_receipt(session, payment.id, legal_entity=legal_entity, now=now)
    invoice = found.invoice_paid_by(session, payment.id)
    return _add(
        session,
        _about_refund(payment, refund, receipt, invoice),
        legal_entity=receipt.legal_entity,
        payment_id=payment.id,
        refund_id=refund.id,
        invoice_id=None if invoice is None else invoice.id,
        amount=refund.amount,
        now=now,
    )


def for_void(session: Session, invoice_id: UUID, *, now: datetime) -> CreditNote:
    """Give an invoice that is void its note; a second call returns the same."""
    invoice = invoices.find(session, invoice_id, lock=True)
    known = found.of_void(session, invoice_id)
    if known is not None:
        return known
    if invoice.state != InvoiceState.VOID:
        raise ValueError(f"invoice {invoice_id} is {invoice.state}: it stands")
    return _add(
        session,
        _about_void(session, invoice),
        legal_entity=invoice.legal_entity,
        payment_id=None,
        refund_id=None,
        invoice_id=invoice.id,
        amount=invoice.amount,
        now=now,
    )


def stored(session: Session, note_id: UUID, *, now: datetime) -> None:
    """The PDF is stored: note it, and have it mailed, once; to a school's people for an invoice."""
    note = found.find(session, note_id, lock=True)
    if note.stored_at is not None:
        return
    note.stored_at = now
    session.flush()
    data = {
        "amount": {"amount": note.amount.minor, "currency": note.amount.currency},
        "description": note.content["for"],
        "number": note.content["number"],
        "refers_to": note.content["refers_to"]["number"],
    }
    for account_id in _readers(session, note):
        notices.notify(session, account_id, NOTICE, data, [note.object_key], now=now)


def _readers(session: Session, note: CreditNote) -> list[UUID]:
    if note.invoice_id is not None:
        school_id = invoices.find(session, note.invoice_id).school_id
        return [one.account_id for one in schools.coordinators(session, school_id)]
    if note.payment_id is None:
        return []
    return [queries.payment(session, note.payment_id).payer_id]


def _add(
    session: Session,
    about: dict[str, Any],
    *,
    legal_entity: str,
    payment_id: UUID | None,
    refund_id: UUID | None,
    invoice_id: UUID | None,
    amount: Money,
    now: datetime,
) -> CreditNote:
    number = receipts.next_number(session, legal_entity, KIND)
    own = new_id()
    note = CreditNote(
        id=own,
        legal_entity=legal_entity,
        number=number,
        payment_id=payment_id,
        refund_id=refund_id,
        invoice_id=invoice_id,
        amount=amount,
        issued_at=now,
        content={
            "number": f"{number:06d}",
            "legal_entity": legal_entity,
            "issued_on": now.date().isoformat(),
            "total": str(amount),
            **about,
        },
        object_key=f"credit-notes/{own}/credit-note-{number:06d}.pdf",
    )
    session.add(note)
    session.flush()
    return note


def _about_refund(
    payment: Payment, refund: Refund, receipt: Receipt, invoice: Invoice | None
) -> dict[str, Any]:
    whole = refund.amount == payment.amount
    words = "Taken back in full" if whole else "Taken back in part"
    if invoice is not None:
        before, kind, day = invoice.content, "Invoice", invoice.issued_on
    else:
        before, kind, day = receipt.content, "Receipt", receipt.issued_at.date()
    return {
        "payer": before["payer"],
        "for": payment.description,
        "reference": str(payment.id),
        "refers_to": _refers_to(kind, before["number"], day),
        "lines": [{"description": f"{words}: {refund.reason}", "amount": str(refund.amount)}],
        "taxes": stated_again(before.get("taxes", ()), refund.split),
        "tax_number": before.get("tax_number"),
        "remark": BACK[refund.means],
    }


def _about_void(session: Session, invoice: Invoice) -> dict[str, Any]:
    before = invoice.content
    reason = invoices.steps(session, invoice.id)[-1].reason
    return {
        "payer": before["payer"],
        "for": invoice.description,
        "reference": str(invoice.id),
        "refers_to": _refers_to("Invoice", before["number"], invoice.issued_on),
        "lines": [{"description": f"Taken back in full: {reason}", "amount": str(invoice.amount)}],
        "taxes": before.get("taxes", []),
        "tax_number": before.get("tax_number"),
        "remark": NOT_PAID,
    }


def _refers_to(document: str, number: str, issued_on: date) -> dict[str, str]:
    return {"document": document, "number": number, "issued_on": issued_on.isoformat()}
