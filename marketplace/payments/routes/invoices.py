"""A school's invoices, and what operators write down of our bank account."""

from typing import Any
from uuid import UUID

from flask import Response

from marketplace.core.errors import NotFound
from marketplace.core.ports import ObjectStore
from marketplace.core.settings import Settings
from marketplace.identity.access import current_account, require, school_member
from marketplace.payments.errors import InvoiceNotReady
from marketplace.payments.models import Invoice, Refund
from marketplace.payments.queries import invoices as queries
from marketplace.payments.schemas import RefundSchema
from marketplace.payments.schemas.invoices import (
    BankRefundArgs,
    BankRefundSchema,
    BankTransferArgs,
    InvoiceDetailSchema,
    InvoicePage,
    InvoicePaymentSchema,
    InvoicesArgs,
    InvoiceSchema,
)
from marketplace.payments.service import bank_refunds, invoicing
from marketplace.web import context, openapi
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs

blueprint = Blueprint("invoices", __name__, description="Invoices to schools, and their payment.")
OF_SCHOOL = "/schools/<uuid:school_id>/invoices"
ONE = f"{OF_SCHOOL}/<uuid:invoice_id>"
MANY = 500


@blueprint.route(OF_SCHOOL, methods=["GET"])
@school_member()
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, InvoicePage)
def list_invoices(data: dict[str, Any], school_id: UUID) -> Page[Invoice]:
    """List your school's invoices, the newest first."""
    return queries.of_school(context.session(), school_id, **data)


@blueprint.route(ONE, methods=["GET"])
@school_member()
@blueprint.response(200, InvoiceDetailSchema)
def show(school_id: UUID, invoice_id: UUID) -> dict[str, Any]:
    """Read an invoice with its lines and its history."""
    found, session = _of(school_id, invoice_id), context.session()
    return {
        "invoice": found,
        "lines": queries.lines(session, found.id),
        "history": queries.steps(session, found.id),
    }


@blueprint.route(f"{ONE}/file", methods=["GET"])
@school_member()
@blueprint.response(200, openapi.BINARY, content_type="application/pdf")
def read_file(school_id: UUID, invoice_id: UUID) -> Response:
    """Read an invoice as PDF."""
    found = _of(school_id, invoice_id)
    if found.object_key is None:
        raise InvoiceNotReady
    name = found.object_key.rpartition("/")[2]
    response = Response(
        context.parts().get(ObjectStore).stream(found.object_key), mimetype="application/pdf"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.route(f"{ONE}/payments", methods=["POST"])
@school_member(operators=False)
@blueprint.response(201, InvoicePaymentSchema)
def pay(school_id: UUID, invoice_id: UUID) -> dict[str, UUID]:
    """Ask to pay an open invoice on the payment page, in place of a bank transfer."""
    payment = invoicing.pay(
        context.session(),
        _of(school_id, invoice_id),
        payer_id=current_account().id,
        expires_in=context.parts().get(Settings).checkout_time,
        now=context.now(),
    )
    return {"payment_id": payment.id}


@blueprint.route("/operator/invoices", methods=["GET"])
@require("operator")
@blueprint.arguments(InvoicesArgs, location="query")
@blueprint.response(200, InvoicePage)
def list_every(data: dict[str, Any]) -> Page[Invoice]:
    """List all invoices, the newest first."""
    states = data.pop("state")
    return queries.every(context.session(), states=states, **data)


@blueprint.route("/operator/invoices/<uuid:invoice_id>/transfers", methods=["POST"])
@require("operator")
@blueprint.arguments(BankTransferArgs)
@blueprint.response(200, InvoiceSchema)
def receive(data: dict[str, Any], invoice_id: UUID) -> Invoice:
    """Write down that an invoice's money has come to our bank; what it is for is confirmed.

    422 `amount_refused` for another amount than the invoice's, `bank_day_refused` for a day to come.
    """
    return invoicing.received(
        context.session(),
        invoice_id,
        invoicing.Transfer(**data),
        actor_id=current_account().id,
        now=context.now(),
    )


@blueprint.route("/operator/bank-refunds", methods=["GET"])
@require("operator")
@blueprint.response(200, BankRefundSchema(many=True))
def list_refunds() -> list[dict[str, Any]]:
    """List what is to go back by bank and has not been sent, oldest first, with whom it is owed to."""
    return bank_refunds.to_send(context.session(), MANY)


@blueprint.route("/operator/bank-refunds/<uuid:refund_id>/sent", methods=["POST"])
@require("operator")
@blueprint.arguments(BankRefundArgs)
@blueprint.response(200, RefundSchema)
def sent(data: dict[str, Any], refund_id: UUID) -> Refund:
    """Write down that a refund has left our bank account."""
    return bank_refunds.sent_by_bank(context.session(), refund_id, now=context.now(), **data)


def _of(school_id: UUID, invoice_id: UUID) -> Invoice:
    found = queries.find(context.session(), invoice_id)
    if found.school_id != school_id:
        raise NotFound
    return found
