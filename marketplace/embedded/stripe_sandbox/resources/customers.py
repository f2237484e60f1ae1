"""Customers, and the payment methods that are kept for them."""

from datetime import UTC, datetime

from marketplace.embedded.stripe_sandbox import cards, ids
from marketplace.embedded.stripe_sandbox.errors import (
    ApiError,
    bad_parameter,
    no_such,
    not_covered,
    wrong_state,
)
from marketplace.embedded.stripe_sandbox.forms import (
    Anything,
    Choice,
    Form,
    Group,
    Int,
    ListOf,
    Metadata,
    Text,
    merge_metadata,
)
from marketplace.embedded.stripe_sandbox.routing import PAGE, Args, Route, listing, page, retrieval
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work

ADDRESS = Group(
    of={name: Text() for name in ("city", "country", "line1", "line2", "postal_code", "state")}
)
SHIPPING = Group(of={"name": Text(), "phone": Text(), "carrier": Text(), "address": ADDRESS})
_CUSTOMER = {
    "email": Text(longest=512),
    "name": Text(longest=256),
    "phone": Text(longest=20),
    "description": Text(),
    "address": ADDRESS,
    "shipping": SHIPPING,
    "metadata": Metadata(),
    "preferred_locales": ListOf(of=Text()),
    "tax_exempt": Choice(of=("none", "exempt", "reverse")),
    "invoice_settings": Group(of={"default_payment_method": Text()}),
}
_PLAIN = ("email", "name", "phone", "description", "preferred_locales", "tax_exempt")
_CARD_LENGTHS, _MONTHS, _CENTURY = range(12, 20), range(1, 13), 100


def full_address(given: Json | None) -> Json | None:
    """An address with every line named, as Stripe answers it."""
    return None if given is None else {name: given.get(name) for name in ADDRESS.of}


def full_shipping(given: Json | None) -> Json | None:
    if given is None:
        return None
    return {**given, "address": full_address(given.get("address") or {})}


def create_customer(work: Work, _args: Args, params: Json) -> Json:
    customer = work.new(
        "customer",
        "cus",
        {
            "address": None,
            "balance": 0,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "discount": None,
            "email": None,
            "invoice_prefix": ids.token(8).upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "metadata": {},
            "name": None,
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        },
        length=14,
    )
    method = params.pop("payment_method", None)
    _apply(work, customer, params)
    work.save(customer)
    if method:
        attach(work, find_method(work, method), customer["id"])
    work.emit("customer.created", customer)
    return customer


def _apply(work: Work, customer: Json, params: Json) -> None:
    customer.update({name: params[name] for name in _PLAIN if name in params})
    customer["tax_exempt"] = customer["tax_exempt"] or "none"
    if "address" in params:
        customer["address"] = full_address(params["address"])
    if "shipping" in params:
        customer["shipping"] = full_shipping(params["shipping"])
    if "metadata" in params:
        customer["metadata"] = merge_metadata(customer["metadata"], params["metadata"])
    default = (params.get("invoice_settings") or {}).get("default_payment_method")
    if default:
        method = work.load("payment_method", default, param="invoice_settings")
        if method["customer"] != customer["id"]:
            raise wrong_state(
                "The payment method must be attached to the customer.", code="resource_missing"
            )
        customer["invoice_settings"]["default_payment_method"] = default


def update_customer(work: Work, args: Args, params: Json) -> Json:
    customer = work.load("customer", args["id"], in_url=True)
    _apply(work, customer, params)
    work.save(customer)
    work.emit("customer.updated", customer, previous={})
    return customer


def retrieve_customer(work: Work, args: Args, _params: Json) -> Json:
    gone = work.tx.get("deleted_customer", args["id"], work.account)
    if gone is not None:
        return _tombstone(args["id"])
    return work.load("customer", args["id"], in_url=True)


def delete_customer(work: Work, args: Args, _params: Json) -> Json:
    customer = work.load("customer", args["id"], in_url=True)
    for method in work.tx.select("payment_method", work.account, {"customer": customer["id"]}):
        work.save({**method, "customer": None, "_spent": True})
    work.emit("customer.deleted", customer)
    work.tx.delete(customer["id"])
    work.save({**customer, "object": "deleted_customer"})
    return _tombstone(customer["id"])


def _tombstone(object_id: str) -> Json:
    return {"id": object_id, "object": "customer", "deleted": True}


def new_method(work: Work, number: str, exp_month: int, exp_year: int, billing: Json) -> Json:
    """A stored PaymentMethod for a test number; raises Stripe's ``card_error`` for a bad one."""
    behaviour = cards.behaviour_of(number)
    if number not in cards.BANKS:
        _check_card(number, exp_month, exp_year, work.now)
    if behaviour is None:
        raise ApiError(
            "This sandbox takes Stripe's test numbers only, such as 4242 4242 4242 4242.",
            status=402,
            kind="card_error",
            code="card_declined",
            extra={"decline_code": "test_mode_live_card"},
        )
    details = cards.method_details(number, exp_month, exp_year, behaviour=behaviour)
    method = work.new(
        "payment_method",
        "pm",
        {
            "allow_redisplay": "unspecified",
            "billing_details": {
                "address": full_address(billing.get("address") or {}),
                "email": billing.get("email"),
                "name": billing.get("name"),
                "phone": billing.get("phone"),
                "tax_id": None,
            },
            "customer": None,
            "customer_account": None,
            "metadata": {},
            "_number": number,
            **details,
        },
    )
    return work.save(method)


