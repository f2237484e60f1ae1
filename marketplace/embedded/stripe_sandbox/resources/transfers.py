"""Transfers to connected accounts, and their reversals."""

from marketplace.embedded.stripe_sandbox import money
from marketplace.embedded.stripe_sandbox.errors import ApiError, no_such
from marketplace.embedded.stripe_sandbox.forms import (
    Choice,
    Currency,
    Form,
    Int,
    Metadata,
    Text,
    merge_metadata,
)
from marketplace.embedded.stripe_sandbox.resources import moving
from marketplace.embedded.stripe_sandbox.routing import PAGE, Args, Route, listing, page, retrieval
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work


def create(work: Work, _args: Args, params: Json) -> Json:
    account = moving.destination(work, params["destination"], "destination")
    source = None
    amount: int | None = params.get("amount")
    if params.get("source_transaction"):
        source = work.load("charge", params["source_transaction"], param="source_transaction")
        amount = _within_charge(work, source, amount)
    if amount is None:
        raise ApiError(
            "Missing required param: amount.",
            code="parameter_missing",
            param="amount",
            stored=False,
        )
    currency = params["currency"]
    if source is None and work.balance(currency, available_only=True) < amount:
        raise ApiError(
            f"The available balance does not cover {money.written(amount, currency)}. Give "
            "source_transaction to transfer money that is still pending.",
            code="balance_insufficient",
        )
    if source is not None and source["currency"] != currency:
        raise ApiError("The currency is not the source charge's.", param="currency")
    return moving.move(
        work,
        amount,
        currency,
        account["id"],
        source=source,
        group=params.get("transfer_group") or (source or {}).get("transfer_group"),
        description=params.get("description"),
        metadata=merge_metadata({}, params.get("metadata") or {}),
    )


def _within_charge(work: Work, charge: Json, amount: int | None) -> int:
    """What may still be transferred out of a charge; all transfers out of it count."""
    if not charge["captured"] or not charge["balance_transaction"]:
        raise ApiError("The source charge is not captured.", param="source_transaction")
    used = work.tx.sql.execute(
        "SELECT coalesce(sum(json_extract(body, '$.amount')), 0) FROM object"
        " WHERE kind = 'transfer' AND account = ?"
        " AND json_extract(body, '$.source_transaction') = ?",
        (work.account, charge["id"]),
    ).fetchone()[0]
    left = int(charge["amount_captured"] - used)
    wanted = left if amount is None else amount
    if not 1 <= wanted <= left:
        raise ApiError(
            f"Transfers out of this charge can take {left} more at most.",
            code="transfers_exceed_charge",
            param="amount",
        )
    return wanted


def update(work: Work, args: Args, params: Json) -> Json:
    transfer = work.load("transfer", args["id"], param="transfer", in_url=True)
    if "description" in params:
        transfer["description"] = params["description"]
    if "metadata" in params:
        transfer["metadata"] = merge_metadata(transfer["metadata"], params["metadata"])
    work.save(transfer)
    work.emit("transfer.updated", transfer, previous={})
    return transfer


def reverse(work: Work, args: Args, params: Json) -> Json:
    transfer = work.load("transfer", args["id"], param="transfer", in_url=True)
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = left if params.get("amount") is None else params["amount"]
    metadata = merge_metadata({}, params.get("metadata") or {})
    return moving.reverse(
        work, transfer, amount, metadata=metadata, description=params.get("description")
    )


def list_reversals(work: Work, args: Args, params: Json) -> Json:
    transfer = work.load("transfer", args["id"], param="transfer", in_url=True)
    url = f"/v1/transfers/{transfer['id']}/reversals"
    return page(work, "transfer_reversal", url, params, {"transfer": transfer["id"]})


def _reversal(work: Work, args: Args) -> Json:
    reversal = work.load("transfer_reversal", args["reversal"], in_url=True)
    if reversal["transfer"] != args["id"]:
        raise no_such("transfer_reversal", args["reversal"], in_url=True)
    return reversal


def retrieve_reversal(work: Work, args: Args, _params: Json) -> Json:
    return _reversal(work, args)


def update_reversal(work: Work, args: Args, params: Json) -> Json:
    reversal = _reversal(work, args)
    reversal["metadata"] = merge_metadata(reversal["metadata"], params.get("metadata", {}))
    return work.save(reversal)


_NOTE = {"description": Text(), "metadata": Metadata()}
ROUTES = (
    Route(
        "POST",
        "/v1/transfers",
        create,
        Form(
            {
                **_NOTE,
                "amount": Int(low=1),
                "currency": Currency(required=True),
                "destination": Text(required=True),
                "source_transaction": Text(),
                "source_type": Choice(of=("card",)),
                "transfer_group": Text(),
            }
        ),
    ),
    Route("POST", "/v1/transfers/{id}", update, Form(_NOTE)),
    Route("POST", "/v1/transfers/{id}/reversals", reverse, Form({**_NOTE, "amount": Int(low=1)})),
    Route("GET", "/v1/transfers/{id}/reversals", list_reversals, Form(PAGE)),
    Route("GET", "/v1/transfers/{id}/reversals/{reversal}", retrieve_reversal),
    Route(
        "POST",
        "/v1/transfers/{id}/reversals/{reversal}",
        update_reversal,
        Form({"metadata": Metadata()}),
    ),
    retrieval("transfer", "/v1/transfers"),
    listing("transfer", "/v1/transfers", {"destination": Text(), "transfer_group": Text()}),
)
