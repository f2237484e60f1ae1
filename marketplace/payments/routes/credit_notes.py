"""HTTP: credit notes, for whoever paid, for schools, and for operators."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response

from marketplace.core.errors import NotFound
from marketplace.core.ports import ObjectStore
from marketplace.identity.access import require, school_member, signed_in
from marketplace.payments.errors import CreditNoteNotReady
from marketplace.payments.models import CreditNote
from marketplace.payments.queries import credit_notes as queries
from marketplace.payments.queries import invoices
from marketplace.payments.routes.owning import own_payment
from marketplace.payments.schemas.credit_notes import CreditNotePage, CreditNotesSchema
from marketplace.web import context, openapi
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs

blueprint = Blueprint(
    "credit-notes", __name__, description="What takes back an invoice or a receipt."
)
OF_PAYMENT = "/payments/<uuid:payment_id>/credit-notes"
OF_INVOICE = "/schools/<uuid:school_id>/invoices/<uuid:invoice_id>/credit-notes"


@blueprint.route(OF_PAYMENT, methods=["GET"])
@signed_in
@blueprint.response(200, CreditNotesSchema)
def of_payment(payment_id: UUID) -> dict[str, Sequence[CreditNote]]:
    """List the credit notes for a payment of yours: one for each refund."""
    own_payment(payment_id)
    return {"items": queries.of_payment(context.session(), payment_id)}


@blueprint.route(f"{OF_PAYMENT}/<uuid:note_id>/file", methods=["GET"])
@signed_in
@blueprint.response(200, openapi.BINARY, content_type="application/pdf")
def file_of_payment(payment_id: UUID, note_id: UUID) -> Response:
    """Read a credit note for a payment of yours as PDF."""
    own_payment(payment_id)
    found = queries.find(context.session(), note_id)
    if found.payment_id != payment_id:
        raise NotFound
    return _file(found)


@blueprint.route(OF_INVOICE, methods=["GET"])
@school_member()
@blueprint.response(200, CreditNotesSchema)
def of_invoice(school_id: UUID, invoice_id: UUID) -> dict[str, Sequence[CreditNote]]:
    """List the credit notes that refer to an invoice of your school."""
    _check_invoice(school_id, invoice_id)
    return {"items": queries.of_invoice(context.session(), invoice_id)}


@blueprint.route(f"{OF_INVOICE}/<uuid:note_id>/file", methods=["GET"])
@school_member()
@blueprint.response(200, openapi.BINARY, content_type="application/pdf")
def file_of_invoice(school_id: UUID, invoice_id: UUID, note_id: UUID) -> Response:
    """Read a credit note that refers to an invoice of your school as PDF."""
    _check_invoice(school_id, invoice_id)
    found = queries.find(context.session(), note_id)
    if found.invoice_id != invoice_id:
        raise NotFound
    return _file(found)


@blueprint.route("/operator/credit-notes", methods=["GET"])
@require("operator")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, CreditNotePage)
def list_every(data: dict[str, Any]) -> Page[CreditNote]:
    """List all credit notes, the newest first."""
    return queries.every(context.session(), **data)


def _check_invoice(school_id: UUID, invoice_id: UUID) -> None:
    if invoices.find(context.session(), invoice_id).school_id != school_id:
        raise NotFound


def _file(found: CreditNote) -> Response:
    if found.stored_at is None:
        raise CreditNoteNotReady
    name = found.object_key.rpartition("/")[2]
    response = Response(
        context.parts().get(ObjectStore).stream(found.object_key), mimetype="application/pdf"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
