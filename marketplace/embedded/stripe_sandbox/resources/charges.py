"""Reading charges, application fees, balances, balance transactions and events."""

from marketplace.embedded.stripe_sandbox.forms import (
    Form,
    ListOf,
    Metadata,
    Text,
    TimeRange,
    merge_metadata,
)
from marketplace.embedded.stripe_sandbox.routing import PAGE, Args, Route, listing, page, retrieval
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work


def update_charge(work: Work, args: Args, params: Json) -> Json:
    charge = work.load("charge", args["id"], param="charge", in_url=True)
    charge.update(
        {name: params[name] for name in ("description", "receipt_email") if name in params}
    )
    if "metadata" in params:
        charge["metadata"] = merge_metadata(charge["metadata"], params["metadata"])
    work.save(charge)
    work.emit("charge.updated", charge, previous={})
    return charge


def balance(work: Work, _args: Args, _params: Json) -> Json:
    rows = work.tx.sql.execute(
        "SELECT currency, sum(CASE WHEN available_on <= ? THEN net ELSE 0 END), sum(net)"
        " FROM balance_entry WHERE account = ? GROUP BY currency ORDER BY currency",
        (work.now, work.account),
    ).fetchall() or [("usd", 0, 0)]
    return {
        "object": "balance",
        "available": [_amount(currency, available) for currency, available, _ in rows],
        "livemode": False,
        "pending": [_amount(currency, total - available) for currency, available, total in rows],
    }


def _amount(currency: str, amount: int) -> Json:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def list_events(work: Work, _args: Args, params: Json) -> Json:
    where: Json = {}
    if params.get("type"):
        where["type"] = params["type"]
    if params.get("types"):
        where["type"] = params["types"]
    return page(work, "event", "/v1/events", params, where)


ROUTES = (
    retrieval("charge", "/v1/charges"),
    listing(
        "charge",
        "/v1/charges",
        {"customer": Text(), "payment_intent": Text(), "transfer_group": Text()},
    ),
    Route(
        "POST",
        "/v1/charges/{id}",
        update_charge,
        Form({"description": Text(), "receipt_email": Text(), "metadata": Metadata()}),
    ),
    Route("GET", "/v1/balance", balance),
    retrieval("balance_transaction", "/v1/balance_transactions"),
    listing(
        "balance_transaction",
        "/v1/balance_transactions",
        {"currency": Text(), "source": Text(), "type": Text()},
    ),
    retrieval("application_fee", "/v1/application_fees"),
    listing("application_fee", "/v1/application_fees", {"charge": Text()}),
    retrieval("event", "/v1/events"),
    Route(
        "GET",
        "/v1/events",
        list_events,
        Form({**PAGE, "created": TimeRange(), "type": Text(), "types": ListOf(of=Text(), most=20)}),
    ),
)
