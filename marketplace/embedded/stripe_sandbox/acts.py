"""Acts of the outside world that the fault interface plays: banks, cardholders, Stripe itself."""

from collections.abc import Callable, Mapping

from marketplace.embedded.stripe_sandbox import cards
from marketplace.embedded.stripe_sandbox.errors import no_such
from marketplace.embedded.stripe_sandbox.resources import (
    accounts,
    disputing,
    endpoints,
    payouts,
    refunds,
)
from marketplace.embedded.stripe_sandbox.shapes import PLATFORM, Json
from marketplace.embedded.stripe_sandbox.ticker import settle_intent
from marketplace.embedded.stripe_sandbox.work import Work


def _found(work: Work, kind: str, object_id: str) -> tuple[Work, Json]:
    """An object of any account, and the work seen from its account."""
    body = work.tx.find(object_id)
    if body is None or body["object"] != kind:
        raise no_such(kind, object_id)
    return work.on(body["_account"]), body


def fail_refund(work: Work, refund: str, reason: str = "lost_or_stolen_card") -> Json:
    there, body = _found(work, "refund", refund)
    return refunds.settle(there, body, "failed", reason)


def succeed_refund(work: Work, refund: str) -> Json:
    there, body = _found(work, "refund", refund)
    return refunds.settle(there, body, "succeeded")


def open_dispute(
    work: Work, charge: str, reason: str = "fraudulent", amount: int | None = None
) -> Json:
    if reason not in (*disputing.REASONS, "inquiry"):
        raise ValueError(f"unknown reason {reason}")
    there, body = _found(work, "charge", charge)
    return disputing.open_dispute(there, body, reason, amount)


def close_dispute(work: Work, dispute: str, status: str = "lost") -> Json:
    if status not in ("won", "lost"):
        raise ValueError("status is won or lost")
    there, body = _found(work, "dispute", dispute)
    return disputing.close(there, body, status)


def reopen_dispute(work: Work, dispute: str, status: str = "under_review") -> Json:
    if status not in ("under_review", "needs_response"):
        raise ValueError("status is under_review or needs_response")
    there, body = _found(work, "dispute", dispute)
    return disputing.reopen(there, body, status)


def escalate_dispute(work: Work, dispute: str) -> Json:
    there, body = _found(work, "dispute", dispute)
    return disputing.escalate(there, body)


def fail_payout(work: Work, payout: str, code: str = "account_closed") -> Json:
    there, body = _found(work, "payout", payout)
    return payouts.fail(there, body, code)


def pay_payout(work: Work, payout: str) -> Json:
    there, body = _found(work, "payout", payout)
    return payouts.arrive(there, body)


def disable_account(work: Work, account: str, reason: str = "under_review") -> Json:
    there, body = _found(work, "account", account)
    return accounts.disable(there, body, reason)


def enable_account(work: Work, account: str) -> Json:
    there, body = _found(work, "account", account)
    return accounts.onboard(there, body)


def settle(work: Work, payment_intent: str, outcome: str = "succeeded") -> Json:
    """End ``processing``; ``outcome`` is succeeded, or a decline code."""
    there, body = _found(work, "payment_intent", payment_intent)
    settle_intent(there, body, outcome)
    return _found(work, "payment_intent", payment_intent)[1]


def behave(work: Work, payment_method: str, number: str) -> Json:
    """From now on the bank treats a kept card as it treats the test card of this number."""
    if number not in cards.CARDS:
        raise ValueError(f"{number} is no test card")
    there, body = _found(work, "payment_method", payment_method)
    return there.save({**body, "_number": number})


def roll_secret(
    work: Work, endpoint: str, overlap: int = 86_400, secret: str | None = None
) -> Json:
    there, body = _found(work, "webhook_endpoint", endpoint)
    fresh = endpoints.roll(there, body, overlap=overlap, secret=secret)
    return {"object": "secret", "secret": fresh}


def repeat_event(work: Work, event: str) -> Json:
    """Deliver an old event again, as a click in the dashboard does."""
    there, body = _found(work, "event", event)
    there.queue(body)
    return body


def emit_event(work: Work, event_type: str, object_id: str, fields: Json | None = None) -> Json:
    """A new event of any type about an object, with fields of its snapshot set (a stale one)."""
    body = work.tx.find(object_id)
    if body is None:
        raise no_such("object", object_id)
    return work.on(body["_account"]).emit(event_type, body, overrides=fields)


def adjust_balance(work: Work, amount: int, currency: str = "usd", account: str = PLATFORM) -> Json:
    """A balance transaction that no object of ours explains (row 41)."""
    return work.on(account).book(
        "adjustment",
        int(amount),
        currency,
        source=None,
        category="other_adjustment",
        description="Adjustment",
    )


ACTS: Mapping[str, Callable[..., Json]] = {
    "refund.fail": fail_refund,
    "refund.succeed": succeed_refund,
    "dispute.open": open_dispute,
    "dispute.close": close_dispute,
    "dispute.escalate": escalate_dispute,
    "dispute.reopen": reopen_dispute,
    "payout.fail": fail_payout,
    "payout.pay": pay_payout,
    "account.disable": disable_account,
    "account.enable": enable_account,
    "card.behave": behave,
    "intent.settle": settle,
    "endpoint.roll_secret": roll_secret,
    "event.repeat": repeat_event,
    "event.emit": emit_event,
    "balance.adjust": adjust_balance,
}
