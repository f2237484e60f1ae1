"""Checkout Sessions in payment mode: what the API says about them.

The hosted page pays through ``paying``.
"""

from marketplace.embedded.stripe_sandbox import ids
from marketplace.embedded.stripe_sandbox.errors import (
    ApiError,
    bad_parameter,
    not_covered,
)
from marketplace.embedded.stripe_sandbox.forms import (
    Anything,
    Bool,
    Choice,
    Currency,
    Form,
    Group,
    Int,
    ListOf,
    Metadata,
    Text,
    Url,
    merge_metadata,
)
from marketplace.embedded.stripe_sandbox.resources import catalog, connect_charges, paying
from marketplace.embedded.stripe_sandbox.resources.customers import SHIPPING
from marketplace.embedded.stripe_sandbox.resources.intents import (
    CAPTURE,
    METHOD_TYPES,
    OPTIONS,
    SPLIT,
    check_amount,
)
from marketplace.embedded.stripe_sandbox.routing import (
    PAGE,
    Args,
    Route,
    listing,
    retrieval,
    slice_of,
)
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work

_SHORTEST, _LONGEST = 1_800, 86_400

_LINE = Group(
    of={
        "price": Text(),
        "price_data": Group(of=catalog.PRICE),
        "quantity": Int(low=0, high=999_999),
        "metadata": Metadata(),
    }
)
_INTENT_DATA = Group(
    of={
        "application_fee_amount": Int(),
        "capture_method": CAPTURE,
        "description": Text(),
        "metadata": Metadata(),
        "on_behalf_of": Text(),
        "receipt_email": Text(),
        "setup_future_usage": Choice(of=("off_session", "on_session")),
        "shipping": SHIPPING,
        "statement_descriptor": Text(longest=22),
        "statement_descriptor_suffix": Text(longest=22),
        "transfer_data": SPLIT,
        "transfer_group": Text(),
    }
)
_SAVED = Group(
    of={
        "allow_redisplay_filters": ListOf(of=Choice(of=("always", "limited", "unspecified"))),
        "payment_method_save": Choice(of=("enabled", "disabled")),
        "payment_method_remove": Choice(of=("enabled", "disabled")),
    }
)
_CREATE = Form(
    {
        "mode": Choice(of=("payment", "setup", "subscription"), required=True),
        "ui_mode": Choice(of=("hosted_page", "embedded_page", "elements")),
        "line_items": ListOf(of=_LINE),
        "success_url": Url(),
        "cancel_url": Url(),
        "expires_at": Int(),
        "customer": Text(),
        "customer_email": Text(longest=800),
        "customer_creation": Choice(of=("always", "if_required")),
        "client_reference_id": Text(longest=200),
        "metadata": Metadata(),
        "payment_intent_data": _INTENT_DATA,
        "payment_method_types": ListOf(of=Choice(of=METHOD_TYPES)),
        "currency": Currency(),
        "locale": Text(),
        "submit_type": Choice(of=("auto", "book", "donate", "pay")),
        "billing_address_collection": Choice(of=("auto", "required")),
        "allow_promotion_codes": Bool(),
        "automatic_tax": Group(of={"enabled": Bool(required=False)}),
        "adaptive_pricing": Anything(),
        "payment_method_options": OPTIONS,
        "phone_number_collection": Group(of={"enabled": Bool()}),
        "saved_payment_method_options": _SAVED,
    }
)


def create(work: Work, _args: Args, params: Json) -> Json:
    _check(work, params)
    lines = [_line(work, line, n) for n, line in enumerate(params.get("line_items") or [])]
    currencies = {line["currency"] for line in lines}
    if len(currencies) != 1:
        raise bad_parameter(
            "line_items", "A session needs line items, all in one currency.", code=None
        )
    currency = currencies.pop()
    total = sum(line["amount_total"] for line in lines)
    if total:
        check_amount(total, currency, "line_items")
    connect_charges.checked_split(work, params.get("payment_intent_data") or {}, total)
    session = work.new("checkout.session", "cs_test", _blank(), length=58)
    session.update(
        amount_subtotal=total,
        amount_total=total,
        currency=currency,
        expires_at=params.get("expires_at") or work.now + _LONGEST,
        metadata=merge_metadata({}, params.get("metadata") or {}),
        payment_method_types=params.get("payment_method_types") or _usual_types(work),
        payment_status="unpaid" if total else "no_payment_required",
        url=f"{work.settings.base_url}/c/pay/{session['id']}",
        _line_items=lines,
        _intent_data=params.get("payment_intent_data") or {},
    )
    session["_due"] = session["expires_at"]
    for name in ("cancel_url", "client_reference_id", "customer", "locale", "success_url"):
        session[name] = params.get(name)
    session["customer_email"] = params.get("customer_email")
    session["submit_type"] = params.get("submit_type")
    session["saved_payment_method_options"] = _saved_options(params)
    session["billing_address_collection"] = params.get("billing_address_collection")
    session["customer_creation"] = params.get("customer_creation") or "if_required"
    if session["customer"]:
        session["customer_creation"] = None
        customer = work.load("customer", session["customer"], param="customer")
        session["customer_details"] = paying.details_of(customer["email"], customer["name"])
    elif session["customer_email"]:
        session["customer_details"] = paying.details_of(session["customer_email"], None)
    return work.save(session)


