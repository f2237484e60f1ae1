"""HTTP: a payer's statement, to be read, as a table, to be filed."""

from typing import Any
from uuid import UUID

from flask import Response

from marketplace.core.errors import NotFound
from marketplace.core.ports import PdfRenderer
from marketplace.core.settings import Settings
from marketplace.identity import queries as people
from marketplace.identity.access import caller, signed_in
from marketplace.payments.routes.owning import OPERATOR
from marketplace.payments.schemas.statements import PayerStatementArgs, PayerStatementSchema
from marketplace.payments.service import payer_statements
from marketplace.payments.service.payer_statements import PayerStatement
from marketplace.web import context, openapi
from marketplace.web.api import Blueprint

TEMPLATE = "payer_statement"
TABLE = {"type": "string"}

blueprint = Blueprint(
    "payer_statements",
    __name__,
    url_prefix="/payments/statement",
    description="What you have paid, what went back, and your credit.",
)


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.arguments(PayerStatementArgs, location="query")
@blueprint.response(200, PayerStatementSchema)
def statement(args: dict[str, Any]) -> PayerStatement:
    """Read your statement line by line, with what there was before and after it."""
    return _read(args)[1]


@blueprint.route("/lines.csv", methods=["GET"])
@signed_in
@blueprint.arguments(PayerStatementArgs, location="query")
@blueprint.response(200, TABLE, description="A table.", content_type="text/csv")
def table(args: dict[str, Any]) -> Response:
    """Read your statement as a table."""
    text = payer_statements.as_csv(_read(args)[1])
    return _file(text, "text/csv; charset=utf-8", "csv")


@blueprint.route("/statement.pdf", methods=["GET"])
@signed_in
@blueprint.arguments(PayerStatementArgs, location="query")
@blueprint.response(200, openapi.BINARY, content_type="application/pdf")
def document(args: dict[str, Any]) -> Response:
    """Read your statement as PDF."""
    account_id, read = _read(args)
    contact = people.contact(context.session(), account_id)
    data = payer_statements.as_document(
        read,
        name=contact.name if contact else "",
        legal_entity=context.parts().get(Settings).legal_entity,
        today=context.now().date(),
    )
    pdf = context.parts().get(PdfRenderer).render(TEMPLATE, dict(data))
    return _file(pdf, "application/pdf", "pdf")


def _read(args: dict[str, Any]) -> tuple[UUID, PayerStatement]:
    asking, wanted = caller(), args.pop("account_id")
    if wanted not in {None, asking.account.id} and OPERATOR not in asking.roles:
        raise NotFound
    account_id = wanted or asking.account.id
    return account_id, payer_statements.statement(context.session(), account_id, **args)


def _file(content: str | bytes, kind: str, ending: str) -> Response:
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="statement.{ending}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response
