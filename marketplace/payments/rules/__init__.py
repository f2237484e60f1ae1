"""Amounts worked out by pure functions: quotes, deposits, shares, refunds by line."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Literal
from uuid import UUID

from marketplace.core.money import Money

Purpose = Literal["whole", "deposit", "balance", "application_fee"]
PURPOSES: tuple[Purpose, ...] = ("whole", "deposit", "balance", "application_fee")


class Earner(StrEnum):
    """Whose revenue a line is."""

    HOST = "host"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of a price. `amount` is for the whole line; discounts are negative lines."""

    kind: str
    description: str
    amount: Money
    earner: Earner
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """What one of several things paid at once costs: its payable's kind and id, and whose it is.

    The lines sum to more than nothing; all parts of a payment are in one currency.
    """

    kind: str
    id: UUID
    site_id: UUID
    lines: tuple[PriceLine, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """How an amount divides between the host and the platform; both parts add up to it."""

    host: Money
    platform: Money

    @property
    def whole(self) -> Money:
        return self.host + self.platform


@dataclass(frozen=True, slots=True)
class Quote:
    """A price line by line, and how it is paid: `deposit` now, `balance` later.

    `deposit_lines` and `balance_lines` are the same lines in two parts that add up to them, line
    by line, so that no rounding is left over. Paid whole, the balance has no lines.
    """

    lines: tuple[PriceLine, ...]
    deposit_lines: tuple[PriceLine, ...]
    balance_lines: tuple[PriceLine, ...]

    @property
    def total(self) -> Money:
        return total(self.lines)

    @property
    def deposit(self) -> Money:
        return total(self.deposit_lines)

    @property
    def balance(self) -> Money:
        return self.total - self.deposit


def total(lines: Sequence[PriceLine]) -> Money:
    """Return the sum of `lines`, which are of one currency; `ValueError` for none at all."""
    if not lines:
        raise ValueError("a price has at least one line")
    whole = Money.zero(lines[0].amount.currency)
    for line in lines:
        whole += line.amount
    return whole


def quote(
    *,
    price_per_week: Money,
    weeks: int,
    platform_fee_percent: Decimal,
    deposit_percent: Decimal | None = None,
    deposit_amount: Money | None = None,
    extra: Sequence[PriceLine] = (),
) -> Quote:
    """Price `weeks` whole weeks. The fee is the platform's, on top of the host's price.

    The deposit is the fixed amount of the listing's terms, at most the total, where they have one;
    else `deposit_percent` of the total; with neither the whole is due at once.
    """
    if weeks < 1 or price_per_week.minor < 0:
        raise ValueError("a quote is for at least one week at a price that is not negative")
    rotation = price_per_week * weeks
    words = "1 week" if weeks == 1 else f"{weeks} weeks"
    lines = [PriceLine("weeks", f"Rotation, {words}", rotation, Earner.HOST, weeks)]
    fee = rotation.percent(platform_fee_percent)
    if fee:
        lines.append(PriceLine("platform_fee", "Platform fee", fee, Earner.PLATFORM))
    lines.extend(extra)
    due = deposit_due(total(lines), deposit_percent, deposit_amount)
    deposit_lines, balance_lines = divide(lines, due)
    return Quote(tuple(lines), deposit_lines, balance_lines)


def deposit_due(whole: Money, percent: Decimal | None, fixed: Money | None) -> Money:
    """Return what is due at once of `whole`: never more than it, and more than nothing."""
    if whole.minor < 0:
        raise ValueError("discounts exceed the price")
    if fixed is not None:
        due = fixed
    elif percent is not None:
        due = whole.percent(percent)
    else:
        due = whole
    if due <= Money.zero(whole.currency) or due > whole:
        return whole
    return due


def divide(
    lines: Sequence[PriceLine], amount: Money
) -> tuple[tuple[PriceLine, ...], tuple[PriceLine, ...]]:
    """Return `lines` in two parts: one of `amount` in proportion to them, and the rest.

    The two add up to the lines, line by line, without lines of nothing. Discounts are first taken
    off the lines of their own earner, then off the others; a part that is the whole keeps them.
    """
    whole = total(lines)
    if not Money.zero(whole.currency) <= amount <= whole:
        raise ValueError(f"{amount} is not a part of {whole}")
    if amount == whole:
        return tuple(lines), ()
    if not amount:
        return (), tuple(lines)
    net = _without_discounts(lines)
    parts = amount.allocate([line.amount.minor for line in net])
    both = list(zip(net, parts, strict=True))
    return (
        tuple(replace(line, amount=part) for line, part in both if part),
        tuple(
            replace(line, amount=line.amount - part) for line, part in both if line.amount > part
        ),
    )


def split(lines: Sequence[PriceLine]) -> Split:
    """Return how the lines divide between host and platform, discounts taken off: never negative."""
    zero = Money.zero(total(lines).currency)
    net = _without_discounts(lines)
    host = sum((line.amount for line in net if line.earner is Earner.HOST), zero)
    return Split(host, total(lines) - host)


def refund_split(paid: Split, refunded: Split, amount: Money) -> Split:
    """Divide a refund of `amount` so that after the last one each side has given back its part.

    Both sides give in proportion to what they still have of the payment, so partial refunds in any
    number and order end with nothing left over on either side.
    """
    host_left = paid.host - refunded.host
    platform_left = paid.platform - refunded.platform
    if not Money.zero(amount.currency) < amount <= host_left + platform_left:
        raise ValueError(f"{amount} is more than is left of {paid.whole}")
    host, platform = amount.allocate([host_left.minor, platform_left.minor])
    return Split(host, platform)


def _without_discounts(lines: Sequence[PriceLine]) -> list[PriceLine]:
    """Return the positive lines, less the discounts, so that they can carry proportions."""
    positive = [line for line in lines if line.amount.minor > 0]
    for discount in (line for line in lines if line.amount.minor < 0):
        positive = _take_off(positive, discount)
    return positive


def _take_off(lines: list[PriceLine], discount: PriceLine) -> list[PriceLine]:
    left = -discount.amount
    ordered = sorted(
        range(len(lines)), key=lambda place: lines[place].earner is not discount.earner
    )
    for place in ordered:
        part = min(left, lines[place].amount)
        lines[place] = replace(lines[place], amount=lines[place].amount - part)
        left -= part
    if left:
        raise ValueError("discounts exceed the price")
    return [line for line in lines if line.amount]