def _usual_types(work: Work) -> list[str]:
    return ["card", "us_bank_account"] if work.settings.bank_debits else ["card"]


def _saved_options(params: Json) -> Json | None:
    """How the page treats cards that are kept for a customer; those kept for ever are offered."""
    given = params.get("saved_payment_method_options")
    if given is None and not params.get("customer"):
        return None
    usual = {
        "allow_redisplay_filters": ["always"],
        "payment_method_remove": "disabled",
        "payment_method_save": None,
    }
    return {**usual, **(given or {})}


def _check(work: Work, params: Json) -> None:
    if params["mode"] != "payment":
        raise not_covered(f"Checkout in {params['mode']} mode")
    if params.get("ui_mode") not in (None, "hosted_page"):
        raise not_covered(f"Checkout with ui_mode {params['ui_mode']}")
    if (params.get("automatic_tax") or {}).get("enabled"):
        raise not_covered("Automatic tax")
    if not params.get("success_url"):
        raise bad_parameter(
            "success_url", "Missing required param: success_url.", code="parameter_missing"
        )
    if params.get("customer") and params.get("customer_email"):
        raise bad_parameter(
            "customer_email", "Give customer or customer_email, not both.", code=None
        )
    if params.get("customer"):
        work.load("customer", params["customer"], param="customer")
    at = params.get("expires_at")
    if at is not None and not work.now + _SHORTEST <= at <= work.now + _LONGEST:
        raise bad_parameter(
            "expires_at",
            "expires_at must lie between 30 minutes and 24 hours after the session's creation.",
            code=None,
        )


def _line(work: Work, given: Json, number: int) -> Json:
    within = f"line_items[{number}]"
    if bool(given.get("price")) == bool(given.get("price_data")):
        raise bad_parameter(
            f"{within}[price]", "Give either price or price_data.", code="parameter_missing"
        )
    if given.get("quantity") is None:
        raise bad_parameter(
            f"{within}[quantity]", "Missing required param: quantity.", code="parameter_missing"
        )
    if given.get("price"):
        price = work.load("price", given["price"], param=f"{within}[price]")
    else:
        price = catalog.new_price(work, given["price_data"], within=f"{within}[price_data]")
    product = work.load("product", price["product"])
    amount = price["unit_amount"] * given["quantity"]
    return {
        "id": ids.new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product["description"] or product["name"],
        "metadata": given.get("metadata") or {},
        "price": {key: value for key, value in price.items() if not key.startswith("_")},
        "quantity": given["quantity"],
        "_name": product["name"],
    }


def _blank() -> Json:
    return {
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer_account": None,
        "customer_details": None,
        "discounts": [],
        "invoice": None,
        "invoice_creation": None,
        "mode": "payment",
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "redirect_on_completion": "always",
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "subscription": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "wallet_options": None,
    }


def update(work: Work, args: Args, params: Json) -> Json:
    session = work.load("checkout.session", args["id"], param="session", in_url=True)
    session["metadata"] = merge_metadata(session["metadata"], params.get("metadata", {}))
    return work.save(session)


def expire(work: Work, args: Args, _params: Json) -> Json:
    session = work.load("checkout.session", args["id"], param="session", in_url=True)
    if session["status"] != "open":
        raise ApiError(
            f"Only open sessions can be expired; this one is {session['status']}.",
            code="checkout_session_not_open",
        )
    return paying.expire(work, session)


def line_items(work: Work, args: Args, params: Json) -> Json:
    session = work.load("checkout.session", args["id"], param="session", in_url=True)
    shown = [{k: v for k, v in line.items() if k != "_name"} for line in session["_line_items"]]
    return slice_of(shown, f"/v1/checkout/sessions/{session['id']}/line_items", params)


ROUTES = (
    Route("POST", "/v1/checkout/sessions", create, _CREATE),
    Route("POST", "/v1/checkout/sessions/{id}", update, Form({"metadata": Metadata()})),
    Route("POST", "/v1/checkout/sessions/{id}/expire", expire),
    Route("GET", "/v1/checkout/sessions/{id}/line_items", line_items, Form(PAGE)),
    retrieval("checkout.session", "/v1/checkout/sessions"),
    listing(
        "checkout.session",
        "/v1/checkout/sessions",
        {"customer": Text(), "payment_intent": Text(), "status": Text()},
    ),
)
