"""Destination charges: the transfer and the application fee that follow a charge at once."""

from marketplace.embedded.stripe_sandbox.errors import bad_parameter, not_covered
from marketplace.embedded.stripe_sandbox.resources import moving
from marketplace.embedded.stripe_sandbox.shapes import PLATFORM, Json
from marketplace.embedded.stripe_sandbox.work import Work


def checked_split(work: Work, params: Json, amount: int) -> Json | None:
    """``transfer_data`` of an intent after checking it; ``None`` if the money stays."""
    split: Json | None = params.get("transfer_data")
    fee = params.get("application_fee_amount")
    if fee is not None and work.account != PLATFORM:
        raise not_covered("An application fee on a direct charge")
    if split is None:
        if fee is not None:
            raise bad_parameter(
                "application_fee_amount", "An application fee needs transfer_data.", code=None
            )
        return None
    moving.destination(work, split["destination"], "transfer_data[destination]")
    if fee is not None and "amount" in split:
        raise bad_parameter(
            "application_fee_amount", "Give an application fee or an amount, not both.", code=None
        )
    if max(fee or 0, split.get("amount") or 0) > amount:
        raise bad_parameter("application_fee_amount", "More than the whole payment.", code=None)
    return split


def split(work: Work, intent: Json, charge: Json) -> None:
    """Pass a captured charge on to the connected account that the intent names."""
    target = intent["transfer_data"]
    if target is None:
        return
    amount = target.get("amount") or charge["amount_captured"]
    fee = min(intent["application_fee_amount"] or 0, amount)
    transfer = moving.move(
        work,
        amount,
        charge["currency"],
        target["destination"],
        source=charge,
        fee=fee,
        group=charge["transfer_group"] or f"group_{intent['id']}",
    )
    charge["transfer"] = transfer["id"]
    charge["transfer_group"] = transfer["transfer_group"]
    if fee:
        charge["application_fee"] = transfer["_application_fee"]
        charge["application_fee_amount"] = fee
