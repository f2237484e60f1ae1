"""A school's invoices: what each asks for, by when, as PDF, and how it is paid."""

from typing import Any
from uuid import UUID

from flask import Response, redirect, request
from werkzeug.wrappers import Response as Answer

from marketplace.booking.queries import cohorts
from marketplace.core.errors import NotFound
from marketplace.core.settings import Settings
from marketplace.identity.access import current_account, school_member
from marketplace.pages import forms
from marketplace.pages.school.frame import NOT_PROCESSABLE, asked_for, panel
from marketplace.pages.school.words import INVOICE_STATES, invoiced
from marketplace.pages.stored import pdf
from marketplace.pages.trainee.paying import address_of
from marketplace.pages.view import Pages, page
from marketplace.payments.errors import CreditNoteNotReady, InvoiceNotReady, ReceiptNotReady
from marketplace.payments.queries import credit_notes
from marketplace.payments.queries import invoices as queries
from marketplace.payments.queries import paying as payments
from marketplace.payments.service import invoicing
from marketplace.payments.states import LIVE, OPEN_INVOICE
from marketplace.web import context

TAB = "/invoices"
OF_SCHOOL = "/schools/<uuid:school_id>/invoices"
ONE = f"{OF_SCHOOL}/<uuid:invoice_id>"

blueprint = Pages("school_invoices")


@blueprint.get(OF_SCHOOL)
@school_member(operators=False)
def list_invoices(school_id: UUID) -> Response:
    """List the school's invoices, the newest first."""
    found = queries.of_school(context.session(), school_id, **asked_for())
    return panel(
        "school/invoices.html",
        school_id,
        TAB,
        found=found,
        invoiced=invoiced,
        states=INVOICE_STATES,
    )


@blueprint.get(ONE)
@school_member(operators=False)
def show(school_id: UUID, invoice_id: UUID) -> Response:
    """Show an invoice with its lines, its history, and how it is paid."""
    return _shown(school_id, invoice_id)


@blueprint.get(f"{ONE}/file")
@school_member(operators=False)
def read_file(school_id: UUID, invoice_id: UUID) -> Response:
    """Download an invoice as PDF."""
    found = _of(school_id, invoice_id)
    if found.object_key is None:
        raise InvoiceNotReady
    return pdf(found.object_key)


@blueprint.get(f"{ONE}/receipt")
@school_member(operators=False)
def read_receipt(school_id: UUID, invoice_id: UUID) -> Response:
    """Download the receipt of what paid an invoice as PDF, whoever of the school asked for it."""
    found = _of(school_id, invoice_id)
    receipt = payments.receipt(context.session(), found.payment_id) if found.payment_id else None
    if receipt is None or receipt.stored_at is None:
        raise ReceiptNotReady
    return pdf(receipt.object_key)


@blueprint.get(f"{ONE}/credit-notes/<uuid:note_id>/file")
@school_member(operators=False)
def read_note(school_id: UUID, invoice_id: UUID, note_id: UUID) -> Response:
    """Download a credit note that refers to an invoice as PDF."""
    _of(school_id, invoice_id)
    found = credit_notes.find(context.session(), note_id)
    if found.invoice_id != invoice_id:
        raise NotFound
    if found.stored_at is None:
        raise CreditNoteNotReady
    return pdf(found.object_key)


@blueprint.post(f"{ONE}/payments")
@school_member(operators=False)
def pay(school_id: UUID, invoice_id: UUID) -> Answer:
    """Ask to pay on the payment page; ours waits for its address."""
    session = context.session()
    _, errors = forms.tried(
        lambda: invoicing.pay(
            session,
            _of(school_id, invoice_id),
            payer_id=current_account().id,
            expires_in=context.parts().get(Settings).checkout_time,
            now=context.now(),
        ),
        "pay",
    )
    if errors:
        return _shown(school_id, invoice_id, errors)
    return redirect(f"/schools/{school_id}/invoices/{invoice_id}/payment", 303)


@blueprint.get(f"{ONE}/payment")
@school_member(operators=False)
def paying(school_id: UUID, invoice_id: UUID) -> Answer:
    """Lead to the payment page as soon as there is one; back to the invoice once it is done."""
    asked = _live(school_id, invoice_id)
    if asked is None:
        return redirect(f"/schools/{school_id}/invoices/{invoice_id}", 303)
    back = f"/schools/{school_id}/invoices/{invoice_id}"
    return page("school/paying.html", back=back, address=address_of(asked))


@blueprint.get(f"{ONE}/returned")
@school_member(operators=False)
def returned(school_id: UUID, invoice_id: UUID) -> Answer:
    """Wait for the payment company's word, then show the invoice; money is believed from it alone."""
    if "paid" not in request.args or _live(school_id, invoice_id) is None:
        return redirect(f"/schools/{school_id}/invoices/{invoice_id}", 303)
    return page("school/returned.html", back=f"/schools/{school_id}/invoices/{invoice_id}")


def _shown(school_id: UUID, invoice_id: UUID, errors: forms.Errors | None = None) -> Response:
    session = context.session()
    found = _of(school_id, invoice_id)
    cohort_id = found.payable_id if found.payable_kind == cohorts.PAYABLE else None
    places = cohorts.places(session, cohort_id) if cohort_id else []
    kept = [one.booking.hold_expires_at for one in places if one.booking.hold_expires_at]
    receipt = payments.receipt(session, found.payment_id) if found.payment_id else None
    return panel(
        "school/invoice.html",
        school_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        invoice=found,
        invoiced=invoiced,
        lines=queries.lines(session, invoice_id),
        history=queries.steps(session, invoice_id),
        notes=credit_notes.of_invoice(session, invoice_id),
        cohort_id=cohort_id,
        places={one.booking.id: one for one in places},
        kept_until=min(kept, default=None),
        receipt=receipt is not None and receipt.stored_at is not None,
        open_now=found.state in OPEN_INVOICE,
        bank=context.parts().get(Settings).bank_details,
        states=INVOICE_STATES,
        errors=errors or {},
    )


def _of(school_id: UUID, invoice_id: UUID) -> Any:
    found = queries.find(context.session(), invoice_id)
    if found.school_id != school_id:
        raise NotFound
    return found


def _live(school_id: UUID, invoice_id: UUID) -> Any:
    """The payment that is under way for the invoice; None where none is."""
    found = _of(school_id, invoice_id)
    asked = payments.live_payment(context.session(), found.payable, invoicing.PURPOSE)
    return asked if asked is not None and asked.state in LIVE else None
