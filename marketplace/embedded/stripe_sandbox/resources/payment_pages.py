"""The hosted page without a browser, as the official command-line client pays on it.

Not in Stripe's published document: `stripe trigger` plays the payer through these addresses. What
they do is what the page does.
"""

from marketplace.embedded.stripe_sandbox.errors import bad_parameter
from marketplace.embedded.stripe_sandbox.forms import Form, Int, Text
from marketplace.embedded.stripe_sandbox.resources import charging, customers, paying
from marketplace.embedded.stripe_sandbox.routing import Args, Route
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work

URL = "/v1/payment_pages/{id}"


def retrieve(work: Work, args: Args, _params: Json) -> Json:
    return work.load("checkout.session", args["id"], param="session", in_url=True)


def confirm(work: Work, args: Args, params: Json) -> Json:
    session = retrieve(work, args, params)
    expected = params.get("expected_amount")
    if expected is not None and expected != session["amount_total"]:
        raise bad_parameter(
            "expected_amount", f"The session's amount is {session['amount_total']}.", code=None
        )
    method = customers.find_method(work, params["payment_method"])
    details, billing = method.get("card") or {}, method["billing_details"]
    typed = paying.Card(
        method["_number"],
        details.get("exp_month") or 0,
        details.get("exp_year") or 0,
        email=billing["email"],
        name=billing["name"],
    )
    intent = paying.pay(work, session, typed)
    charging.raise_if_declined(intent)
    return work.load("checkout.session", session["id"])


ROUTES = (
    Route("GET", URL, retrieve),
    Route(
        "POST",
        f"{URL}/confirm",
        confirm,
        Form({"payment_method": Text(required=True), "expected_amount": Int()}),
    ),
)
