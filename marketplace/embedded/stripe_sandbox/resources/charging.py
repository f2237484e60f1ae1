"""The heart: what happens when a PaymentIntent is charged, and what the balance shows then.

One rule for every path (API, hosted page, 3-D Secure page, ticker): an intent changes only
through ``attempt``, ``authenticate``, ``settle``, ``capture`` and ``cancel`` here.
"""

from marketplace.embedded.stripe_sandbox import cards, ids, states
from marketplace.embedded.stripe_sandbox.errors import ApiError
from marketplace.embedded.stripe_sandbox.money import processing_fee
from marketplace.embedded.stripe_sandbox.resources import connect_charges, disputing
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work

_CARD_SHOWN = (
    "brand",
    "checks",
    "country",
    "exp_month",
    "exp_year",
    "fingerprint",
    "funding",
    "last4",
    "wallet",
)


def attempt(work: Work, intent: Json, method: Json, *, off_session: bool = False) -> Json:
    """Charge now, or ask for 3-D Secure first. Declines are recorded, not raised.

    The caller looks at ``last_payment_error`` of the intent that is returned.
    """
    behaviour = cards.behaviour_of(method["_number"]) or cards.Behaviour()
    intent["payment_method"] = method["id"]
    intent["last_payment_error"] = None
    if _asks(behaviour, method, off_session=off_session):
        if off_session:
            asked = "authentication_required"
            return decline(work, intent, method, asked, asked)
        return _challenge(work, intent)
    return _charge(work, intent, method)


def _asks(behaviour: cards.Behaviour, method: Json, *, off_session: bool) -> bool:
    """Whether the bank asks for 3-D Secure now."""
    if behaviour.challenge == "first":
        return not method.get("_authenticated")
    if behaviour.challenge == "on_session":
        return not off_session
    return behaviour.challenge == "always"


def _challenge(work: Work, intent: Json) -> Json:
    states.check("payment_intent", states.INTENT, intent["status"], "requires_action")
    url = f"{work.settings.base_url}/hosted/3ds/{intent['id']}/{intent['client_secret']}"
    intent["status"] = "requires_action"
    if intent["_return_url"]:
        target = {"return_url": intent["_return_url"], "url": url}
        intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": target}
    else:
        sdk = {"type": "three_d_secure_redirect", "stripe_js": url}
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": sdk}
    work.save(intent)
    work.emit("payment_intent.requires_action", intent)
    return intent


def authenticate(work: Work, intent: Json, *, passed: bool) -> Json:
    """The cardholder answered the 3-D Secure challenge."""
    if intent["status"] != "requires_action":
        return intent
    method = work.load("payment_method", intent["payment_method"], param="payment_method")
    intent["next_action"] = None
    if not passed:
        return decline(work, intent, method, "payment_intent_authentication_failure", None)
    method["_authenticated"] = True
    work.save(method)
    return _charge(work, intent, method)


def _charge(work: Work, intent: Json, method: Json) -> Json:
    behaviour = cards.behaviour_of(method["_number"]) or cards.Behaviour()
    if behaviour.decline is not None:
        return decline(work, intent, method, *behaviour.decline)
    if behaviour.delayed is not None:
        return _process(work, intent, method, behaviour.delayed)
    charge = new_charge(work, intent, method, status="succeeded")
    if intent["capture_method"] == "manual":
        charge["captured"] = False
        work.save(charge)
        _advance(intent, "requires_capture", charge)
        intent["amount_capturable"] = intent["amount"]
        work.save(intent)
        work.emit("charge.succeeded", charge)
        work.emit("payment_intent.amount_capturable_updated", intent)
        return intent
    work.save(charge)
    return _succeed(work, intent, charge, intent["amount"], behaviour)


