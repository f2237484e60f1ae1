"""HTTP: the webhook, a payer's payments and receipts, an operator's books."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from marketplace.core.db import by_itself
from marketplace.core.errors import Invalid
from marketplace.core.jobs import defer
from marketplace.core.money import Money
from marketplace.core.ports import ObjectStore
from marketplace.identity import access
from marketplace.payments import queries, schemas, service
from marketplace.payments.errors import PaymentNotFound, ReceiptNotReady
from marketplace.payments.gateway import PaymentGateway
from marketplace.payments.models import Payment, Refund
from marketplace.payments.routes import (
    accounting,
    cards,
    credit,
    credit_notes,
    desk,
    hosts,
    invoices,
    statements,
)
from marketplace.payments.routes.owning import OPERATOR, own_payment
from marketplace.payments.rules import declines
from marketplace.payments.rules.credit import CreditTerms
from marketplace.payments.service import inbox, quarantine, steps
from marketplace.payments.states import LIVE
from marketplace.web import context, openapi
from marketplace.web.api import Blueprint
from marketplace.web.limits import unlimited

LARGEST_EVENT = 1 << 20
RECEIVED = b'{"received":true}\n'
MANY = 500

EVENT = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "description": "An event, as Stripe writes it."}
            }
        },
    },
    "parameters": [
        {
            "name": "Stripe-Signature",
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
            "description": "Stripe's signature of the body, by the secret that we share.",
        }
    ],
}

stripe = Blueprint("stripe", __name__, url_prefix="/stripe", description="What Stripe tells us.")
payments = Blueprint(
    "payments", __name__, url_prefix="/payments", description="Paying, and receipts."
)
operators = Blueprint(
    "money", __name__, url_prefix="/operator", description="The books, for operators."
)
BLUEPRINTS = (
    *(stripe, payments, operators, credit.blueprint, credit.operators, cards.blueprint),
    *(hosts.blueprint, hosts.returns, desk.blueprint, invoices.blueprint),
    *(credit_notes.blueprint, accounting.blueprint, statements.blueprint),
)


class EventTooLarge(Invalid):
    code = "event_too_large"
    title = f"An event has at most {LARGEST_EVENT} bytes."


@stripe.route("/webhook", methods=["POST"])
@access.public
@unlimited
@stripe.response(200, schemas.ReceivedSchema)
@stripe.doc(**EVENT)
def webhook() -> Response:
    """Take an event of Stripe: verified by its signature, stored once, handled by a job.

    200 means that it is kept; anything else, that Stripe should send it again.
    """
    if (request.content_length or 0) > LARGEST_EVENT:
        raise EventTooLarge
    gateway = context.parts().get(PaymentGateway)
    signature = request.headers.get("Stripe-Signature", "")
    event = gateway.verify_webhook(request.get_data(cache=False), signature)
    session = context.session()
    by_itself(session)
    inbox.receive(session, event, now=context.now())
    return Response(RECEIVED, mimetype="application/json")


@payments.route("/<uuid:payment_id>")
@access.signed_in
@payments.response(200, schemas.PaymentSchema)
def show(payment_id: UUID) -> dict[str, Any]:
    """Return a payment of yours: where to pay it, what it is for, what went back."""
    return _dump(own_payment(payment_id))


@payments.route("/<uuid:payment_id>/receipt")
@access.signed_in
@payments.response(200, openapi.BINARY, content_type="application/pdf")
def receipt(payment_id: UUID) -> Response:
    """Return the receipt of a settled payment as PDF."""
    own_payment(payment_id)
    found = queries.receipt(context.session(), payment_id)
    if found is None or found.stored_at is None:
        raise ReceiptNotReady
    pieces: Iterator[bytes] = context.parts().get(ObjectStore).stream(found.object_key)
    name = found.object_key.rpartition("/")[2]
    return Response(
        pieces,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@payments.route("/return")
@access.public
@payments.arguments(schemas.ReturnArgs, location="query")
@payments.response(200, schemas.ReturnSchema)
@payments.alt_response(303, description="For a browser: back to the page it came from.")
def come_back(args: dict[str, str | None]) -> dict[str, Any] | BaseResponse:
    """Where the payment page sends the payer: asks how the payment stands, by the same path.

    Who knows the session's id comes from the page; they learn the payment's status and no more.
    """
    session = context.session()
    asked = args["session_id"] or args["payment_intent"]
    found = queries.payment_by_processor(session, session_id=asked) if asked else None
    if found is None:
        raise PaymentNotFound
    if found.state in LIVE:
        defer(session, steps.LOOK_AT_CHECKOUT, lock=f"look:{found.id}", payment_id=str(found.id))
    if found.return_path and request.accept_mimetypes.accept_html:
        # Who gives the page up is led there without this word.
        with_more = "&" if "?" in found.return_path else "?"
        return redirect(f"{found.return_path}{with_more}paid=yes", 303)
    return {"payment_id": found.id, "status": found.state}


@operators.route("/payments/<uuid:payment_id>/refunds", methods=["POST"])
@access.require(OPERATOR)
@operators.arguments(schemas.RefundRequestSchema)
@operators.response(201, schemas.RefundSchema)
def grant_refund(args: dict[str, Any], payment_id: UUID) -> Refund:
    """Grant a refund of a payment, whole or in part; it is sent within seconds, or is credit."""
    amount: Money = args["amount"]
    return service.refund(
        context.session(),
        payment_id,
        amount=amount,
        reason=args["reason"],
        part_id=args["part_id"],
        as_credit=CreditTerms() if args["as_credit"] else None,
        requested_by=access.current_account().id,
        now=context.now(),
    )


@operators.route("/refunds/<uuid:refund_id>/retry", methods=["POST"])
@access.require(OPERATOR)
@operators.response(201, schemas.RefundSchema)
def send_again(refund_id: UUID) -> Refund:
    """Send a failed refund again: the debt is the same, the attempt a new one."""
    return service.retry_refund(
        context.session(),
        refund_id,
        requested_by=access.current_account().id,
        now=context.now(),
    )


@operators.route("/payments/<uuid:payment_id>/postings")
@access.require(OPERATOR)
@operators.response(200, schemas.PostingsSchema)
def postings(payment_id: UUID) -> dict[str, Any]:
    """Return everything in the books about a payment."""
    queries.payment(context.session(), payment_id)
    return {"items": queries.postings(context.session(), payment_id)}


@operators.route("/ledger/trial-balance")
@access.require(OPERATOR)
@operators.response(200, schemas.TrialBalanceSchema)
def trial_balance() -> dict[str, Any]:
    """Return every account's totals, and their sums by currency, which are zero."""
    accounts = queries.trial_balance(context.session())
    sums: dict[str, Money] = {}
    for account in accounts:
        currency = account.debits.currency
        sums[currency] = sums.get(currency, Money.zero(currency)) + account.balance
    return {"accounts": accounts, "sums": list(sums.values())}


