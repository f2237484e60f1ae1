"""PaymentIntents: create, update, confirm, capture, cancel."""

from marketplace.embedded.stripe_sandbox import ids, money
from marketplace.embedded.stripe_sandbox.errors import ApiError, bad_parameter, wrong_state
from marketplace.embedded.stripe_sandbox.forms import (
    Anything,
    Bool,
    Choice,
    Currency,
    Field,
    Form,
    Group,
    Int,
    ListOf,
    Metadata,
    Text,
    Url,
    merge_metadata,
)
from marketplace.embedded.stripe_sandbox.resources import charging, completing, connect_charges
from marketplace.embedded.stripe_sandbox.resources.customers import (
    SHIPPING,
    find_method,
    full_shipping,
)
from marketplace.embedded.stripe_sandbox.routing import Args, Route, listing, retrieval
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work

METHOD_TYPES = ("card", "sepa_debit", "us_bank_account")
_USUAL_TYPES = ("card", "us_bank_account")
CAPTURE = Choice(of=("automatic", "automatic_async", "manual"))
OPTIONS = Group(
    of={
        "card": Group(
            of={"request_three_d_secure": Choice(of=("any", "automatic", "challenge"))},
        ),
        "us_bank_account": Anything(),
    }
)
SPLIT = Group(of={"destination": Text(required=True), "amount": Int()})
_DETAILS: dict[str, Field] = {
    "description": Text(),
    "metadata": Metadata(),
    "receipt_email": Text(longest=512),
    "setup_future_usage": Choice(of=("off_session", "on_session")),
    "shipping": SHIPPING,
    "statement_descriptor": Text(longest=22),
    "statement_descriptor_suffix": Text(longest=22),
    "transfer_group": Text(),
    "application_fee_amount": Int(),
    "payment_method": Text(),
    "payment_method_options": OPTIONS,
    "payment_method_types": ListOf(of=Choice(of=METHOD_TYPES)),
    "capture_method": CAPTURE,
    "customer": Text(),
}
_CONFIRM: dict[str, Field] = {
    "payment_method": Text(),
    "return_url": Url(),
    "off_session": Bool(),
    "error_on_requires_action": Bool(),
    "setup_future_usage": Choice(of=("off_session", "on_session")),
    "receipt_email": Text(longest=512),
    "payment_method_options": OPTIONS,
    "capture_method": CAPTURE,
    "use_stripe_sdk": Bool(),
}
_COPIED = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
    "application_fee_amount",
    "payment_method_options",
)
_CANCELABLE = (
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "requires_capture",
)


def build(work: Work, amount: int, currency: str, params: Json) -> Json:
    """A new intent from checked parameters, not yet stored; also used by Checkout."""
    check_amount(amount, currency, "amount")
    types = params.get("payment_method_types")
    if "sepa_debit" in (types or ()) and currency != "eur":
        raise bad_parameter("payment_method_types", "SEPA debits are in euros only.", code=None)
    automatic = params.get("automatic_payment_methods") or {}
    if types is None and automatic.get("enabled", work.named_version) is not False:
        enabled = {
            "enabled": True,
            "allow_redirects": automatic.get("allow_redirects") or "always",
        }
    else:
        enabled = None
    intent = work.new("payment_intent", "pi", _blank(amount, currency))
    intent.update(
        automatic_payment_methods=enabled,
        payment_method_types=types or (list(_USUAL_TYPES) if work.named_version else ["card"]),
        capture_method=params.get("capture_method") or "automatic_async",
        confirmation_method=params.get("confirmation_method") or "automatic",
        client_secret=f"{intent['id']}_secret_{ids.token(25)}",
        transfer_data=connect_charges.checked_split(work, params, amount),
        on_behalf_of=params.get("on_behalf_of"),
        _return_url=params.get("return_url"),
    )
    apply(work, intent, params)
    return intent


