"""How Stripe's JSON objects read as the payments package's values, and back.

Shapes are of API version 2026-05-27.dahlia. A missing member raises; the caller decides.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from marketplace.core.money import Money
from marketplace.payments.gateway import (
    BalanceTransaction,
    CheckoutLine,
    CheckoutSession,
    KeptCard,
    ProcessorAccount,
    ProcessorDispute,
    ProcessorEvent,
    ProcessorRefund,
    ProcessorReversal,
    ProcessorTransfer,
)

CHARGE_EXPAND = ["latest_charge.balance_transaction", "payment_method"]
CHECKOUT_EXPAND = [f"payment_intent.{path}" for path in CHARGE_EXPAND]
CHARGE = "pi_"
PAYMENT_ID = "payment_id"
REFUND_ID = "refund_id"
SITE_ID = "site_id"
TRANSFER_ID = "transfer_id"
REVERSAL_ID = "reversal_id"
Json = Mapping[str, Any]


def line_item(line: CheckoutLine) -> dict[str, Any]:
    """Return a checkout line as Stripe's `line_items` entry of quantity one."""
    return {
        "quantity": 1,
        "price_data": {
            "currency": line.amount.currency.lower(),
            "unit_amount": line.amount.minor,
            "product_data": {"name": line.description},
        },
    }


def checkout(data: Json) -> CheckoutSession:
    """Read a Checkout Session whose intent, charge and balance transaction may be expanded."""
    intent = _expanded(data.get("payment_intent"))
    charge = _expanded(intent.get("latest_charge"))
    balance_of_charge = _expanded(charge.get("balance_transaction"))
    paid = data["payment_status"] == "paid"
    failure = intent.get("last_payment_error") or {}
    return CheckoutSession(
        id=data["id"],
        url=data.get("url"),
        status=data["status"],
        paid=paid,
        amount=money(data["amount_total"], data["currency"]),
        live=data["livemode"],
        payment_id=uuid_or_none(
            data.get("client_reference_id") or (data.get("metadata") or {}).get(PAYMENT_ID)
        ),
        intent_id=identifier(data.get("payment_intent")),
        intent_failed=data["status"] == "complete"
        and not paid
        and intent.get("status") in {"requires_payment_method", "canceled"},
        failure=failure.get("message"),
        charge_id=identifier(intent.get("latest_charge")),
        captured=money(charge["amount_captured"], charge["currency"]) if charge else None,
        balance=balance_transaction(balance_of_charge) if balance_of_charge else None,
        expires_at=moment(data["expires_at"]),
        **_said_of_card(intent),
    )


def card_charge(data: Json) -> CheckoutSession:
    """Read a PaymentIntent of a kept card, whose charge and balance transaction may be expanded.

    It is open while its payer has to answer their bank, whose page has an address of its own.
    """
    charge = _expanded(data.get("latest_charge"))
    balance_of_charge = _expanded(charge.get("balance_transaction"))
    status, paid = data["status"], data["status"] == "succeeded"
    page = (data.get("next_action") or {}).get("redirect_to_url") or {}
    failure = data.get("last_payment_error") or {}
    return CheckoutSession(
        id=data["id"],
        url=page.get("url"),
        status={"requires_action": "open", "canceled": "expired"}.get(status, "complete"),
        paid=paid,
        amount=money(data["amount"], data["currency"]),
        live=data["livemode"],
        payment_id=uuid_or_none((data.get("metadata") or {}).get(PAYMENT_ID)),
        intent_id=data["id"],
        intent_failed=status == "requires_payment_method",
        failure=failure.get("message"),
        charge_id=identifier(data.get("latest_charge")),
        captured=money(charge["amount_captured"], charge["currency"]) if charge else None,
        balance=balance_transaction(balance_of_charge) if balance_of_charge else None,
        expires_at=moment(data["created"]),
        **_said_of_card({**data, "setup_future_usage": None}),
    )


def kept_card(data: Json) -> KeptCard | None:
    """Read a payment method; None if it is no card that is kept for a customer."""
    customer, card = identifier(data.get("customer")), data.get("card")
    if customer is None or not isinstance(card, Mapping):
        return None
    return KeptCard(
        customer=customer,
        method=data["id"],
        brand=card.get("display_brand") or card["brand"],
        last4=card["last4"],
        exp_month=card["exp_month"],
        exp_year=card["exp_year"],
        fingerprint=card.get("fingerprint"),
    )


def refund(data: Json) -> ProcessorRefund:
    """Read a refund whose balance transaction may be expanded."""
    out = _expanded(data.get("balance_transaction"))
    return ProcessorRefund(
        id=data["id"],
        status=data["status"],
        amount=money(data["amount"], data["currency"]),
        charge_id=identifier(data.get("charge")),
        intent_id=identifier(data.get("payment_intent")),
        refund_id=uuid_or_none((data.get("metadata") or {}).get(REFUND_ID)),
        failure=data.get("failure_reason"),
        balance=balance_transaction(out) if out else None,
        returned_by=identifier(data.get("failure_balance_transaction")),
    )


