"""What a cancellation pays back, line by line: a pure function of frozen terms and facts.

No policy has code of its own. The terms (see `catalog.rules.policies`) say for each event and each
whole number of days before the first day what is kept of what was paid; never more is kept than
was paid, and what is not kept goes back.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from marketplace.booking.errors import ProofNeeded, TermsSilent
from marketplace.catalog.rules.policies import (
    WHOLE_IN_BASIS_POINTS,
    CancellationPolicy,
    Clause,
    Kept,
    KeptKind,
    Option,
    PaysBackAs,
    PolicyEvent,
    RefundOrder,
    Window,
)
from marketplace.core.money import Money
from marketplace.payments.rules.credit import CreditTerms

# The line of what had gone back to the payer before.
GONE = "gone"


@dataclass(frozen=True)
class There:
    """What is still there of what was paid: `left` can go back, `lost` the payer's bank has taken."""

    left: Money
    lost: Money


@dataclass(frozen=True)
class Facts:
    """What a quote depends on; `days` are whole days before the first day at the site.

    Without `there` all that was paid is there.
    """

    booking_id: UUID
    event: PolicyEvent
    days: int
    paid: Money
    deposit: Money
    proofs: frozenset[str] = frozenset()
    # What the trainee's own cancelling keeps whatever the terms say, from an earlier change.
    at_least: Money | None = None
    there: There | None = None


@dataclass(frozen=True)
class Parts:
    """What was paid, by what becomes of it."""

    kept: Money
    gone: Money
    refund: Money


@dataclass(frozen=True)
class QuoteLine:
    """`code` is stable; the amounts of all lines but `refund` sum to the refund."""

    code: str
    text: str
    amount: Money


@dataclass(frozen=True)
class Choice:
    """One of the ways to be paid back that the terms offer, and what it comes to."""

    option: str
    pays_back_as: PaysBackAs
    kept: Money
    refund: Money


@dataclass(frozen=True)
class Quote:
    """The exact outcome of cancelling now, and the mark by which the trainee commits to it.

    `credit` are the terms of what is paid back as a voucher; `choices` the ways among which this
    is one.
    """

    event: PolicyEvent
    option: str
    pays_back_as: PaysBackAs
    policy_key: str
    days: int
    valid_through_days: int | None
    lines: tuple[QuoteLine, ...]
    paid: Money
    kept: Money
    refund: Money
    within_days: int | None
    mark: str
    refund_order: RefundOrder = RefundOrder.IN_PROPORTION
    credit: CreditTerms | None = None
    choices: tuple[Choice, ...] = ()


def options(policies: Sequence[CancellationPolicy], event: PolicyEvent) -> tuple[Option, ...]:
    """The ways to be paid back on `event`; the trainee chooses one."""
    _, clause = _clause(policies, event)
    return clause.options


def quote(
    policies: Sequence[CancellationPolicy], facts: Facts, option_key: str | None = None
) -> Quote:
    """Compute the refund under the first of `policies` that speaks of the event.

    `option_key` chooses among a clause's options (by default the first that pays money back).
    Raises `TermsSilent` where no clause or option fits, `ProofNeeded` where a proof is lacking.
    """
    policy, clause = _clause(policies, facts.event)
    if clause.proof is not None and clause.proof not in facts.proofs:
        raise ProofNeeded(extra={"proof": clause.proof})
    option = _option(clause, option_key)
    window = option.window(facts.days)
    by_terms = min(max(_kept(window.kept, facts), _least(facts)), facts.paid)
    gone, refund = _gone_and_back(facts, facts.paid - by_terms)
    kept = facts.paid - gone - refund
    lines = _lines(policy, option, window, facts, Parts(kept, gone, refund))
    return Quote(
        event=facts.event,
        option=option.key,
        pays_back_as=option.pays_back_as,
        policy_key=policy.key,
        days=facts.days,
        valid_through_days=window.from_days,
        lines=lines,
        paid=facts.paid - gone,
        kept=kept,
        refund=refund,
        within_days=policy.refund_within_days,
        mark=_mark(facts, option, policy.key, lines),
        refund_order=policy.refund_order,
        credit=_credit(option),
    )


def _gone_and_back(facts: Facts, wanted: Money) -> tuple[Money, Money]:
    """What had gone to the payer before, and what goes back now of what the terms give back.

    What a dispute took counts as given back; a refund that somebody granted does only where no more
    is left.
    """
    if facts.there is None:
        return Money.zero(wanted.currency), wanted
    lost = min(facts.there.lost, facts.paid)
    owed = max(wanted - lost, Money.zero(wanted.currency))
    refund = min(owed, facts.there.left)
    return lost + owed - refund, refund


