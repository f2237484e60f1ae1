"""What is frozen on a booking, as the JSON that is stored and as the values that rules take."""

from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.catalog.rules.policies import (
    ALWAYS,
    TERMS,
    CancellationPolicy,
    PolicyEvent,
    read_policy,
)
from marketplace.core.money import Money
from marketplace.payments.rules import Earner, PriceLine, Quote, divide, total


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


def choices(frozen: Mapping[str, Any]) -> Sequence[Sequence[CancellationPolicy]]:
    """Read the sets of terms of which the better one holds; more than one after a change.

    A booking that took over from another is under the terms of both.
    """
    always = [read_policy(terms) for terms in frozen["always"]]
    own = [frozen["own"], *frozen.get("or", ())]
    return [[read_policy(terms), *always] for terms in own]


def with_terms_of(
    policy: Mapping[str, Any], other: Mapping[str, Any], at_least: Money | None = None
) -> dict[str, Any]:
    """Return `policy` with the terms of `other` besides: the better ones at the time hold.

    `at_least` is what a trainee's cancelling keeps whatever they say: what it would have kept when
    the weeks were changed.
    """
    besides = [other["own"], *other.get("or", ()), *policy.get("or", ())]
    terms = {one["key"]: one for one in besides if one != policy["own"]}
    joined: dict[str, Any] = {**policy, "or": list(terms.values())}
    if at_least:
        joined["at_least"] = {"amount": at_least.minor, "currency": at_least.currency}
    return joined


def kept_at_least(frozen: Mapping[str, Any]) -> Money | None:
    """What a trainee's cancelling keeps at least, from an earlier change of the weeks."""
    found = frozen.get("at_least")
    return None if found is None else Money(found["amount"], found["currency"])


def decision_days(frozen: Mapping[str, Any]) -> int | None:
    """Business days after which a request counts as not accepted, if the terms say."""
    clauses = (policy.clause(PolicyEvent.REQUEST_UNANSWERED) for policy in policies(frozen))
    days = (clause.after_business_days for clause in clauses if clause is not None)
    return next((found for found in days if found is not None), None)


def carried_to_json(
    lines: Sequence[PriceLine], carried: Money, replaces: str, deposit_rule: str = ""
) -> dict[str, Any]:
    """The price of a booking that takes over from `replaces`: what was paid there pays a part.

    In place of a deposit there is what is `carried` over; the balance is the rest of the lines.
    """
    paid, rest = divide(lines, carried)
    return {
        "deposit_rule": deposit_rule,
        "replaces": replaces,
        "lines": [_line_to_json(line) for line in lines],
        "carried": [_line_to_json(line) for line in paid],
        "deposit": [],
        "balance": [_line_to_json(line) for line in rest],
    }


def with_discount(price: Mapping[str, Any], line: PriceLine, deposit: Money) -> dict[str, Any]:
    """The price lowered by `line`: the deposit stays, at most the whole, and the balance is less."""
    lines = [*price_lines(price), line]
    due, rest = divide(lines, min(deposit, total(lines)))
    return {
        **price,
        "lines": [_line_to_json(one) for one in lines],
        "deposit": [_line_to_json(one) for one in due],
        "balance": [_line_to_json(one) for one in rest],
    }


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
