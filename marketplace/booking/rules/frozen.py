"""What is frozen on a booking, as the JSON that is stored and as the values that rules take."""

from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.catalog.rules.policies import (
    ALWAYS,
    TERMS,
    CancellationPolicy,
    read_policy,
)
from marketplace.core.money import Money
from marketplace.payments.rules import Earner, PriceLine, Quote


def price_to_json(quote: Quote, deposit_rule: str = "") -> dict[str, Any]:
    """All lines, the same lines in the part that is due at once and the part due later.

    `deposit_rule` is the listing's, as its sheet has it: empty is the standard one.
    """
    return {
        "deposit_rule": deposit_rule,
        "lines": [_line_to_json(line) for line in quote.lines],
        "deposit": [_line_to_json(line) for line in quote.deposit_lines],
        "balance": [_line_to_json(line) for line in quote.balance_lines],
    }


def price_lines(price: Mapping[str, Any], part: str = "lines") -> list[PriceLine]:
    """Read `part` (`lines`, `deposit` or `balance`) of a frozen price."""
    return [_line_from_json(line) for line in price[part]]


def policy_to_json(policy_key: str) -> dict[str, Any]:
    """The terms of the listing's policy, and those that hold for every booking."""
    return {"own": TERMS[policy_key], "always": [TERMS[key] for key in ALWAYS]}


def policies(frozen: Mapping[str, Any]) -> Sequence[CancellationPolicy]:
    """Read frozen terms: the listing's own policy first."""
    return [read_policy(frozen["own"]), *(read_policy(terms) for terms in frozen["always"])]


def _line_to_json(line: PriceLine) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "description": line.description,
        "amount": {"amount": line.amount.minor, "currency": line.amount.currency},
        "earner": line.earner.value,
        "quantity": line.quantity,
    }


def _line_from_json(line: Mapping[str, Any]) -> PriceLine:
    amount = line["amount"]
    return PriceLine(
        kind=line["kind"],
        description=line["description"],
        amount=Money(amount["amount"], amount["currency"]),
        earner=Earner(line["earner"]),
        quantity=line["quantity"],
    )