def choices(sets: Sequence[Sequence[CancellationPolicy]], facts: Facts) -> tuple[Choice, ...]:
    """Return every way to be paid back under these sets of terms, each at its best."""
    keys: dict[str, None] = {}
    for policies in sets:
        with suppress(TermsSilent):
            keys |= dict.fromkeys(option.key for option in options(policies, facts.event))
    quotes = [better_of(sets, facts, key) for key in keys]
    return tuple(Choice(one.option, one.pays_back_as, one.kept, one.refund) for one in quotes)


def _credit(option: Option) -> CreditTerms | None:
    if option.pays_back_as is not PaysBackAs.VOUCHER:
        return None
    return CreditTerms(option.good_for_days, option.transferable)


def _clause(
    policies: Sequence[CancellationPolicy], event: PolicyEvent
) -> tuple[CancellationPolicy, Clause]:
    for policy in policies:
        clause = policy.clause(event)
        if clause is not None:
            return policy, clause
    raise TermsSilent(f"The terms say nothing about {event.value}.")


def _option(clause: Clause, key: str | None) -> Option:
    if key is None:
        money = (o for o in clause.options if o.pays_back_as is PaysBackAs.ORIGINAL_PAYMENT)
        return next(money, clause.options[0])
    for option in clause.options:
        if option.key == key:
            return option
    choices = [option.key for option in clause.options]
    raise TermsSilent(f"There is no option {key!r}.", extra={"options": choices})


def _kept(kept: Kept, facts: Facts) -> Money:
    match kept.kind:
        case KeptKind.NOTHING:
            return Money.zero(facts.paid.currency)
        case KeptKind.EVERYTHING:
            return facts.paid
        case KeptKind.DEPOSIT:
            return min(facts.deposit, facts.paid)
        case KeptKind.SHARE:
            share = kept.basis_points or 0
            rest = WHOLE_IN_BASIS_POINTS - share
            return facts.paid.allocate([share, rest])[0]
        case KeptKind.AMOUNT:
            return _in_currency(kept.amount, facts)


def _least(facts: Facts) -> Money:
    if facts.at_least is None or facts.event is not PolicyEvent.TRAINEE_CANCELS:
        return Money.zero(facts.paid.currency)
    return _in_currency(facts.at_least, facts)


def better_of(
    choices: Sequence[Sequence[CancellationPolicy]], facts: Facts, option_key: str | None = None
) -> Quote:
    """Work out the quote under each set of terms and return the one that pays back most.

    The first of equals. Where no set speaks of what is asked, the refusal of the first is raised.
    """
    found, refusals = [], []
    for policies in choices:
        try:
            found.append(quote(policies, facts, option_key))
        except (TermsSilent, ProofNeeded) as refused:
            refusals.append(refused)
    if not found:
        raise refusals[0]
    return max(found, key=lambda one: one.refund.minor)


def _in_currency(amount: Money | None, facts: Facts) -> Money:
    """A fixed fee; one in another currency than the payment can't be taken from it."""
    if amount is None or amount.currency != facts.paid.currency:
        raise TermsSilent("The fee of these terms is in another currency than the payment.")
    return amount


def _lines(
    policy: CancellationPolicy,
    option: Option,
    window: Window,
    facts: Facts,
    parts: Parts,
) -> tuple[QuoteLine, ...]:
    deposit = min(facts.deposit, facts.paid)
    balance = facts.paid - deposit
    lines = [QuoteLine("deposit_paid", "Paid to book", deposit)]
    if balance:
        lines.append(QuoteLine("balance_paid", "Balance, as paid", balance))
    if parts.gone:
        lines.append(QuoteLine(GONE, "Went back to the payer before", -parts.gone))
    if parts.kept:
        lines.append(QuoteLine("kept", f"{policy.name}: {_when(window)}", -parts.kept))
    as_credit = option.pays_back_as is PaysBackAs.VOUCHER
    lines.append(
        QuoteLine("refund", "Credit for a later booking" if as_credit else "Refund", parts.refund)
    )
    return tuple(lines)


def _when(window: Window) -> str:
    if window.from_days is None and window.to_days is None:
        return "kept whenever it is cancelled"
    if window.from_days is None:
        return f"kept from {_days(window.to_days)} before the start on"
    if window.to_days is None:
        return f"kept up to {_days(window.from_days)} before the start"
    return f"kept from {window.to_days} to {window.from_days} days before the start"


def _days(number: int | None) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _mark(facts: Facts, option: Option, policy_key: str, lines: Collection[QuoteLine]) -> str:
    """Two quotes have one mark exactly when they say the same about the money.

    The number of days is left out: a night that changes no figure asks for no new decision.
    """
    said: dict[str, Any] = {
        "booking": str(facts.booking_id),
        "event": facts.event.value,
        "option": option.key,
        "pays_back_as": option.pays_back_as.value,
        "policy": policy_key,
        "lines": [[line.code, line.amount.minor, line.amount.currency] for line in lines],
    }
    if option.pays_back_as is PaysBackAs.VOUCHER:
        said["voucher"] = [option.good_for_days, option.transferable]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
