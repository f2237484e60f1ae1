"""The state machines: which step leads where. Pure tables, so that tests can walk them."""

from collections.abc import Mapping

from marketplace.embedded.stripe_sandbox.errors import wrong_state

INTENT: Mapping[str, frozenset[str]] = {
    "requires_payment_method": frozenset({"requires_confirmation", "canceled"})
    | {"requires_action", "processing", "requires_capture", "succeeded", "requires_payment_method"},
    "requires_confirmation": frozenset({"requires_payment_method", "canceled", "succeeded"})
    | {"requires_action", "processing", "requires_capture", "requires_confirmation"},
    "requires_action": frozenset({"requires_payment_method", "canceled", "succeeded"})
    | {"processing", "requires_capture", "requires_action"},
    "processing": frozenset({"succeeded", "requires_payment_method"}),
    "requires_capture": frozenset({"succeeded", "canceled"}),
    "succeeded": frozenset(),
    "canceled": frozenset(),
}

SESSION: Mapping[str, frozenset[str]] = {
    "open": frozenset({"complete", "expired"}),
    "complete": frozenset(),
    "expired": frozenset(),
}

REFUND: Mapping[str, frozenset[str]] = {
    "pending": frozenset({"succeeded", "failed", "canceled"}),
    "requires_action": frozenset({"pending", "succeeded", "failed", "canceled"}),
    "succeeded": frozenset({"failed"}),
    "failed": frozenset(),
    "canceled": frozenset(),
}

PAYOUT: Mapping[str, frozenset[str]] = {
    "pending": frozenset({"in_transit", "paid", "failed", "canceled"}),
    "in_transit": frozenset({"paid", "failed"}),
    "paid": frozenset({"failed"}),
    "failed": frozenset(),
    "canceled": frozenset(),
}

DISPUTE: Mapping[str, frozenset[str]] = {
    "warning_needs_response": frozenset({"warning_under_review", "warning_closed"})
    | {"needs_response"},
    "warning_under_review": frozenset({"warning_closed", "needs_response"}),
    "needs_response": frozenset({"under_review", "won", "lost"}),
    "under_review": frozenset({"won", "lost"}),
    "warning_closed": frozenset({"warning_needs_response", "needs_response"}),
    "won": frozenset({"lost", "under_review", "needs_response"}),
    "lost": frozenset({"won", "under_review", "needs_response"}),
}

_CODES = {
    "payment_intent": "payment_intent_unexpected_state",
    "checkout session": "checkout_session_not_open",
    "refund": "refund_unexpected_state",
    "payout": "payouts_not_allowed",
    "dispute": "dispute_unexpected_state",
}


def check(kind: str, table: Mapping[str, frozenset[str]], old: str, new: str) -> None:
    """Raise Stripe's error for a step that the table does not allow."""
    if new not in table[old]:
        raise wrong_state(
            f"This {kind.replace('_', ' ')} is {old}; it can't become {new}.", code=_CODES[kind]
        )
