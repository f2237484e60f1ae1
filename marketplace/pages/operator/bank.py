"""Our bank account at the desk: schools' invoices and what came for them, and refunds by bank."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, redirect, request
from werkzeug.wrappers import Response as Answer

from marketplace.booking import queries as booking
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require
from marketplace.identity.queries import schools
from marketplace.pages import forms
from marketplace.pages.operator.recording import record
from marketplace.pages.school.words import INVOICE_STATES, invoiced, tone
from marketplace.pages.stored import pdf
from marketplace.pages.view import Pages, form_page, page
from marketplace.payments.errors import CreditNoteNotReady, InvoiceNotReady
from marketplace.payments.queries import credit_notes
from marketplace.payments.queries import invoices as queries
from marketplace.payments.schemas.invoices import BankRefundArgs, BankTransferArgs, InvoicesArgs
from marketplace.payments.service import bank_refunds, invoicing
from marketplace.payments.states import OPEN_INVOICE
from marketplace.web import context
from marketplace.web.pagination import Page

A_PAGE = 50
MANY = 200
NOT_PROCESSABLE = 422
INVOICES = "/desk/invoices"
REFUNDS = "/desk/bank-refunds"

blueprint = Pages("desk_bank")


@blueprint.get(INVOICES)
@require("operator")
def list_invoices() -> Response:
    """List schools' invoices, the newest first: of a state, or one by its number."""
    session = context.session()
    typed = {name: text.strip() for name, text in request.args.items() if text.strip()}
    given: dict[str, Any] = {"limit": A_PAGE, "cursor": typed.get("cursor")}
    if "state" in typed:
        given["state"] = [typed["state"]]
    values, errors = forms.read(InvoicesArgs(), given)
    found: Page[Any] = Page([], None)
    if "number" in typed:
        number = forms.number(typed["number"])
        if number is not None:
            found = Page(list(queries.numbered(session, number, MANY)), None)
    elif not errors:
        found = queries.every(session, states=values.pop("state"), **values)
    return page(
        "desk/invoices.html",
        NOT_PROCESSABLE if errors else 200,
        found=found,
        schools=schools.names(session, {one.school_id for one in found.items}),
        invoiced=invoiced,
        states=INVOICE_STATES,
        tone=tone,
        typed=typed,
        errors=errors,
    )


@blueprint.get(f"{INVOICES}/<uuid:invoice_id>")
@require("operator")
def show_invoice(invoice_id: UUID) -> Response:
    """Show an invoice, what has happened to it, and what is to be done with money that comes."""
    return _invoice(invoice_id, {}, {})


@blueprint.get(f"{INVOICES}/<uuid:invoice_id>/file")
@require("operator")
def read_invoice(invoice_id: UUID) -> Response:
    """Download an invoice as PDF."""
    found = queries.find(context.session(), invoice_id)
    if found.object_key is None:
        raise InvoiceNotReady
    return pdf(found.object_key)


@blueprint.get(f"{INVOICES}/<uuid:invoice_id>/credit-notes/<uuid:note_id>/file")
@require("operator")
def read_note(invoice_id: UUID, note_id: UUID) -> Response:
    """Download a credit note that refers to an invoice as PDF."""
    found = credit_notes.find(context.session(), note_id)
    if found.invoice_id != invoice_id:
        raise NotFound
    if found.stored_at is None:
        raise CreditNoteNotReady
    return pdf(found.object_key)


@blueprint.post(f"{INVOICES}/<uuid:invoice_id>/transfers")
@require("operator")
def receive(invoice_id: UUID) -> Answer:
    """Write down that an invoice's money has come to our bank; what it is for is confirmed."""
    typed, session = forms.typed(), context.session()
    found = queries.find(session, invoice_id)
    amount, errors = forms.amount(typed.get("amount", ""), found.amount.currency)

    def do(values: dict[str, Any]) -> None:
        own, now = current_account().id, context.now()
        transfer = invoicing.Transfer(**values)
        invoicing.received(session, invoice_id, transfer, actor_id=own, now=now)
        about = {"reference": transfer.reference, "received_on": transfer.received_on.isoformat()}
        record("invoice.transfer_received", "invoice", invoice_id, **about)

    if not errors:
        given: dict[str, Any] = {"amount": amount}
        given |= {name: typed[name] for name in ("reference", "received_on") if name in typed}
        errors = forms.carried_out(BankTransferArgs(), given, do, "amount")
    if errors:
        return _invoice(invoice_id, typed, errors)
    return redirect(f"{INVOICES}/{invoice_id}", 303)


@blueprint.get(REFUNDS)
@require("operator")
def list_refunds() -> Response:
    """List what a person is to send back by bank, the oldest first."""
    return _refunds({}, {})


@blueprint.post(f"{REFUNDS}/<uuid:refund_id>")
@require("operator")
def sent(refund_id: UUID) -> Answer:
    """Write down that a refund has left our bank account."""
    typed, session = {**forms.typed(), "refund": str(refund_id)}, context.session()

    def do(values: dict[str, Any]) -> None:
        bank_refunds.sent_by_bank(session, refund_id, now=context.now(), **values)
        about = {"reference": values["reference"], "sent_on": values["sent_on"].isoformat()}
        record("refund.sent_by_bank", "refund", refund_id, **about)

    given: dict[str, Any] = {
        name: typed[name] for name in ("reference", "sent_on") if name in typed
    }
    errors = forms.carried_out(BankRefundArgs(), given, do, "reference")
    return _refunds(typed, errors) if errors else redirect(REFUNDS, 303)


def _invoice(invoice_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    found, history = queries.find(session, invoice_id), queries.steps(session, invoice_id)
    lines = queries.lines(session, invoice_id)
    places = booking.spans(session, {one.part_id for one in lines})
    known = {one.trainee_id for one in places.values()}
    known |= {one.actor_id for one in history if one.actor_id}
    return form_page(
        "desk/invoice.html",
        NOT_PROCESSABLE if errors else 200,
        invoice=found,
        number=found.content["number"],
        school=schools.find(session, found.school_id),
        lines=lines,
        places=places,
        history=history,
        notes=credit_notes.of_invoice(session, invoice_id),
        people=identity.contacts(session, sorted(known)),
        open_now=found.state in OPEN_INVOICE,
        others=queries.open_of(session, found.school_id, MANY),
        today=context.now().date(),
        invoiced=invoiced,
        states=INVOICE_STATES,
        tone=tone,
        typed=typed,
        errors=errors,
    )


def _refunds(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    return form_page(
        "desk/bank_refunds.html",
        NOT_PROCESSABLE if errors else 200,
        items=bank_refunds.to_send(context.session(), MANY),
        today=context.now().date(),
        typed=typed,
        errors=errors,
    )
