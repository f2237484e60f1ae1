"""Refunds: partial, several, never more than was captured; pending ones that settle or fail."""

from marketplace.embedded.stripe_sandbox import cards, money, states
from marketplace.embedded.stripe_sandbox.errors import ApiError, wrong_state
from marketplace.embedded.stripe_sandbox.forms import (
    Bool,
    Choice,
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

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def create(work: Work, _args: Args, params: Json) -> Json:
    charge = _charge(work, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = left if params.get("amount") is None else params["amount"]
    _check(work, charge, amount, left)
    refund = _new(work, charge, amount, params)
    entry = work.book(
        "refund",
        -amount,
        charge["currency"],
        source=refund["id"],
        category="refund",
        description="REFUND FOR CHARGE",
    )
    refund["balance_transaction"] = entry["id"]
    before = charge["amount_refunded"]
    charge["amount_refunded"] = before + amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    work.save(charge)
    if params.get("reverse_transfer"):
        refund["transfer_reversal"] = _pull_back(work, charge, refund, amount)
    work.save(refund)
    work.emit("refund.created", refund)
    work.emit("charge.refunded", charge, previous={"amount_refunded": before})
    return refund


def _charge(work: Work, params: Json) -> Json:
    """The charge to refund, from ``charge`` or ``payment_intent`` (one of them)."""
    charge_id, intent_id = params.get("charge"), params.get("payment_intent")
    if not charge_id and not intent_id:
        raise ApiError(
            "One of charge and payment_intent must be given.",
            code="parameter_missing",
            param="payment_intent",
            stored=False,
        )
    if intent_id:
        intent = work.load("payment_intent", intent_id, param="payment_intent")
        if charge_id and intent["latest_charge"] != charge_id:
            raise ApiError("The charge is not this payment intent's.", param="charge")
        charge_id = intent["latest_charge"]
        if intent["status"] != "succeeded":
            raise wrong_state(
                "This payment intent has no successful charge to refund.",
                code="payment_intent_unexpected_state",
            )
    return work.load("charge", str(charge_id), param="charge")


def _check(work: Work, charge: Json, amount: int, left: int) -> None:
    if not charge["paid"] or not charge["captured"]:
        raise ApiError("Only a captured charge can be refunded.", param="charge")
    if charge["disputed"] and not _refundable_despite_dispute(work, charge):
        raise wrong_state(f"Charge {charge['id']} is disputed.", code="charge_disputed")
    if left == 0:
        raise wrong_state(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    if amount > left:
        currency = charge["currency"]
        raise ApiError(
            f"The refund ({money.written(amount, currency)}) is greater than what is left of the "
            f"charge ({money.written(left, currency)}).",
            param="amount",
        )


def _refundable_despite_dispute(work: Work, charge: Json) -> bool:
    disputes = work.tx.select("dispute", work.account, {"charge": charge["id"]})
    return all(d["is_charge_refundable"] or d["status"] == "won" for d in disputes)


def _new(work: Work, charge: Json, amount: int, params: Json) -> Json:
    method = work.tx.find(charge["payment_method"]) if charge["payment_method"] else None
    behaviour = cards.behaviour_of((method or {}).get("_number", "")) or cards.Behaviour()
    refund = work.new(
        "refund",
        "re",
        {
            "amount": amount,
            "charge": charge["id"],
            "currency": charge["currency"],
            "destination_details": {
                "type": "card",
                "card": {
                    "reference_status": "pending",
                    "reference_type": "acquirer_reference_number",
                    "type": "refund",
                },
            },
            "metadata": merge_metadata({}, params.get("metadata") or {}),
            "payment_intent": charge["payment_intent"],
            "reason": params.get("reason"),
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "succeeded",
            "transfer_reversal": None,
        },
    )
    del refund["livemode"]
    if behaviour.after == "pending_refund":
        refund.update(status="pending", pending_reason="processing", _then="succeeded")
        refund["_due"] = work.now + work.settings.settle_after
    if behaviour.after == "failed_refund":
        refund.update(_then="failed", _due=work.now + work.settings.settle_after)
    return refund


def _pull_back(work: Work, charge: Json, refund: Json, amount: int) -> str:
    """Reverse the transfer of a destination charge in proportion to the refund."""
    if not charge.get("transfer"):
        raise ApiError("This charge has no transfer to reverse.", param="reverse_transfer")
    transfer = work.load("transfer", charge["transfer"])
    share = transfer["amount"] * amount // charge["amount_captured"]
    return str(moving.reverse(work, transfer, share, refund=refund["id"])["id"])


def settle(work: Work, refund: Json, outcome: str, reason: str = "lost_or_stolen_card") -> Json:
    """A refund turns out: ``succeeded``, or ``failed`` and the money is back in the balance."""
    states.check("refund", states.REFUND, refund["status"], outcome)
    refund["_due"] = None
    refund.pop("pending_reason", None)
    refund["status"] = outcome
    charge = work.load("charge", refund["charge"])
    if outcome == "failed":
        entry = work.book(
            "refund_failure",
            refund["amount"],
            refund["currency"],
            source=refund["id"],
            category="refund_failure",
            description="REFUND FAILURE",
        )
        refund.update(failure_reason=reason, failure_balance_transaction=entry["id"])
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        work.save(charge)
    work.save(refund)
    work.emit("refund.updated", refund, previous={"status": "pending"})
    work.emit("charge.refund.updated", refund, previous={"status": "pending"})
    if outcome == "failed":
        work.emit("refund.failed", refund)
    return refund


def update(work: Work, args: Args, params: Json) -> Json:
    refund = work.load("refund", args["id"], in_url=True)
    refund["metadata"] = merge_metadata(refund["metadata"], params.get("metadata", {}))
    work.save(refund)
    work.emit("refund.updated", refund, previous={})
    work.emit("charge.refund.updated", refund, previous={})
    return refund


def list_of_charge(work: Work, args: Args, params: Json) -> Json:
    charge = work.load("charge", args["id"], in_url=True)
    url = f"/v1/charges/{charge['id']}/refunds"
    return page(work, "refund", url, params, {"charge": charge["id"]})


ROUTES = (
    Route(
        "POST",
        "/v1/refunds",
        create,
        Form(
            {
                "charge": Text(),
                "payment_intent": Text(),
                "amount": Int(low=1),
                "reason": Choice(of=_REASONS),
                "metadata": Metadata(),
                "reverse_transfer": Bool(),
            }
        ),
    ),
    Route("POST", "/v1/refunds/{id}", update, Form({"metadata": Metadata()})),
    Route("GET", "/v1/charges/{id}/refunds", list_of_charge, Form(PAGE)),
    retrieval("refund", "/v1/refunds"),
    listing("refund", "/v1/refunds", {"charge": Text(), "payment_intent": Text()}),
)
