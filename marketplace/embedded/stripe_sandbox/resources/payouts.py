"""Payouts from a balance to a bank account; they arrive later, or fail and come back."""

from marketplace.embedded.stripe_sandbox import money, states
from marketplace.embedded.stripe_sandbox.errors import ApiError
from marketplace.embedded.stripe_sandbox.forms import (
    Choice,
    Currency,
    Form,
    Int,
    Metadata,
    Text,
    merge_metadata,
)
from marketplace.embedded.stripe_sandbox.resources.accounts import own
from marketplace.embedded.stripe_sandbox.routing import Args, Route, listing, retrieval
from marketplace.embedded.stripe_sandbox.shapes import Json
from marketplace.embedded.stripe_sandbox.work import Work


def create(work: Work, _args: Args, params: Json) -> Json:
    account = own(work, {}, {})
    banks = account["external_accounts"]["data"]
    if not account["payouts_enabled"] or not banks:
        raise ApiError(
            "This account can't be paid out: payouts are disabled, or it has no bank account.",
            code="payouts_not_allowed",
        )
    amount, currency = params["amount"], params["currency"]
    if work.balance(currency, available_only=True) < amount:
        raise ApiError(
            f"The available balance does not cover {money.written(amount, currency)}.",
            code="balance_insufficient",
            param="amount",
        )
    payout = _new(work, params, banks[0]["id"])
    entry = work.book(
        "payout",
        -amount,
        currency,
        source=payout["id"],
        category="payout",
        description="STRIPE PAYOUT",
    )
    payout["balance_transaction"] = entry["id"]
    work.save(payout)
    work.emit("payout.created", payout)
    return payout


def _new(work: Work, params: Json, bank: str) -> Json:
    return work.new(
        "payout",
        "po",
        {
            "amount": params["amount"],
            "application_fee": None,
            "application_fee_amount": None,
            "arrival_date": work.now + work.settings.settle_after,
            "automatic": False,
            "currency": params["currency"],
            "description": params.get("description"),
            "destination": bank,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "metadata": merge_metadata({}, params.get("metadata") or {}),
            "method": "standard",
            "original_payout": None,
            "payout_method": None,
            "reconciliation_status": "not_applicable",
            "reversed_by": None,
            "source_type": "card",
            "statement_descriptor": params.get("statement_descriptor"),
            "status": "pending",
            "trace_id": None,
            "type": "bank_account",
            "_due": work.now + work.settings.settle_after,
        },
    )


def arrive(work: Work, payout: Json) -> Json:
    """The bank has it."""
    states.check("payout", states.PAYOUT, payout["status"], "paid")
    before = payout["status"]
    payout.update(status="paid", _due=None)
    work.save(payout)
    work.emit("payout.updated", payout, previous={"status": before})
    work.emit("payout.paid", payout)
    return payout


def fail(work: Work, payout: Json, code: str = "account_closed") -> Json:
    """The bank sent it back, perhaps days after it was called paid."""
    states.check("payout", states.PAYOUT, payout["status"], "failed")
    entry = _come_back(work, payout, "payout_failure")
    payout.update(
        status="failed",
        failure_code=code,
        failure_message="The bank account does not take this payout.",
        failure_balance_transaction=entry["id"],
        _due=None,
    )
    work.save(payout)
    work.emit("payout.failed", payout)
    return payout


def _come_back(work: Work, payout: Json, kind: str) -> Json:
    return work.book(
        kind,
        payout["amount"],
        payout["currency"],
        source=payout["id"],
        category="payout_reversal",
        description=kind.replace("_", " ").upper(),
    )


def cancel(work: Work, args: Args, _params: Json) -> Json:
    payout = work.load("payout", args["id"], param="payout", in_url=True)
    states.check("payout", states.PAYOUT, payout["status"], "canceled")
    entry = _come_back(work, payout, "payout_cancel")
    payout.update(status="canceled", failure_balance_transaction=entry["id"], _due=None)
    work.save(payout)
    work.emit("payout.canceled", payout)
    return payout


def update(work: Work, args: Args, params: Json) -> Json:
    payout = work.load("payout", args["id"], param="payout", in_url=True)
    payout["metadata"] = merge_metadata(payout["metadata"], params.get("metadata", {}))
    work.save(payout)
    work.emit("payout.updated", payout, previous={})
    return payout


ROUTES = (
    Route(
        "POST",
        "/v1/payouts",
        create,
        Form(
            {
                "amount": Int(required=True, low=1),
                "currency": Currency(required=True),
                "description": Text(),
                "metadata": Metadata(),
                "method": Choice(of=("standard",)),
                "source_type": Choice(of=("card",)),
                "statement_descriptor": Text(longest=22),
            }
        ),
    ),
    Route("POST", "/v1/payouts/{id}", update, Form({"metadata": Metadata()})),
    Route("POST", "/v1/payouts/{id}/cancel", cancel),
    retrieval("payout", "/v1/payouts"),
    listing("payout", "/v1/payouts", {"destination": Text(), "status": Text()}),
)