@operators.route("/quarantine")
@access.require(OPERATOR)
@operators.response(200, schemas.QuarantinesSchema)
def set_aside() -> dict[str, Any]:
    """Return what does not fit and waits for a person, oldest first."""
    return {"items": queries.open_quarantine(context.session(), MANY)}


@operators.route("/quarantine/<uuid:quarantine_id>/resolve", methods=["POST"])
@access.require(OPERATOR)
@operators.arguments(schemas.ResolutionSchema)
@operators.response(204)
def resolve(args: dict[str, str], quarantine_id: UUID) -> None:
    """Note what was found out and done about it."""
    quarantine.resolve(
        context.session(),
        quarantine_id,
        resolution=args["resolution"],
        account_id=access.current_account().id,
        now=context.now(),
    )


def _why(payment: Payment) -> str | None:
    """Why the last try was declined, in the words of ours that its reader understands."""
    if payment.decline_code is None:
        return payment.last_decline
    return declines.words(payment.decline_code, access.current_account().locale)


def _dump(payment: Payment) -> dict[str, Any]:
    session = context.session()
    receipt_row = queries.receipt(session, payment.id)
    return {
        "id": payment.id,
        "payable": payment.payable,
        "purpose": payment.purpose,
        "amount": payment.amount,
        "means": payment.means,
        "credit": Money(payment.credit_minor, payment.currency),
        "refunded": payment.refunded,
        "description": payment.description,
        "status": payment.state,
        "checkout_url": payment.checkout_url,
        "last_decline": _why(payment),
        "decline_code": payment.decline_code,
        "card_id": payment.card_id,
        "requested_at": payment.requested_at,
        "expires_at": payment.expires_at,
        "settled_at": payment.settled_at,
        "receipt_ready": receipt_row is not None and receipt_row.stored_at is not None,
        "lines": queries.lines(session, payment.id),
        "parts": [] if payment.site_id is not None else queries.parts(session, payment.id),
        "refunds": queries.refunds(session, payment.id),
    }