def account(data: Json) -> ProcessorAccount:
    """Read a connected account."""
    needs = data.get("requirements") or {}
    deadline = needs.get("current_deadline")
    return ProcessorAccount(
        id=data["id"],
        site_id=uuid_or_none((data.get("metadata") or {}).get(SITE_ID)),
        details_submitted=data["details_submitted"] is True,
        transfers=(data.get("capabilities") or {}).get("transfers") == "active",
        payouts=data["payouts_enabled"] is True,
        due=tuple(str(name) for name in needs.get("currently_due") or ()),
        due_by=moment(deadline) if deadline else None,
        disabled_reason=needs.get("disabled_reason"),
    )


def dispute(data: Json) -> ProcessorDispute:
    """Read a dispute, whose balance transactions come whole."""
    details = data["evidence_details"]
    return ProcessorDispute(
        id=data["id"],
        status=data["status"],
        amount=money(data["amount"], data["currency"]),
        reason=data["reason"],
        charge_id=identifier(data.get("charge")),
        intent_id=identifier(data.get("payment_intent")),
        opened_at=moment(data["created"]),
        due_by=moment(details["due_by"]) if details.get("due_by") else None,
        submitted=details["submission_count"],
        moves=tuple(balance_transaction(one) for one in data["balance_transactions"]),
    )


def transfer(data: Json) -> ProcessorTransfer:
    """Read a transfer whose balance transaction may be expanded."""
    out = _expanded(data.get("balance_transaction"))
    return ProcessorTransfer(
        id=data["id"],
        account=identifier(data["destination"]) or "",
        amount=money(data["amount"], data["currency"]),
        reversed=money(data["amount_reversed"], data["currency"]),
        transfer_id=uuid_or_none((data.get("metadata") or {}).get(TRANSFER_ID)),
        balance=balance_transaction(out) if out else None,
    )


def reversal(data: Json) -> ProcessorReversal:
    """Read a reversal of a transfer whose balance transaction may be expanded."""
    back = _expanded(data.get("balance_transaction"))
    return ProcessorReversal(
        id=data["id"],
        transfer=identifier(data["transfer"]) or "",
        amount=money(data["amount"], data["currency"]),
        reversal_id=uuid_or_none((data.get("metadata") or {}).get(REVERSAL_ID)),
        balance=balance_transaction(back) if back else None,
    )


def balance_transaction(data: Json) -> BalanceTransaction:
    """Read a balance transaction; amounts are in its own currency."""
    currency = data["currency"]
    return BalanceTransaction(
        id=data["id"],
        kind=data["type"],
        category=data.get("reporting_category") or data["type"],
        amount=money(data["amount"], currency),
        fee=money(data["fee"], currency),
        net=money(data["net"], currency),
        source=identifier(data.get("source")),
        at=moment(data["created"]),
    )


def event(data: Json) -> ProcessorEvent:
    """Read an event; `ValueError` or `KeyError` if it is none."""
    if data["object"] != "event" or not isinstance(data["id"], str):
        raise ValueError("not an event")
    kind, account, version = data["type"], data.get("account"), data.get("api_version")
    inner = data["data"]["object"]
    if not isinstance(kind, str) or not isinstance(inner, Mapping):
        raise TypeError("not an event")
    if not all(part is None or isinstance(part, str) for part in (account, version)):
        raise TypeError("not an event")
    return ProcessorEvent(
        id=data["id"],
        kind=kind,
        at=moment(data["created"]),
        live=data["livemode"] is True,
        account=account,
        api_version=version,
        data=inner,
        payload=data,
    )


def balance(data: Json) -> dict[str, Money]:
    """Return what is held by currency, available and pending together."""
    held: dict[str, Money] = {}
    for part in (*data["available"], *data["pending"]):
        amount = money(part["amount"], part["currency"])
        held[amount.currency] = held.get(amount.currency, Money.zero(amount.currency)) + amount
    return held


def money(minor: int, currency: str) -> Money:
    return Money(minor, currency.upper())


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def identifier(value: Any) -> str | None:
    """Return the id of a member that is an id, or an object with one."""
    if isinstance(value, Mapping):
        found = value.get("id")
        return found if isinstance(found, str) else None
    return value if isinstance(value, str) else None


def uuid_or_none(text: Any) -> UUID | None:
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        return None


def _said_of_card(intent: Json) -> dict[str, Any]:
    """Why the card of an intent was declined, and the card, if paying was to keep it."""
    failure = intent.get("last_payment_error") or {}
    method = _expanded(intent.get("payment_method"))
    keeps = intent.get("status") == "succeeded" and intent.get("setup_future_usage") is not None
    return {
        "decline_code": failure.get("decline_code") or failure.get("code"),
        "final": failure.get("advice_code") == "do_not_try_again",
        "card": kept_card(method) if method and keeps else None,
    }


def _expanded(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {}