def _succeed(
    work: Work, intent: Json, charge: Json, amount: int, behaviour: cards.Behaviour
) -> Json:
    """Money has moved: book it, then tell. The event of the charge precedes its booking."""
    captured_before = charge["captured"]
    charge.update(captured=True, amount_captured=amount, status="succeeded", paid=True)
    _advance(intent, "succeeded", charge)
    intent.update(amount_received=amount, amount_capturable=0, next_action=None)
    work.emit("charge.succeeded" if captured_before else "charge.captured", charge)
    _book(work, charge, behaviour)
    connect_charges.split(work, intent, charge)
    work.save(charge)
    work.save(intent)
    work.emit("charge.updated", charge, previous={"balance_transaction": None})
    work.emit("payment_intent.succeeded", intent)
    if behaviour.after in (*disputing.REASONS, "inquiry"):
        disputing.open_dispute(work, charge, behaviour.after)
    return intent


def _book(work: Work, charge: Json, behaviour: cards.Behaviour) -> None:
    amount = charge["amount_captured"]
    wait = 0 if behaviour.instant else work.settings.available_after
    entry = work.book(
        "charge",
        amount,
        charge["currency"],
        source=charge["id"],
        category="charge",
        description=charge["description"],
        fee=processing_fee(amount),
        available_on=work.now + wait,
    )
    charge["balance_transaction"] = entry["id"]


def _advance(intent: Json, status: str, charge: Json | None) -> None:
    states.check("payment_intent", states.INTENT, intent["status"], status)
    intent["status"] = status
    intent["_due"] = None
    if charge is not None:
        intent["latest_charge"] = charge["id"]


def _process(work: Work, intent: Json, method: Json, outcome: str) -> Json:
    """A bank debit: accepted now, known later."""
    charge = new_charge(work, intent, method, status="pending")
    work.save(charge)
    _advance(intent, "processing", charge)
    intent.update(_outcome=outcome, _due=work.now + work.settings.settle_after)
    work.save(intent)
    work.emit("charge.pending", charge)
    work.emit("payment_intent.processing", intent)
    return intent


def settle(work: Work, intent: Json, outcome: str | None = None) -> Json:
    """End ``processing``: ``succeeded``, or a decline code. Nothing happens in another state."""
    if intent["status"] != "processing":
        return intent
    result = outcome or intent["_outcome"]
    charge = work.load("charge", intent["latest_charge"])
    method = work.load("payment_method", intent["payment_method"])
    if result == "succeeded":
        return _succeed(work, intent, charge, intent["amount"], cards.Behaviour())
    return decline(work, intent, method, "payment_method_provider_decline", result, charge=charge)


def decline(
    work: Work,
    intent: Json,
    method: Json,
    code: str,
    decline_code: str | None,
    *,
    charge: Json | None = None,
) -> Json:
    """Record a failed attempt; the intent waits for another payment method."""
    words = cards.PLAIN_WORDS.get(decline_code or code, "The payment could not be authenticated.")
    error: Json = {"type": "card_error", "code": code, "message": words}
    error["doc_url"] = "https://docs.stripe.com/error-codes"
    if decline_code is not None:
        error["decline_code"] = decline_code
    advice = cards.ADVICE.get(decline_code or code)
    if advice is not None:
        error["advice_code"] = advice
    if not code.startswith("payment_intent"):
        failed = charge or new_charge(work, intent, method, status="failed")
        failed.update(status="failed", paid=False, captured=False, amount_captured=0)
        failed.update(
            failure_code=code, failure_message=words, outcome=_refused(code, decline_code, advice)
        )
        work.save(failed)
        intent["latest_charge"] = error["charge"] = failed["id"]
        work.emit("charge.failed", failed)
    else:
        error["type"] = "invalid_request_error"
    shown = {key: value for key, value in method.items() if not key.startswith("_")}
    error["payment_method"] = shown
    _advance(intent, "requires_payment_method", None)
    intent.update(last_payment_error=error, payment_method=None, next_action=None)
    work.save(intent)
    work.emit("payment_intent.payment_failed", intent)
    return intent


