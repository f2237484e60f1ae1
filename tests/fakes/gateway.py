"""A processor in memory, with the keys, states and records that matter to our logic.

What a payer or a bank does is a method: `pay`, `decline`, `expire`, `bounce_refund`. What goes
wrong is a queue: each exception in `failures` is raised by the next call, after its effect if it
says so.
"""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from marketplace.core.money import Money
from marketplace.payments.errors import SignatureRefused
from marketplace.payments.gateway import (
    BalanceTransaction,
    CheckoutLine,
    CheckoutSession,
    GatewayMissing,
    GatewayRefused,
    GatewayUncertain,
    ProcessorEvent,
    ProcessorRefund,
)

FEE_PERCENT = 3


@dataclass
class Lost:
    """The call takes effect, its answer is lost."""


@dataclass
class FakeGateway:
    """Serves `PaymentGateway`. `calls` lists the calls that could move money, with their keys."""

    live: bool = False
    at: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    sessions: dict[str, CheckoutSession] = field(default_factory=dict)
    refunds: dict[str, ProcessorRefund] = field(default_factory=dict)
    transactions: list[BalanceTransaction] = field(default_factory=list)
    events: list[ProcessorEvent] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    failures: list[Exception | Lost] = field(default_factory=list)
    refund_status: str = "succeeded"

    def __post_init__(self) -> None:
        self._kept: dict[str, tuple[Any, Any]] = {}
        self._numbers = itertools.count(1)

    def now(self) -> datetime:
        return self.at

    def open_checkout(
        self,
        key: str,
        *,
        payment_id: UUID,
        amount: Money,
        lines: Sequence[CheckoutLine],
        description: str,
        customer_email: str,
        expires_at: datetime,
        success_url: str,
        cancel_url: str,
        metadata: Mapping[str, str],
        customer: str | None = None,
        keep_card: bool = False,
    ) -> CheckoutSession:
        assert sum((line.amount for line in lines), Money.zero(amount.currency)) == amount
        who = (customer_email, customer, keep_card)
        asked = (payment_id, amount, tuple(lines), who, expires_at, success_url)

        def make() -> CheckoutSession:
            number = next(self._numbers)
            made = CheckoutSession(
                id=f"cs_{number}",
                url=f"https://pay.test/{number}",
                status="open",
                paid=False,
                amount=amount,
                live=self.live,
                payment_id=payment_id,
                intent_id=None,
                intent_failed=False,
                failure=None,
                charge_id=None,
                captured=None,
                balance=None,
                expires_at=expires_at,
            )
            self.sessions[made.id] = made
            return made

        return self.sessions[self._once(key, asked, make).id]

    def find_checkout(self, payment_id: UUID, since: datetime) -> CheckoutSession | None:
        self._fail()
        for found in self.sessions.values():
            if found.payment_id == payment_id:
                return found
        return None

    def retrieve_checkout(self, session_id: str) -> CheckoutSession:
        self._fail()
        if session_id not in self.sessions:
            raise GatewayMissing(session_id)
        return self.sessions[session_id]

    def expire_checkout(self, session_id: str) -> CheckoutSession:
        self._fail()
        if self.sessions[session_id].status == "open":
            self.expire(session_id)
        return self.sessions[session_id]

    def refund(
        self, key: str, *, intent_id: str, amount: Money, metadata: Mapping[str, str]
    ) -> ProcessorRefund:
        def make() -> ProcessorRefund:
            paid = next(one for one in self.sessions.values() if one.intent_id == intent_id)
            back = sum(
                one.amount.minor
                for one in self.refunds.values()
                if one.intent_id == intent_id and one.status != "failed"
            )
            assert paid.captured is not None
            if back + amount.minor > paid.captured.minor:
                raise GatewayRefused("more than was charged", code="charge_already_refunded")
            name = f"re_{next(self._numbers)}"
            made = ProcessorRefund(
                id=name,
                status=self.refund_status,
                amount=amount,
                charge_id=paid.charge_id,
                intent_id=intent_id,
                refund_id=UUID(metadata["refund_id"]),
                failure=None,
                balance=self._move("refund", -amount, Money.zero(amount.currency), name),
                returned_by=None,
            )
            self.refunds[name] = made
            return made

        made = self._once(key, (intent_id, amount, dict(metadata)), make)
        return self.refunds[made.id]

    def find_refund(self, intent_id: str, refund_id: UUID) -> ProcessorRefund | None:
        self._fail()
        for found in self.refunds.values():
            if found.refund_id == refund_id:
                return found
        return None

    def retrieve_refund(self, processor_id: str) -> ProcessorRefund:
        self._fail()
        if processor_id not in self.refunds:
            raise GatewayMissing(processor_id)
        return self.refunds[processor_id]

    def events_since(self, since: datetime) -> Iterator[ProcessorEvent]:
        yield from (event for event in self.events if event.at >= since)

    def balance_transactions_since(self, since: datetime) -> Iterator[BalanceTransaction]:
        yield from (one for one in reversed(self.transactions) if one.at >= since)

    def balance(self) -> Mapping[str, Money]:
        held: dict[str, Money] = {}
        for one in self.transactions:
            before = held.get(one.net.currency, Money.zero(one.net.currency))
            held[one.net.currency] = before + one.net
        return held

    def verify_webhook(self, payload: bytes, signature: str) -> ProcessorEvent:
        if signature != "good":
            raise SignatureRefused
        name = json.loads(payload)["id"]
        return next(event for event in self.events if event.id == name)

    # What payers and banks do.

    def pay(self, session_id: str, *, fee: bool = True) -> ProcessorEvent:
        """The payer pays on the page; returns the event that is sent of it."""
        seen = self.sessions[session_id]
        assert seen.status == "open", seen.status
        number = next(self._numbers)
        cost = seen.amount.percent(FEE_PERCENT)
        self.sessions[session_id] = replace(
            seen,
            status="complete",
            paid=True,
            url=None,
            failure=None,
            intent_id=f"pi_{number}",
            charge_id=f"ch_{number}",
            captured=seen.amount,
            balance=self._move("charge", seen.amount, cost, f"ch_{number}") if fee else None,
        )
        return self.tell("checkout.session.completed", session_id)

    def decline(self, session_id: str, why: str = "Your card was declined.") -> ProcessorEvent:
        number = next(self._numbers)
        seen = self.sessions[session_id]
        self.sessions[session_id] = replace(seen, failure=why, intent_id=f"pi_{number}")
        data = {
            "id": f"pi_{number}",
            "amount": seen.amount.minor,
            "currency": seen.amount.currency.lower(),
            "metadata": {"payment_id": str(seen.payment_id)},
        }
        return self._event("payment_intent.payment_failed", data)

    def fail_later(self, session_id: str, why: str = "The bank refused.") -> ProcessorEvent:
        """The page completes, and the money does not come."""
        self.sessions[session_id] = replace(
            self.sessions[session_id],
            status="complete",
            url=None,
            intent_failed=True,
            intent_id=f"pi_{next(self._numbers)}",
            failure=why,
        )
        return self.tell("checkout.session.async_payment_failed", session_id)

    def expire(self, session_id: str) -> ProcessorEvent:
        self.sessions[session_id] = replace(self.sessions[session_id], status="expired", url=None)
        return self.tell("checkout.session.expired", session_id)

    def bounce_refund(self, processor_id: str, why: str = "account_closed") -> ProcessorEvent:
        """The bank hands a refund back."""
        seen = self.refunds[processor_id]
        back = self._move("refund_failure", seen.amount, Money.zero(seen.amount.currency), seen.id)
        self.refunds[processor_id] = replace(
            seen, status="failed", failure=why, returned_by=back.id
        )
        return self.tell_refund("refund.failed", processor_id)

    def settle_refund(self, processor_id: str) -> ProcessorEvent:
        self.refunds[processor_id] = replace(self.refunds[processor_id], status="succeeded")
        return self.tell_refund("refund.updated", processor_id)

    def tell(self, kind: str, session_id: str, **changes: Any) -> ProcessorEvent:
        """An event about a checkout as it is now; `changes` to its data, or live and account."""
        seen = self.sessions[session_id]
        data = {
            "id": seen.id,
            "object": "checkout.session",
            "amount_total": seen.amount.minor,
            "currency": seen.amount.currency.lower(),
            "client_reference_id": str(seen.payment_id),
        }
        return self._event(kind, data, **changes)

    def tell_refund(self, kind: str, processor_id: str) -> ProcessorEvent:
        seen = self.refunds[processor_id]
        data = {
            "id": seen.id,
            "object": "refund",
            "amount": seen.amount.minor,
            "currency": seen.amount.currency.lower(),
            "payment_intent": seen.intent_id,
            "metadata": {"refund_id": str(seen.refund_id)},
        }
        return self._event(kind, data)

    def spoil(self, session_id: str, what: str) -> None:
        """Make the checkout disagree with what was asked for."""
        seen = self.sessions[session_id]
        amount = seen.amount
        changes: dict[str, Any] = {
            "amount": {"amount": Money(amount.minor - 1, amount.currency)},
            "currency": {"amount": Money(amount.minor, "EUR")},
            "captured": {"captured": Money(amount.minor - 1, amount.currency)},
            "mode": {"live": not seen.live},
            "payment": {"payment_id": None},
        }[what]
        self.sessions[session_id] = replace(seen, **changes)

    def move(self, kind: str, amount: Money, source: str | None = None) -> BalanceTransaction:
        """Money moves at the processor without our doing."""
        return self._move(kind, amount, Money.zero(amount.currency), source)

    def _event(
        self,
        kind: str,
        data: dict[str, Any],
        live: bool | None = None,
        account: str | None = None,
        **changes: Any,
    ) -> ProcessorEvent:
        inner = {**data, **changes}
        name = f"evt_{next(self._numbers)}"
        event = ProcessorEvent(
            id=name,
            kind=kind,
            at=self.at,
            live=self.live if live is None else live,
            account=account,
            api_version=None,
            data=inner,
            payload={"id": name, "type": kind, "data": {"object": inner}},
        )
        self.events.append(event)
        return event

    def _move(self, kind: str, amount: Money, fee: Money, source: str | None) -> BalanceTransaction:
        made = BalanceTransaction(
            id=f"txn_{next(self._numbers)}",
            kind=kind,
            category=kind,
            amount=amount,
            fee=fee,
            net=amount - fee,
            source=source,
            at=self.at,
        )
        self.transactions.append(made)
        return made

    def _once(self, key: str, asked: Any, make: Any) -> Any:
        self.calls.append((key.partition(":")[0], key))
        failure = self.failures.pop(0) if self.failures else None
        if isinstance(failure, Exception):
            raise failure
        if key not in self._kept:
            self._kept[key] = (asked, make())
        before, made = self._kept[key]
        if before != asked:
            raise GatewayRefused("same key, other parameters", code="idempotency_error")
        if isinstance(failure, Lost):
            raise GatewayUncertain("the answer was lost")
        return made

    def forget_keys(self) -> None:
        """A day has passed."""
        self._kept.clear()

    def _fail(self) -> None:
        failure = self.failures.pop(0) if self.failures else None
        if isinstance(failure, Exception):
            raise failure
