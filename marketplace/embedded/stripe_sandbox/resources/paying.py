"""What the hosted page does: one session, attempts until one succeeds, or expiry.

``pay`` may be called by several tabs at once; the writer's lock makes them take turns, and only
an open session can be paid.
"""

from dataclasses import dataclass

from marketplace.embedded.stripe_sandbox import states
from marketplace.embedded.stripe_sandbox.errors import wrong_state
from marketplace.embedded.stripe_sandbox.resources import (
    charging,
    completing,
    customers,
    intents,
)
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work


@dataclass(frozen=True)
class Card:
    """What the payer typed. ``number`` may be a test bank account if the session takes those.

    ``saved`` is a payment method that the page offered instead; ``keep`` a tick to keep this one.
    """

    number: str
    exp_month: int
    exp_year: int
    email: str | None = None
    name: str | None = None
    saved: str | None = None
    keep: bool = False


def details_of(email: str | None, name: str | None) -> Json:
    """``customer_details`` of a session."""
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def pay(work: Work, session: Json, card: Card) -> Json:
    """One attempt from the page; returns the intent, whose status says what comes next.

    Raises ``ApiError``: 402 for card details that are refused at once, 400 if the session is not
    open, or a payment is under way.
    """
    intent = _open_intent(work, session)
    email = card.email or session["customer_email"]
    method = _method(work, session, card, email)
    if method["type"] not in session["payment_method_types"]:
        raise wrong_state("This session does not take bank debits.", code="payment_method_invalid")
    if not session["customer"]:
        session["customer_details"] = details_of(email, card.name)
    work.save(session)
    intent["_keep"] = card.keep and _may_keep(session)
    intent["_return_url"] = f"{work.settings.base_url}/c/pay/{session['id']}"
    charging.attempt(work, intent, method)
    completing.complete(work, intent)
    return intent


def offered(work: Work, session: Json) -> list[Json]:
    """The kept cards of the session's customer that its page shows."""
    options = session["saved_payment_method_options"]
    if not session["customer"] or options is None:
        return []
    kept = work.tx.select("payment_method", work.account, {"customer": session["customer"]})
    return [one for one in kept if one["allow_redisplay"] in options["allow_redisplay_filters"]]


def _method(work: Work, session: Json, card: Card, email: str | None) -> Json:
    if card.saved is None:
        billing = {"email": email, "name": card.name}
        return customers.new_method(work, card.number, card.exp_month, card.exp_year, billing)
    for one in offered(work, session):
        if one["id"] == card.saved:
            return one
    raise wrong_state("This card is not offered here.", code="payment_method_invalid")


def _may_keep(session: Json) -> bool:
    options = session["saved_payment_method_options"] or {}
    return options.get("payment_method_save") == "enabled"


def _open_intent(work: Work, session: Json) -> Json:
    """The session's intent, made at the first attempt as Stripe does."""
    if session["status"] != "open":
        raise wrong_state(
            f"This session is {session['status']}; it can't be paid.",
            code="checkout_session_not_open",
        )
    if session["payment_intent"]:
        intent = work.load("payment_intent", session["payment_intent"])
        if intent["status"] == "requires_action":
            charging.authenticate(work, intent, passed=False)
        return intent
    given = {**session["_intent_data"], "payment_method_types": session["payment_method_types"]}
    if session["customer"]:
        given["customer"] = session["customer"]
    elif session["customer_creation"] == "always":
        email = session["customer_email"]
        given["customer"] = customers.create_customer(work, {}, {"email": email})["id"]
        session["customer"] = given["customer"]
    intent = intents.build(work, session["amount_total"], session["currency"], given)
    intent["_session"] = session["id"]
    session["payment_intent"] = intent["id"]
    work.save(intent)
    work.emit("payment_intent.created", intent)
    return intent


def expire(work: Work, session: Json) -> Json:
    """No more attempts; an intent that was begun is canceled."""
    states.check("checkout session", states.SESSION, session["status"], "expired")
    session.update(status="expired", url=None, _due=None)
    if session["payment_intent"]:
        intent = work.load("payment_intent", session["payment_intent"])
        if intent["status"] in ("requires_payment_method", "requires_action"):
            charging.cancel(work, intent, "expired")
    work.save(session)
    work.emit("checkout.session.expired", session)
    return session


def free(work: Work, session: Json) -> Json:
    """Complete a session with nothing to pay."""
    states.check("checkout session", states.SESSION, session["status"], "complete")
    session.update(status="complete", url=None, _due=None)
    work.save(session)
    work.emit("checkout.session.completed", session)
    return session
