"""The hosted pages: paying, 3-D Secure, onboarding, receipts. For a browser, or for curl."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from marketplace.embedded.stripe_sandbox import markup
from marketplace.embedded.stripe_sandbox.errors import ApiError
from marketplace.embedded.stripe_sandbox.money import written
from marketplace.embedded.stripe_sandbox.resources import (
    accounts,
    charging,
    completing,
    customers,
    paying,
)
from marketplace.embedded.stripe_sandbox.routes.held import sandbox
from marketplace.embedded.stripe_sandbox.shapes import PLATFORM, Json
from marketplace.embedded.stripe_sandbox.store import Transaction
from marketplace.embedded.stripe_sandbox.work import Work

blueprint = Blueprint("hosted", __name__)


def _page(status: int, name: str, **values: object) -> Response:
    return Response(markup.page(name, **values), status, mimetype="text/html")


def _message(status: int, title: str, text: str, link: str | None = None) -> Response:
    return _page(status, "message", title=title, text=text, link=link, link_text="Go on")


def _work(tx: Transaction, body: Json) -> Work:
    return sandbox().api.work(tx).on(body["_account"])


def _find(tx: Transaction, object_id: str, kind: str) -> Json | None:
    found = tx.find(object_id)
    return found if found is not None and found["object"] == kind else None


@blueprint.get("/c/pay/<object_id>")
def show_session(object_id: str) -> AnyResponse:
    with sandbox().store.read() as tx:
        session = _find(tx, object_id, "checkout.session")
        intent = tx.find(session["payment_intent"]) if session and session["payment_intent"] else {}
        saved = paying.offered(_work(tx, session), session) if session else []
    if session is None:
        return _message(404, "Not found", "There is no such payment page.")
    error = ((intent or {}).get("last_payment_error") or {}).get("message")
    return _session_page(session, error, 200, saved)


def _session_page(
    session: Json, error: str | None, status: int, saved: list[Json] | None = None
) -> AnyResponse:
    if session["status"] == "complete":
        return _message(200, "Already paid", "This payment is complete.", _success(session))
    if session["status"] == "expired":
        return _message(410, "Expired", "This payment page has expired.", session["cancel_url"])
    return _page(
        status,
        "pay",
        title="Pay",
        session=session,
        lines=session["_line_items"],
        error=error,
        takes_bank="us_bank_account" in session["payment_method_types"],
        saved=saved or [],
        may_keep=(session["saved_payment_method_options"] or {}).get("payment_method_save")
        == "enabled",
    )


def _success(session: Json) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


@blueprint.post("/c/pay/<object_id>")
def pay_session(object_id: str) -> AnyResponse:
    refused: ApiError | None = None
    intent: Json | None = None
    with sandbox().store.write() as tx:
        session = _find(tx, object_id, "checkout.session")
        if session is None:
            return _message(404, "Not found", "There is no such payment page.")
        try:
            if session["amount_total"] or session["status"] != "open":
                with tx.savepoint():
                    intent = paying.pay(_work(tx, session), session, _typed_card())
            else:
                paying.free(_work(tx, session), session)
        except ApiError as error:
            refused = error
        session = tx.find(object_id) or session
    sandbox().deliveries.wake()
    if refused is not None:
        return _session_page(session, str(refused), refused.status)
    return _after_attempt(session, intent)


def _after_attempt(session: Json, intent: Json | None) -> AnyResponse:
    if session["status"] == "complete" or intent is None:
        return redirect(_success(session), 303)
    if intent["status"] == "requires_action":
        return redirect(intent["next_action"]["redirect_to_url"]["url"], 303)
    error = intent["last_payment_error"] or {"message": "The payment was not made."}
    return _session_page(session, error["message"], 402)


def _typed_card() -> paying.Card:
    """The card from the form; a malformed expiry date is refused like a bad card."""
    expiry = re.fullmatch(r"\s*(\d{1,2})\s*/?\s*(\d{2}|\d{4})\s*", request.form.get("expiry", ""))
    year = int(expiry[2]) if expiry else 0
    return paying.Card(
        number=re.sub(r"[\s-]", "", request.form.get("number", "")),
        exp_month=int(expiry[1]) if expiry else 0,
        exp_year=customers.full_year(year),
        email=request.form.get("email") or None,
        name=request.form.get("name") or None,
        saved=request.form.get("saved") or None,
        keep=request.form.get("keep") == "yes",
    )


@blueprint.get("/hosted/3ds/<object_id>/<secret>")
def show_challenge(object_id: str, secret: str) -> AnyResponse:
    with sandbox().store.read() as tx:
        intent = _find(tx, object_id, "payment_intent")
    if intent is None or intent["client_secret"] != secret:
        return _message(404, "Not found", "There is no such challenge.")
    if intent["status"] != "requires_action":
        return _message(410, "Answered", "This challenge is over.", intent["_return_url"])
    return _page(
        200,
        "challenge",
        title="3-D Secure",
        amount=intent["amount"],
        currency=intent["currency"],
    )


@blueprint.post("/hosted/3ds/<object_id>/<secret>")
def answer_challenge(object_id: str, secret: str) -> AnyResponse:
    answer = request.form.get("answer")
    if answer not in ("complete", "fail"):
        return _message(400, "Not understood", "Choose to complete or to fail the challenge.")
    with sandbox().store.write() as tx:
        intent = _find(tx, object_id, "payment_intent")
        if intent is None or intent["client_secret"] != secret:
            return _message(404, "Not found", "There is no such challenge.")
        work = _work(tx, intent)
        charging.authenticate(work, intent, passed=answer == "complete")
        completing.complete(work, intent)
        session = tx.find(intent["_session"]) if intent.get("_session") else None
    sandbox().deliveries.wake()
    if session is not None and session["status"] == "complete":
        return redirect(_success(session), 303)
    target = intent["_return_url"]
    if session is None and target:
        target = _with_query(target, payment_intent=object_id, payment_intent_client_secret=secret)
    if target is None:
        return _message(200, "Thank you", "You can close this page.")
    return redirect(target, 303)


def _with_query(url: str, **added: str) -> str:
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *added.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))


@blueprint.get("/hosted/onboarding/<token>")
def show_onboarding(token: str) -> AnyResponse:
    with sandbox().store.read() as tx:
        link = _find(tx, f"link_{token}", "account_link")
        account = tx.get("account", link["account"], PLATFORM) if link else None
    if link is None or account is None:
        return _message(404, "Not found", "There is no such link.")
    if link["_used"] or link["expires_at"] <= sandbox().clock.seconds():
        return redirect(link["_refresh"], 303)
    return _page(200, "onboard", title="Set up payouts", account=account)


@blueprint.post("/hosted/onboarding/<token>")
def submit_onboarding(token: str) -> AnyResponse:
    with sandbox().store.write() as tx:
        link = _find(tx, f"link_{token}", "account_link")
        account = tx.get("account", link["account"], PLATFORM) if link else None
        if link is None or account is None:
            return _message(404, "Not found", "There is no such link.")
        if link["_used"] or link["expires_at"] <= sandbox().clock.seconds():
            return redirect(link["_refresh"], 303)
        if request.form.get("answer") == "submit":
            accounts.onboard(_work(tx, account), account)
        tx.put({**link, "_used": True})
    sandbox().deliveries.wake()
    return redirect(link["_return"], 303)


@blueprint.get("/hosted/express/<object_id>")
def express(object_id: str) -> AnyResponse:
    with sandbox().store.read() as tx:
        account = _find(tx, object_id, "account")
        totals = (
            sandbox()
            .api.work(tx)
            .on(object_id)
            .balance((account or {}).get("default_currency", ""))
        )
    if account is None:
        return _message(404, "Not found", "There is no such account.")
    shown = written(totals, account["default_currency"])
    return _message(200, "Express dashboard", f"Account {object_id}: balance {shown}.")


@blueprint.get("/hosted/receipt/<object_id>")
def receipt(object_id: str) -> AnyResponse:
    with sandbox().store.read() as tx:
        charge = _find(tx, object_id, "charge")
    if charge is None or not charge["paid"]:
        return _message(404, "Not found", "There is no such receipt.")
    paid = written(charge["amount_captured"], charge["currency"])
    return _message(200, "Receipt", f"Paid {paid}: {charge['description'] or charge['id']}.")