def check_amount(amount: int, currency: str, param: str) -> None:
    """Stripe's bounds: about half a dollar to 999,999.99."""
    if amount < money.smallest(currency):
        least = money.written(money.smallest(currency), currency)
        raise bad_parameter(param, f"Amount must be at least {least}.", code="amount_too_small")
    if amount > money.LARGEST:
        most = money.written(money.LARGEST, currency)
        raise bad_parameter(param, f"Amount must be at most {most}.", code="amount_too_large")


def _blank(amount: int, currency: str) -> Json:
    return {
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "currency": currency,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "metadata": {},
        "next_action": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_group": None,
    }


def apply(work: Work, intent: Json, params: Json) -> None:
    """Copy what may be given on create and update."""
    intent.update({name: params[name] for name in _COPIED if name in params})
    intent["payment_method_options"] = _options(intent["payment_method_options"])
    if "shipping" in params:
        intent["shipping"] = full_shipping(params["shipping"])
    if "metadata" in params:
        intent["metadata"] = merge_metadata(intent["metadata"], params["metadata"])
    if params.get("customer"):
        intent["customer"] = work.load("customer", params["customer"], param="customer")["id"]
    if params.get("payment_method"):
        _use_method(work, intent, params["payment_method"])


def _options(given: Json | None) -> Json:
    """Options for the card as answered; 3-D Secure is asked for by the test card alone."""
    card = (given or {}).get("card") or {}
    wish = card.get("request_three_d_secure") or "automatic"
    shown = {"installments": None, "mandate_options": None, "network": None}
    return {"card": {**shown, "request_three_d_secure": wish}}


def _use_method(work: Work, intent: Json, object_id: str) -> None:
    method = find_method(work, object_id)
    if method["type"] not in intent["payment_method_types"]:
        raise wrong_state(
            f"The payment intent does not take payment methods of type {method['type']}.",
            code="payment_intent_invalid_parameter",
        )
    if method.get("_spent"):
        raise wrong_state(
            "This payment method was used or detached before; attach one to a customer to use it "
            "again.",
            code="payment_method_unexpected_state",
        )
    if method["customer"] not in (None, intent["customer"]):
        raise wrong_state(
            "The payment method belongs to a customer; give that customer on the intent too.",
            code="payment_intent_invalid_parameter",
        )
    intent["payment_method"] = method["id"]
    if intent["status"] == "requires_payment_method":
        intent["status"] = "requires_confirmation"


def create(work: Work, _args: Args, params: Json) -> Json:
    if not params.get("confirm"):
        for name in ("return_url", "off_session", "error_on_requires_action"):
            if params.get(name):
                raise bad_parameter(name, f"{name} is only taken with confirm=true.", code=None)
    intent = build(work, params["amount"], params["currency"], params)
    work.save(intent)
    work.emit("payment_intent.created", intent)
    if params.get("confirm"):
        return _confirm(work, intent, params)
    return intent


def update(work: Work, args: Args, params: Json) -> Json:
    intent = work.load("payment_intent", args["id"], param="intent", in_url=True)
    fixed = {"amount", "currency", "customer", "payment_method", "payment_method_types"}
    if intent["status"] not in _CANCELABLE[:3] and fixed & params.keys():
        raise _unexpected(intent, "updated")
    if params.get("amount") is not None:
        check_amount(params["amount"], params.get("currency") or intent["currency"], "amount")
    for name in ("amount", "currency", "payment_method_types", "capture_method"):
        if params.get(name):
            intent[name] = params[name]
    apply(work, intent, params)
    return work.save(intent)


def confirm(work: Work, args: Args, params: Json) -> Json:
    intent = work.load("payment_intent", args["id"], param="intent", in_url=True)
    if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
        raise _unexpected(intent, "confirmed")
    apply(work, intent, {k: v for k, v in params.items() if k != "capture_method"})
    return _confirm(work, intent, params)