def _check_card(number: str, exp_month: int, exp_year: int, now: int) -> None:
    code = None
    today = datetime.fromtimestamp(now, UTC)
    if len(number) not in _CARD_LENGTHS or not cards.passes_luhn(number):
        code, param = "incorrect_number", "number"
    elif exp_month not in _MONTHS:
        code, param = "invalid_expiry_month", "exp_month"
    elif (exp_year, exp_month) < (today.year, today.month) or exp_year > today.year + 50:
        code, param = "invalid_expiry_year", "exp_year"
    if code is not None:
        words = cards.PLAIN_WORDS.get(code, "The card's expiry date is invalid.")
        raise ApiError(words, status=402, kind="card_error", code=code, param=param)


def find_method(work: Work, object_id: str, *, param: str = "payment_method") -> Json:
    """A stored payment method, or a new one for a ready-made test name (``pm_card_visa``)."""
    if object_id in cards.NAMED:
        next_year = datetime.fromtimestamp(work.now, UTC).year + 1
        return new_method(work, cards.NAMED[object_id], 12, next_year, {})
    return work.load("payment_method", object_id, param=param)


def attach(work: Work, method: Json, customer: str) -> Json:
    """Keep a payment method for a customer; one that was used up or detached stays useless."""
    if method.get("_spent") or method["customer"] not in (None, customer):
        raise wrong_state(
            "This payment method was used without a customer, detached, or belongs to another "
            "customer; it can't be used again.",
            code="payment_method_unexpected_state",
        )
    method["customer"] = customer
    work.save(method)
    work.emit("payment_method.attached", method)
    return method


def full_year(year: int) -> int:
    """A year of two digits stands for one of this century."""
    return year + 2000 if year < _CENTURY else year


def create_method(work: Work, _args: Args, params: Json) -> Json:
    billing = params.get("billing_details") or {}
    if params["type"] == "sepa_debit":
        return _new_debit(work, (params.get("sepa_debit") or {}).get("iban") or "", billing)
    if params["type"] != "card":
        raise not_covered(f"Creating payment methods of type {params['type']}")
    card = params.get("card") or {}
    if card.get("token"):
        named = "pm_card_" + card["token"].removeprefix("tok_")
        return find_method(work, named, param="card[token]")
    if not card.get("number"):
        raise ApiError("Missing card details.", code="parameter_missing", param="card")
    year = full_year(card.get("exp_year") or 0)
    return new_method(work, card["number"], card.get("exp_month") or 0, year, billing)


def _new_debit(work: Work, iban: str, billing: Json) -> Json:
    behaviour = cards.BANKS.get(iban)
    if behaviour is None or behaviour.debit != "sepa_debit":
        raise bad_parameter(
            "sepa_debit[iban]",
            "This sandbox takes Stripe's test IBANs only, such as AT611904300234573201.",
            code="invalid_bank_account_iban",
        )
    return new_method(work, iban, 0, 0, billing)


def attach_method(work: Work, args: Args, params: Json) -> Json:
    work.load("customer", params["customer"], param="customer")
    return attach(work, find_method(work, args["id"]), params["customer"])


def detach_method(work: Work, args: Args, _params: Json) -> Json:
    method = work.load("payment_method", args["id"], in_url=True)
    if method["customer"] is None:
        raise wrong_state("The payment method is not attached.", code="resource_missing")
    method.update(customer=None, _spent=True)
    work.save(method)
    work.emit("payment_method.detached", method, previous={})
    return method


def list_methods_of(work: Work, args: Args, params: Json) -> Json:
    customer = work.load("customer", args["id"], in_url=True)
    where = {"customer": customer["id"]} | ({"type": params["type"]} if "type" in params else {})
    url = f"/v1/customers/{customer['id']}/payment_methods"
    return page(work, "payment_method", url, params, where)


def method_of(work: Work, args: Args, _params: Json) -> Json:
    method = work.load("payment_method", args["method"], in_url=True)
    if method["customer"] != args["id"]:
        raise no_such("payment_method", args["method"], in_url=True)
    return method


_CARD = Group(
    of={
        "number": Text(),
        "exp_month": Int(),
        "exp_year": Int(),
        "cvc": Text(),
        "token": Text(),
        "networks": Anything(),
    }
)
_BILLING = Group(of={"address": ADDRESS, "email": Text(), "name": Text(), "phone": Text()})

ROUTES = (
    Route("POST", "/v1/customers", create_customer, Form({**_CUSTOMER, "payment_method": Text()})),
    Route("GET", "/v1/customers/{id}", retrieve_customer),
    Route("POST", "/v1/customers/{id}", update_customer, Form(_CUSTOMER)),
    Route("DELETE", "/v1/customers/{id}", delete_customer),
    listing("customer", "/v1/customers", {"email": Text()}),
    Route(
        "GET",
        "/v1/customers/{id}/payment_methods",
        list_methods_of,
        Form({**PAGE, "type": Text(), "allow_redisplay": Text()}),
    ),
    Route("GET", "/v1/customers/{id}/payment_methods/{method}", method_of),
    Route(
        "POST",
        "/v1/payment_methods",
        create_method,
        Form(
            {
                "type": Text(required=True),
                "card": _CARD,
                "sepa_debit": Group(of={"iban": Text(required=True)}),
                "billing_details": _BILLING,
                "metadata": Metadata(),
                "allow_redisplay": Text(),
            }
        ),
    ),
    retrieval("payment_method", "/v1/payment_methods"),
    listing("payment_method", "/v1/payment_methods", {"customer": Text(), "type": Text()}),
    Route(
        "POST",
        "/v1/payment_methods/{id}/attach",
        attach_method,
        Form({"customer": Text(required=True)}),
    ),
    Route("POST", "/v1/payment_methods/{id}/detach", detach_method),
)
