"""HTTP: a site's payouts, for its people: onboarding, status, transfers, statements."""

import re
from datetime import date
from typing import Any
from uuid import UUID

from flask import Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from marketplace.catalog.queries import sites
from marketplace.core.errors import NotFound
from marketplace.core.jobs import defer
from marketplace.core.ports import PdfRenderer
from marketplace.core.settings import Settings
from marketplace.identity.access import current_account, public, site_member
from marketplace.payments.gateway.paid_for import PaidThings
from marketplace.payments.models import HostAccount, HostTransfer
from marketplace.payments.queries import hosts as found
from marketplace.payments.schemas import hosts as schemas
from marketplace.payments.service.hosts import accounts, moves, statements
from marketplace.web import context, openapi
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

OWNER, PEOPLE = ("site_owner",), ("site_owner", "coordinator")
TEMPLATE = "host_statement"
MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")
STATEMENT = "/statements/<string:month>"
# Who takes either gets the first; a browser asks for the second.
FORMS = ("application/json", "text/html")

blueprint = Blueprint(
    "payouts",
    __name__,
    url_prefix="/sites/<uuid:site_id>/payouts",
    description="What a site earns, and how it is paid.",
)
returns = Blueprint(
    "onboarding", __name__, url_prefix="/payments", description="Back from Stripe's onboarding."
)


@blueprint.route("", methods=["GET"])
@site_member(*PEOPLE)
@blueprint.response(200, schemas.PayoutStatusSchema)
def status(site_id: UUID) -> dict[str, Any]:
    """See whether the site can be paid, what Stripe still asks for, and the link to give it."""
    return _status(found.host_account(context.session(), site_id))


@blueprint.route("/onboarding", methods=["POST"])
@site_member(*OWNER)
@blueprint.response(202, schemas.PayoutStatusSchema)
def onboard(site_id: UUID) -> dict[str, Any]:
    """Ask for a link at which you give Stripe what it asks for; it is in the status in seconds."""
    row = accounts.ask_onboarding(
        context.session(), site_id, asked_by=current_account().id, now=context.now()
    )
    return _status(row)


@blueprint.route("/transfers", methods=["GET"])
@site_member(*PEOPLE)
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(schemas.HostTransferSchema))
def transfers(args: dict[str, Any], site_id: UUID) -> Page[HostTransfer]:
    """List what was released of the site's shares, the latest first."""
    return found.transfers_page(context.session(), site_id, **args)


@blueprint.route(STATEMENT, methods=["GET"])
@site_member(*PEOPLE)
@blueprint.response(200, schemas.StatementSchema)
def statement(site_id: UUID, month: str) -> statements.Statement:
    """Read a month (`2027-03`) line by line, with what was due before and after it."""
    return statements.statement(context.session(), site_id, month_of(month))


@blueprint.route(STATEMENT + "/lines.csv", methods=["GET"])
@site_member(*PEOPLE)
@blueprint.response(200, {"type": "string"}, description="A table.", content_type="text/csv")
def statement_table(site_id: UUID, month: str) -> Response:
    """Read a month as a table."""
    session = context.session()
    read = statements.statement(session, site_id, month_of(month))
    named = statements.paid_for(session, read, _things())
    return _file(
        statements.as_csv(read, named), "text/csv; charset=utf-8", f"statement-{month}.csv"
    )


@blueprint.route(STATEMENT + "/statement.pdf", methods=["GET"])
@site_member(*PEOPLE)
@blueprint.response(200, openapi.BINARY, content_type="application/pdf")
def statement_document(site_id: UUID, month: str) -> Response:
    """Read a month as PDF."""
    session = context.session()
    read = statements.statement(session, site_id, month_of(month))
    data = statements.as_document(
        read,
        statements.paid_for(session, read, _things()),
        site_name=sites.site(session, site_id).name,
        legal_entity=context.parts().get(Settings).legal_entity,
    )
    pdf = context.parts().get(PdfRenderer).render(TEMPLATE, data)
    return _file(pdf, "application/pdf", f"statement-{month}.pdf")


@returns.route("/onboarded/<uuid:site_id>", methods=["GET"])
@public
@returns.arguments(schemas.OnboardedArgs, location="query")
@returns.response(200, schemas.OnboardedSchema)
@returns.alt_response(303, description="For a browser: to the site's page about its money.")
def onboarded(args: dict[str, bool], site_id: UUID) -> dict[str, str] | BaseResponse:
    """Where Stripe sends a host back to: asks how the account stands; tells nothing about it."""
    session = context.session()
    row = found.host_account(session, site_id)
    if row is None:
        raise NotFound
    message = "This link was used, or is too old. Ask for another under Payouts."
    if not args["expired"]:
        defer(session, moves.LOOK_AT_ACCOUNT, lock=f"host:{site_id}", site_id=str(site_id))
        message = "Thank you. See under Payouts whether anything is still needed."
    if request.accept_mimetypes.best_match(FORMS) == "text/html":
        return redirect(f"/host/sites/{site_id}/money", 303)
    return {"message": message}


def _status(row: HostAccount | None) -> dict[str, Any]:
    if row is None:
        return {
            "status": "none",
            "details_submitted": False,
            "transfers_enabled": False,
            "payouts_enabled": False,
            "requirements_due": [],
            **dict.fromkeys(
                (
                    *("due_by", "disabled_reason", "refused", "payout_failure"),
                    *("onboarding_url", "onboarding_expires_at", "seen_at"),
                )
            ),
        }
    return {
        "status": word_of(row),
        "details_submitted": row.details_submitted,
        "transfers_enabled": row.transfers_enabled,
        "payouts_enabled": row.payouts_enabled,
        "requirements_due": row.due,
        "due_by": row.due_by,
        "disabled_reason": row.disabled_reason,
        "refused": row.refused,
        "payout_failure": row.payout_failure,
        "onboarding_url": row.link_url,
        "onboarding_expires_at": row.link_expires_at,
        "seen_at": row.seen_at,
    }


def word_of(row: HostAccount) -> str:
    """How an account stands, in one word of the schema's."""
    if row.transfers_enabled and row.payouts_enabled:
        return "ready"
    if row.refused:
        return "refused"
    if row.processor_account is None:
        return "asked"
    return "restricted" if row.details_submitted else "onboarding"


def month_of(text: str) -> date:
    """The first day of a month that is written as `2027-03`; `NotFound` for anything else."""
    match = MONTH.fullmatch(text)
    if match is None:
        raise NotFound(f"{text!r} is no month: write it as 2027-03.")
    return date(int(match[1]), int(match[2]), 1)


def _things() -> PaidThings:
    return context.parts().get(PaidThings)


def _file(content: str | bytes, kind: str, name: str) -> Response:
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