def raise_if_declined(intent: Json) -> None:
    """Turn a recorded decline into the 402 that the API answers; what was recorded stays."""
    error = intent["last_payment_error"]
    if error is None:
        return
    shown = {key: value for key, value in intent.items() if not key.startswith("_")}
    extra = {k: v for k, v in error.items() if k not in ("type", "message", "code", "doc_url")}
    raise ApiError(
        error["message"],
        status=402,
        kind="card_error",
        code=error["code"],
        commit=True,
        extra={**extra, "payment_intent": shown},
    )


def capture(work: Work, intent: Json, amount: int) -> Json:
    """Take up to what was authorised; the rest is released."""
    charge = work.load("charge", intent["latest_charge"])
    method = work.load("payment_method", intent["payment_method"])
    behaviour = cards.behaviour_of(method["_number"]) or cards.Behaviour()
    return _succeed(work, intent, charge, amount, behaviour)


def cancel(work: Work, intent: Json, reason: str | None) -> Json:
    """Give up; an authorisation is released without a balance transaction."""
    was_authorised = intent["status"] == "requires_capture"
    _advance(intent, "canceled", None)
    intent.update(
        canceled_at=work.now, cancellation_reason=reason, amount_capturable=0, next_action=None
    )
    if was_authorised:
        charge = work.load("charge", intent["latest_charge"])
        charge.update(refunded=True, amount_refunded=charge["amount"], _released=True)
        work.save(charge)
        work.emit("charge.refunded", charge, previous={"refunded": False})
    work.save(intent)
    work.emit("payment_intent.canceled", intent)
    return intent


def new_charge(work: Work, intent: Json, method: Json, *, status: str) -> Json:
    """A charge for the whole amount of an intent, not yet stored or booked."""
    paid = status == "succeeded"
    charge = work.new(
        "charge",
        "ch",
        {
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": intent["application_fee_amount"],
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "SANDBOX",
            "captured": paid,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "fraud_details": {},
            "metadata": dict(intent["metadata"]),
            "on_behalf_of": intent["on_behalf_of"],
            "outcome": _accepted(),
            "paid": paid,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": _details(method),
            "receipt_email": intent["receipt_email"],
            "receipt_number": None,
            "receipt_url": None,
            "refunded": False,
            "review": None,
            "shipping": intent["shipping"],
            "source_transfer": None,
            "statement_descriptor": intent["statement_descriptor"],
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
            "status": status,
            "transfer_data": intent["transfer_data"],
            "transfer_group": intent["transfer_group"],
        },
    )
    url = f"{work.settings.base_url}/hosted/receipt/{charge['id']}"
    charge["receipt_url"] = url if paid else None
    return charge


def _details(method: Json) -> Json:
    if method["type"] == "sepa_debit":
        debit = {k: v for k, v in method["sepa_debit"].items() if k != "generated_from"}
        return {"type": "sepa_debit", "sepa_debit": {**debit, "mandate": None}}
    if method["type"] != "card":
        bank = method["us_bank_account"]
        names = ("account_holder_type", "account_type", "bank_name", "last4", "routing_number")
        debit = {name: bank[name] for name in names}
        debit.update(fingerprint=bank["fingerprint"], payment_reference=None)
        return {"type": "us_bank_account", "us_bank_account": debit}
    card = method["card"]
    shown = {name: card[name] for name in _CARD_SHOWN}
    shown.update(
        authorization_code=ids.token(6),
        installments=None,
        mandate=None,
        network=card["brand"],
        network_token={"used": False},
        network_transaction_id=None,
        regulated_status=card["regulated_status"],
        three_d_secure=None,
    )
    return {"type": "card", "card": shown}


def _accepted() -> Json:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 10,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def _refused(code: str, decline_code: str | None, advice: str | None) -> Json:
    refused = {"network_status": "declined_by_network", "type": "issuer_declined"}
    refused |= {"advice_code": advice} if advice else {}
    return {**_accepted(), **refused, "reason": decline_code or code, "seller_message": "Declined."}
