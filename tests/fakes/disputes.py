"""Disputes at a processor in memory; their money moves in the books of the other fake."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from marketplace.core.money import Money
from marketplace.payments.gateway import (
    GatewayMissing,
    GatewayRefused,
    ProcessorDispute,
    ProcessorEvent,
)
from tests.fakes.gateway import FakeGateway

FEE = 1_500


@dataclass
class FakeDisputes:
    """Serves `DisputeGateway`; what banks do is `open`, `win` and `lose`."""

    money: FakeGateway
    disputes: dict[str, ProcessorDispute] = field(default_factory=dict)
    evidence: dict[str, Mapping[str, str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def retrieve_dispute(self, processor_id: str) -> ProcessorDispute:
        self.money._fail()
        if processor_id not in self.disputes:
            raise GatewayMissing(processor_id)
        return self.disputes[processor_id]

    def submit_evidence(
        self,
        key: str,
        processor_id: str,
        evidence: Mapping[str, str],
        files: Mapping[str, str],
    ) -> ProcessorDispute:
        def make() -> ProcessorDispute:
            seen = self.disputes[processor_id]
            if not seen.status.endswith("needs_response"):
                raise GatewayRefused("it can't be answered")
            self.evidence[processor_id] = dict(evidence)
            status = seen.status.replace("needs_response", "under_review")
            changed = replace(seen, status=status, submitted=seen.submitted + 1)
            self.disputes[processor_id] = changed
            return changed

        self.money._once(key, (processor_id, dict(evidence), dict(files)), make)
        return self.disputes[processor_id]

    def send_file(self, key: str, *, name: str, content: bytes) -> str:
        def make() -> str:
            self.files[name] = content
            return f"file_{len(self.files)}"

        made: str = self.money._once(key, (name, content), make)
        return made

    def concede(self, key: str, processor_id: str) -> ProcessorDispute:
        def make() -> ProcessorDispute:
            self.lose(processor_id)
            return self.disputes[processor_id]

        self.money._once(key, processor_id, make)
        return self.disputes[processor_id]

    def open(self, page: str, amount: Money | None = None) -> ProcessorEvent:
        """The payer of a page disputes what they paid, or a part of it."""
        name = self._ask(page, amount, "needs_response")
        self._withdraw(name, FEE)
        return self.tell("charge.dispute.created", name)

    def inquire(self, page: str, amount: Money | None = None) -> ProcessorEvent:
        """The payer's bank only asks; no money moves."""
        name = self._ask(page, amount, "warning_needs_response")
        return self.tell("charge.dispute.created", name)

    def escalate(self, name: str) -> ProcessorEvent:
        """An inquiry, closed or not, becomes a chargeback, to be answered by itself."""
        self.disputes[name] = replace(self.disputes[name], status="needs_response")
        self._withdraw(name, FEE)
        return self.tell("charge.dispute.updated", name)

    def _ask(self, page: str, amount: Money | None, status: str) -> str:
        paid = self.money.sessions[page]
        name = f"du_{next(self.money._numbers)}"
        wanted = amount or paid.amount
        self.disputes[name] = ProcessorDispute(
            id=name,
            status=status,
            amount=wanted,
            reason="fraudulent",
            charge_id=paid.charge_id,
            intent_id=paid.intent_id,
            opened_at=self.money.at,
            due_by=self.money.at + timedelta(days=7),
            submitted=0,
            moves=(),
        )
        return name

    def win(self, name: str) -> ProcessorEvent:
        seen = self.disputes[name]
        zero = Money.zero(seen.amount.currency)
        back = self.money._move("adjustment", seen.amount, zero, name)
        moves = (*seen.moves, self._as("dispute_reversal", back.id))
        self.disputes[name] = replace(seen, status="won", moves=moves)
        return self.tell("charge.dispute.closed", name)

    def close(self, name: str) -> ProcessorEvent:
        """An inquiry goes no further."""
        self.disputes[name] = replace(self.disputes[name], status="warning_closed")
        return self.tell("charge.dispute.closed", name)

    def lose(self, name: str) -> ProcessorEvent:
        if self.disputes[name].status == "won":
            self._withdraw(name)
        self.disputes[name] = replace(self.disputes[name], status="lost")
        return self.tell("charge.dispute.closed", name)

    def reopen(self, name: str, status: str = "under_review") -> ProcessorEvent:
        """The bank takes up again what it had decided, and takes back what it had given."""
        if self.disputes[name].status == "won":
            self._withdraw(name)
        due_by = self.money.at + timedelta(days=7)
        self.disputes[name] = replace(self.disputes[name], status=status, due_by=due_by)
        return self.tell("charge.dispute.updated", name)

    def _withdraw(self, name: str, fee: int = 0) -> None:
        seen = self.disputes[name]
        kept = Money(fee, seen.amount.currency)
        out = self.money._move("adjustment", -seen.amount, kept, name)
        self.disputes[name] = replace(seen, moves=(*seen.moves, self._as("dispute", out.id)))

    def tell(self, kind: str, name: str) -> ProcessorEvent:
        seen = self.disputes[name]
        data = {"id": name, "object": "dispute", "payment_intent": seen.intent_id}
        return self.money._event(kind, data)

    def _as(self, category: str, transaction: str):
        """The balance transaction under its reporting category, as the processor lists it."""
        place = next(
            place for place, one in enumerate(self.money.transactions) if one.id == transaction
        )
        named = replace(self.money.transactions[place], category=category)
        self.money.transactions[place] = named
        return named