def _confirm(work: Work, intent: Json, params: Json) -> Json:
    if intent["payment_method"] is None:
        raise wrong_state(
            "The payment intent has no payment method: give one, or attach one and confirm again.",
            code="payment_intent_unexpected_state",
            extra={"payment_intent": _shown(intent)},
        )
    automatic = intent["automatic_payment_methods"]
    redirects = automatic is not None and automatic["allow_redirects"] == "always"
    intent["_return_url"] = params.get("return_url") or intent["_return_url"]
    off_session = bool(params.get("off_session"))
    if redirects and not intent["_return_url"] and not off_session:
        raise ApiError(
            "With automatic payment methods that may redirect, confirming needs a return_url; or "
            "set automatic_payment_methods[allow_redirects] to never.",
            param="return_url",
        )
    pay(work, intent, off_session=off_session or bool(params.get("error_on_requires_action")))
    charging.raise_if_declined(intent)
    return intent


def pay(work: Work, intent: Json, *, off_session: bool = False) -> Json:
    """Try the intent's payment method; keep it for the customer if that was asked for."""
    method = work.load("payment_method", intent["payment_method"], param="payment_method")
    charging.attempt(work, intent, method, off_session=off_session)
    completing.keep_method(work, intent)
    return intent


def capture(work: Work, args: Args, params: Json) -> Json:
    intent = work.load("payment_intent", args["id"], param="intent", in_url=True)
    if intent["status"] != "requires_capture":
        raise _unexpected(intent, "captured")
    wanted = params.get("amount_to_capture")
    amount = intent["amount_capturable"] if wanted is None else wanted
    if not 1 <= amount <= intent["amount_capturable"]:
        raise ApiError(
            f"The amount to capture must be at most {intent['amount_capturable']}.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    if "metadata" in params:
        intent["metadata"] = merge_metadata(intent["metadata"], params["metadata"])
    charging.capture(work, intent, amount)
    completing.complete(work, intent)
    return intent


def cancel(work: Work, args: Args, params: Json) -> Json:
    intent = work.load("payment_intent", args["id"], param="intent", in_url=True)
    if intent["status"] not in _CANCELABLE:
        raise _unexpected(intent, "canceled")
    if intent.get("_session") and intent["status"] != "requires_capture":
        raise wrong_state(
            "A payment intent made by Checkout can't be canceled; expire its session instead.",
            code="payment_intent_unexpected_state",
        )
    return charging.cancel(work, intent, params.get("cancellation_reason"))


def _unexpected(intent: Json, verb: str) -> ApiError:
    return wrong_state(
        f"This payment intent could not be {verb} because it has a status of {intent['status']}.",
        code="payment_intent_unexpected_state",
        extra={"payment_intent": _shown(intent)},
    )


def _shown(intent: Json) -> Json:
    return {key: value for key, value in intent.items() if not key.startswith("_")}


_CREATE: dict[str, Field] = {
    **_DETAILS,
    **_CONFIRM,
    "amount": Int(required=True, low=1),
    "currency": Currency(required=True),
    "confirm": Bool(),
    "mandate_data": Anything(),
    "confirmation_method": Choice(of=("automatic", "manual")),
    "on_behalf_of": Text(),
    "transfer_data": SPLIT,
    "automatic_payment_methods": Group(
        of={"enabled": Bool(required=False), "allow_redirects": Choice(of=("always", "never"))}
    ),
}

ROUTES = (
    Route("POST", "/v1/payment_intents", create, Form(_CREATE)),
    Route(
        "POST",
        "/v1/payment_intents/{id}",
        update,
        Form({**_DETAILS, "amount": Int(low=1), "currency": Currency()}),
    ),
    Route("POST", "/v1/payment_intents/{id}/confirm", confirm, Form(_CONFIRM)),
    Route(
        "POST",
        "/v1/payment_intents/{id}/capture",
        capture,
        Form({"amount_to_capture": Int(), "metadata": Metadata()}),
    ),
    Route(
        "POST",
        "/v1/payment_intents/{id}/cancel",
        cancel,
        Form(
            {
                "cancellation_reason": Choice(
                    of=("abandoned", "duplicate", "fraudulent", "requested_by_customer")
                )
            }
        ),
    ),
    retrieval("payment_intent", "/v1/payment_intents"),
    listing("payment_intent", "/v1/payment_intents", {"customer": Text()}),
)
