"""Hosts' accounts at a processor in memory; its money moves in the books of the other fake.

What a host or the processor does is a method: `onboard`, `disable`, `spend`. As there, what goes
wrong is a queue of `failures`.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.core.money import Money
from marketplace.payments.gateway import (
    GatewayMissing,
    GatewayRefused,
    OnboardingLink,
    ProcessorAccount,
    ProcessorEvent,
    ProcessorReversal,
    ProcessorTransfer,
)
from tests.fakes.gateway import FakeGateway


@dataclass
class FakeHosts:
    """Serves `HostGateway`; `held` is what each host has, by account."""

    money: FakeGateway
    accounts: dict[str, ProcessorAccount] = field(default_factory=dict)
    transfers: dict[str, ProcessorTransfer] = field(default_factory=dict)
    reversals: dict[str, ProcessorReversal] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    held: dict[str, Money] = field(default_factory=dict)

    def create_account(self, key: str, *, site_id: UUID, email: str) -> ProcessorAccount:
        def make() -> ProcessorAccount:
            name = f"acct_{next(self.money._numbers)}"
            due = ("external_account",)
            made = ProcessorAccount(name, site_id, False, False, False, due, None, None)
            self.accounts[name] = made
            return made

        return self.money._once(key, (site_id, email), make)

    def find_account(self, site_id: UUID, since: datetime) -> ProcessorAccount | None:
        self.money._fail()
        return next((one for one in self.accounts.values() if one.site_id == site_id), None)

    def retrieve_account(self, account: str) -> ProcessorAccount:
        self.money._fail()
        if account not in self.accounts:
            raise GatewayMissing(account)
        return self.accounts[account]

    def onboarding_link(self, account: str, *, back: str, again: str) -> OnboardingLink:
        self.money._fail()
        return OnboardingLink(f"https://host.test/{account}", timedelta(minutes=5))

    def transfer(
        self, key: str, *, transfer_id: UUID, account: str, amount: Money, group: str, words: str
    ) -> ProcessorTransfer:
        def make() -> ProcessorTransfer:
            if not self.accounts[account].transfers:
                raise GatewayRefused("not able", code="insufficient_capabilities_for_transfer")
            name = f"tr_{next(self.money._numbers)}"
            out = self.money._move("transfer", -amount, Money.zero(amount.currency), name)
            zero = Money.zero(amount.currency)
            made = ProcessorTransfer(name, account, amount, zero, transfer_id, out)
            self.transfers[name], self.groups[name] = made, group
            self.held[account] = self.held.get(account, zero) + amount
            return made

        made = self.money._once(key, (account, amount, group), make)
        return self.transfers[made.id]

    def find_transfer(self, group: str, transfer_id: UUID) -> ProcessorTransfer | None:
        self.money._fail()
        for name, found in self.transfers.items():
            if self.groups[name] == group and found.transfer_id == transfer_id:
                return found
        return None

    def retrieve_transfer(self, processor_id: str) -> ProcessorTransfer:
        self.money._fail()
        if processor_id not in self.transfers:
            raise GatewayMissing(processor_id)
        return self.transfers[processor_id]

    def reverse(
        self, key: str, *, transfer: str, reversal_id: UUID, amount: Money
    ) -> ProcessorReversal:
        def make() -> ProcessorReversal:
            sent = self.transfers[transfer]
            if sent.reversed + amount > sent.amount:
                raise GatewayRefused("more than was sent")
            if self.held[sent.account] < amount:
                raise GatewayRefused("not covered", code="balance_insufficient")
            self.held[sent.account] -= amount
            self.transfers[transfer] = replace(sent, reversed=sent.reversed + amount)
            name = f"trr_{next(self.money._numbers)}"
            back = self.money._move("transfer_refund", amount, Money.zero(amount.currency), name)
            made = ProcessorReversal(name, transfer, amount, reversal_id, back)
            self.reversals[name] = made
            return made

        return self.money._once(key, (transfer, amount), make)

    def find_reversal(self, transfer: str, reversal_id: UUID) -> ProcessorReversal | None:
        self.money._fail()
        for found in self.reversals.values():
            if found.transfer == transfer and found.reversal_id == reversal_id:
                return found
        return None

    # What hosts and the processor do.

    def onboard(self, account: str) -> ProcessorEvent:
        """The host has given everything, or the processor lets it go on."""
        able = {"details_submitted": True, "transfers": True, "payouts": True}
        return self._change(account, **able, due=(), disabled_reason=None)

    def disable(self, account: str, reason: str = "under_review") -> ProcessorEvent:
        return self._change(account, transfers=False, payouts=False, disabled_reason=reason)

    def spend(self, account: str, amount: Money) -> None:
        """The host's bank has it."""
        self.held[account] = self.held.get(account, Money.zero(amount.currency)) - amount

    def tell_payout(self, account: str, kind: str, **data: Any) -> ProcessorEvent:
        return self.money._event(kind, {"id": "po_1", "object": "payout", **data}, account=account)

    def tell_transfer(self, kind: str, name: str) -> ProcessorEvent:
        found = self.transfers[name]
        marks = {"transfer_id": str(found.transfer_id)} if found.transfer_id else {}
        data = {"id": name, "object": "transfer", "amount": found.amount.minor, "metadata": marks}
        return self.money._event(kind, data)

    def _change(self, account: str, **changes: Any) -> ProcessorEvent:
        self.accounts[account] = replace(self.accounts[account], **changes)
        data = {"id": account, "object": "account"}
        return self.money._event("account.updated", data, account=account)
