"""Cancellation terms as data: read once from `data/cancellation_policies.json`, and checked.

A policy is a list of clauses, one for each event that it speaks of; a clause offers one or more
options; an option's windows say, for every whole number of days before the start, what is kept.
What is refunded is computed elsewhere, from these terms as they were frozen on a booking.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from itertools import pairwise
from typing import Any

from marketplace.core.money import Money

FORMAT = 1
WHOLE_IN_BASIS_POINTS = 10_000


class PolicyFault(ValueError):
    """The terms contradict themselves or leave a day undecided."""


class PolicyEvent(StrEnum):
    TRAINEE_CANCELS = "trainee_cancels"
    VISA_DENIED = "visa_denied"
    HOST_WITHDRAWS = "host_withdraws"
    REQUEST_UNANSWERED = "request_unanswered"
    NO_SHOW = "no_show"


class KeptKind(StrEnum):
    NOTHING = "nothing"
    EVERYTHING = "everything"
    AMOUNT = "amount"
    SHARE = "share"
    DEPOSIT = "deposit"


class PaysBackAs(StrEnum):
    ORIGINAL_PAYMENT = "original_payment"
    VOUCHER = "voucher"


class RefundOrder(StrEnum):
    """Where a refund goes first that is less than what was paid, by card and by credit."""

    IN_PROPORTION = "in_proportion"
    CARD_FIRST = "card_first"
    CREDIT_FIRST = "credit_first"


@dataclass(frozen=True)
class Kept:
    """What stays with the provider; `amount` or `basis_points` (of what was paid) by kind."""

    kind: KeptKind
    amount: Money | None = None
    basis_points: int | None = None


@dataclass(frozen=True)
class Window:
    """Whole days before the start from `from_days` to `to_days`, both included; none is open."""

    from_days: int | None
    to_days: int | None
    kept: Kept

    def holds(self, days: int) -> bool:
        """Whether `days` before the start (negative: after it) lie in this window."""
        return (self.from_days is None or self.from_days <= days) and (
            self.to_days is None or days <= self.to_days
        )


@dataclass(frozen=True)
class Option:
    """One way to be paid back; windows are in order and leave no day out.

    A voucher is good for `good_for_days` (None: for ever), and may be handed on if `transferable`.
    """

    key: str
    pays_back_as: PaysBackAs
    windows: tuple[Window, ...]
    good_for_days: int | None = None
    transferable: bool = False

    def window(self, days: int) -> Window:
        return next(window for window in self.windows if window.holds(days))


@dataclass(frozen=True)
class Clause:
    """What happens on `event`; with `proof` only once that evidence is accepted."""

    event: PolicyEvent
    proof: str | None
    after_business_days: int | None
    options: tuple[Option, ...]


@dataclass(frozen=True)
class DepositTerms:
    """The deposit, and how many days before the start the balance is due."""

    amount: Money
    balance_due_days: int


@dataclass(frozen=True)
class CancellationPolicy:
    key: str
    name: str
    summary: str
    source: str
    selectable: bool
    deposit: DepositTerms | None
    deposit_alternatives: tuple[DepositTerms, ...]
    refund_within_days: int | None
    clauses: tuple[Clause, ...]
    refund_order: RefundOrder = RefundOrder.IN_PROPORTION

    def balance_due_days(self, deposit: Money) -> int | None:
        """Days before the start by which the balance is due after this deposit; none if unsaid.

        Providers ask for a larger deposit and an earlier balance for some listings: the listing's
        own deposit says which of the pairs it is under.
        """
        if self.deposit is None:
            return None
        pairs = (self.deposit, *self.deposit_alternatives)
        named = (pair for pair in pairs if pair.amount == deposit)
        return next(named, self.deposit).balance_due_days

    def clause(self, event: PolicyEvent) -> Clause | None:
        """The clause on `event`, or none where the policy does not speak of it."""
        return next((clause for clause in self.clauses if clause.event is event), None)


def read(document: Mapping[str, Any]) -> tuple[CancellationPolicy, ...]:
    """Read a document of this format; raises `PolicyFault` with the policy and what is wrong."""
    if document.get("format") != FORMAT:
        raise PolicyFault(f"unknown format {document.get('format')!r}")
    policies = tuple(read_policy(policy) for policy in document["policies"])
    if len({policy.key for policy in policies}) != len(policies):
        raise PolicyFault("two policies have one key")
    return policies


def read_policy(data: Mapping[str, Any]) -> CancellationPolicy:
    """Read one policy, such as the one that was frozen on a booking."""
    key = data["key"]
    try:
        deposit = data["deposit"]
        return CancellationPolicy(
            key=key,
            name=data["name"],
            summary=data["summary"],
            source=data["source"],
            selectable=data["selectable"],
            deposit=_deposit(deposit) if deposit else None,
            deposit_alternatives=tuple(map(_deposit, deposit["alternatives"] if deposit else ())),
            refund_within_days=data["refund_within_days"],
            clauses=tuple(_clause(clause) for clause in data["clauses"]),
            refund_order=RefundOrder(data.get("refund_order", RefundOrder.IN_PROPORTION)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PolicyFault(f"policy {key!r}: {error}") from error


def fee_currency(key: str) -> str | None:
    """The currency of the fixed fees of a listing's terms; none where they have none.

    A fee can't be taken from a payment in another currency, so such a listing could be booked and
    never cancelled.
    """
    for clause in POLICIES[key].clauses:
        for option in clause.options:
            for window in option.windows:
                if window.kept.amount is not None:
                    return window.kept.amount.currency
    return None


def _deposit(data: Mapping[str, Any]) -> DepositTerms:
    return DepositTerms(Money(data["amount"], data["currency"]), data["balance_due_days"])


def _clause(data: Mapping[str, Any]) -> Clause:
    options = tuple(_option(option) for option in data["options"])
    if not options:
        raise PolicyFault(f"{data['event']}: no option")
    return Clause(PolicyEvent(data["event"]), data["proof"], data["after_business_days"], options)


def _option(data: Mapping[str, Any]) -> Option:
    windows = tuple(
        Window(window["from_days"], window["to_days"], _kept(window["kept"]))
        for window in data["windows"]
    )
    _check_cover(windows)
    days = data.get("good_for_days")
    if days is not None and days < 1:
        raise PolicyFault("a voucher is good for a day at least")
    return Option(
        data["key"],
        PaysBackAs(data["pays_back_as"]),
        windows,
        good_for_days=days,
        transferable=data.get("transferable", False),
    )


def _check_cover(windows: tuple[Window, ...]) -> None:
    """Windows ascend, touch, and are open at both ends, so that every day has one answer."""
    if not windows or windows[0].from_days is not None or windows[-1].to_days is not None:
        raise PolicyFault("the first window is open below and the last one above")
    for before, after in pairwise(windows):
        if before.to_days is None or after.from_days != before.to_days + 1:
            raise PolicyFault(f"a gap or an overlap after {before.to_days} days")
    for window in windows[1:-1]:
        if window.from_days is None or window.to_days is None or window.from_days > window.to_days:
            raise PolicyFault(f"an empty window from {window.from_days} days")


def _kept(data: Mapping[str, Any]) -> Kept:
    kind = KeptKind(data["kind"])
    if kind is KeptKind.AMOUNT:
        amount = Money(data["amount"], data["currency"])
        if amount.minor < 0:
            raise PolicyFault("a kept amount is not negative")
        return Kept(kind, amount=amount)
    if kind is KeptKind.SHARE:
        share = data["basis_points"]
        if not 0 <= share <= WHOLE_IN_BASIS_POINTS:
            raise PolicyFault("a kept share is between 0 and 10,000 basis points")
        return Kept(kind, basis_points=share)
    return Kept(kind)


DOCUMENT: Mapping[str, Any] = json.loads(
    files("marketplace.catalog").joinpath("data/cancellation_policies.json").read_text("utf-8")
)
POLICIES: Mapping[str, CancellationPolicy] = {policy.key: policy for policy in read(DOCUMENT)}
TERMS: Mapping[str, Mapping[str, Any]] = {data["key"]: data for data in DOCUMENT["policies"]}
SELECTABLE: tuple[str, ...] = tuple(key for key, policy in POLICIES.items() if policy.selectable)
ALWAYS: tuple[str, ...] = tuple(key for key, policy in POLICIES.items() if not policy.selectable)
