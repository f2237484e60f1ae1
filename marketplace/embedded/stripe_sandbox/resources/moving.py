"""Money between the platform and connected accounts: transfers, their reversals, fees."""

from marketplace.embedded.stripe_sandbox import ids
from marketplace.embedded.stripe_sandbox.errors import ApiError, no_such
from marketplace.embedded.stripe_sandbox.shapes import PLATFORM, Json
from marketplace.embedded.stripe_sandbox.work import Work, fee_line


def destination(work: Work, object_id: str, param: str) -> Json:
    """The connected account, which must be able to receive transfers, by one capability or other."""
    account = work.tx.get("account", object_id, PLATFORM)
    if account is None:
        raise no_such("destination", object_id, param=param)
    capabilities = account["capabilities"]
    if "active" not in (capabilities.get("transfers"), capabilities.get("legacy_payments")):
        raise ApiError(
            "The destination account needs an active transfers capability.",
            code="insufficient_capabilities_for_transfer",
        )
    return account


def move(
    work: Work,
    amount: int,
    currency: str,
    to: str,
    *,
    source: Json | None = None,
    fee: int = 0,
    group: str | None = None,
    description: str | None = None,
    metadata: Json | None = None,
) -> Json:
    """A transfer and the payment that it makes in the connected account.

    With a source charge, the money becomes available when the charge's does.
    """
    ready = work.now
    if source is not None and source["balance_transaction"]:
        entry = work.load("balance_transaction", source["balance_transaction"])
        ready = max(work.now, entry["available_on"])
    transfer = work.new(
        "transfer",
        "tr",
        {
            "amount": amount,
            "amount_reversed": 0,
            "currency": currency,
            "description": description,
            "destination": to,
            "metadata": metadata or {},
            "reversals": {},
            "reversed": False,
            "source_transaction": source["id"] if source else None,
            "source_type": "card",
            "transfer_group": group,
            "_reversals_of": "transfer_reversal",
        },
    )
    booked = work.book(
        "transfer",
        -amount,
        currency,
        source=transfer["id"],
        category="transfer",
        description=description,
        available_on=ready,
    )
    transfer["balance_transaction"] = booked["id"]
    payment = _arrive(work.on(to), transfer, ready, fee)
    transfer["destination_payment"] = payment["id"]
    if fee:
        transfer["_application_fee"] = payment["application_fee"] = _collect(work, payment, fee)
        payment["application_fee_amount"] = fee
        work.save(payment)
    work.save(transfer)
    work.emit("transfer.created", transfer)
    return transfer


def _arrive(there: Work, transfer: Json, ready: int, fee: int) -> Json:
    """The connected account's side: a charge of type payment, booked there."""
    amount, currency = transfer["amount"], transfer["currency"]
    payment = there.new("charge", "py", _payment_fields(transfer))
    details = [fee_line(fee, currency, "application_fee", "Application fee")] if fee else []
    booked = there.book(
        "payment",
        amount,
        currency,
        source=payment["id"],
        category="charge",
        fee=fee,
        fee_details=details,
        available_on=ready,
    )
    payment["balance_transaction"] = booked["id"]
    there.save(payment)
    return payment


def _payment_fields(transfer: Json) -> Json:
    nothing = {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}
    return {
        "amount": transfer["amount"],
        "amount_captured": transfer["amount"],
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "billing_details": nothing,
        "calculated_statement_descriptor": None,
        "captured": True,
        "currency": transfer["currency"],
        "customer": None,
        "description": transfer["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "metadata": {},
        "on_behalf_of": None,
        "outcome": None,
        "paid": True,
        "payment_intent": None,
        "payment_method": None,
        "payment_method_details": {"stripe_account": {}, "type": "stripe_account"},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": transfer["id"],
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": transfer["transfer_group"],
    }


def _collect(work: Work, payment: Json, fee: int) -> str:
    """The platform's side of an application fee; returns its id."""
    collected = work.new(
        "application_fee",
        "fee",
        {
            "account": payment["_account"],
            "amount": fee,
            "amount_refunded": 0,
            "application": "ca_sandbox",
            "charge": payment["id"],
            "currency": payment["currency"],
            "originating_transaction": None,
            "refunded": False,
            "refunds": {},
            "_refunds_of": "fee_refund",
        },
    )
    entry = work.book(
        "application_fee", fee, payment["currency"], source=collected["id"], category="fee"
    )
    collected["balance_transaction"] = entry["id"]
    work.save(collected)
    work.emit("application_fee.created", collected)
    return str(collected["id"])


def reverse(
    work: Work,
    transfer: Json,
    amount: int,
    *,
    metadata: Json | None = None,
    description: str | None = None,
    refund: str | None = None,
) -> Json:
    """Take money back from a connected account, which must hold it (its whole balance counts)."""
    left = transfer["amount"] - transfer["amount_reversed"]
    if not 1 <= amount <= left:
        raise ApiError(
            f"The reversal ({amount}) is more than what is left of the transfer ({left}).",
            param="amount",
        )
    there = work.on(transfer["destination"])
    currency = transfer["currency"]
    if there.balance(currency) < amount:
        raise ApiError(
            "The connected account's balance does not cover this reversal.",
            code="balance_insufficient",
        )
    back = work.new(
        "transfer_reversal",
        "trr",
        {
            "amount": amount,
            "currency": currency,
            "metadata": metadata or {},
            "source_refund": refund,
            "transfer": transfer["id"],
        },
    )
    del back["livemode"]
    back["destination_payment_refund"] = _give_back(there, transfer, amount)
    booked = work.book(
        "transfer_refund",
        amount,
        currency,
        source=back["id"],
        category="transfer_reversal",
        description=description,
    )
    back["balance_transaction"] = booked["id"]
    transfer["amount_reversed"] += amount
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    work.save(transfer)
    work.save(back)
    previous = {"amount_reversed": transfer["amount_reversed"] - amount}
    work.emit("transfer.reversed", transfer, previous=previous)
    return back


def _give_back(there: Work, transfer: Json, amount: int) -> str:
    """The refund of the destination payment, in the connected account; returns its id."""
    payment = there.load("charge", transfer["destination_payment"])
    refund: Json = {
        "id": ids.new_id("pyr"),
        "object": "refund",
        "amount": amount,
        "charge": payment["id"],
        "created": there.now,
        "currency": transfer["currency"],
        "metadata": {},
        "payment_intent": None,
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
        "_account": there.account,
    }
    booked = there.book(
        "payment_refund", -amount, transfer["currency"], source=refund["id"], category="refund"
    )
    refund["balance_transaction"] = booked["id"]
    payment["amount_refunded"] += amount
    payment["refunded"] = payment["amount_refunded"] == payment["amount"]
    there.save(refund)
    there.save(payment)
    return str(refund["id"])
