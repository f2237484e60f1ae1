"""Credit as pure functions: which grants pay, which get back, and what a discount takes off."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from marketplace.core.money import Money
from marketplace.payments.rules import Earner, PriceLine

# What comes back of credit by a refund can be used for at least so long.
GOOD_AGAIN = timedelta(days=30)
# Processors take no smaller sum by card; what credit leaves to pay is nothing, or at least this.
LEAST_BY_CARD = 50
WHOLE = 10_000
# The kind of a line that lowers a price.
DISCOUNT = "discount"


class Means(StrEnum):
    """By what a payment is made, and a refund goes back."""

    CARD = "card"
    CREDIT = "credit"
    BANK_TRANSFER = "bank_transfer"
    """To our own bank account and from it, written down by an operator."""


class GrantReason(StrEnum):
    """Why somebody has credit."""

    CANCELLATION = "cancellation"
    GOODWILL = "goodwill"
    PROMOTION = "promotion"
    HANDED_ON = "handed_on"
    """It was another account's, who gave it."""


class MoveKind(StrEnum):
    """What happened to credit. Granted and returned add to it, the others take away."""

    GRANTED = "granted"
    USED = "used"
    RETURNED = "returned"
    EXPIRED = "expired"
    REVOKED = "revoked"
    HANDED_ON = "handed_on"


ADDS = (MoveKind.GRANTED, MoveKind.RETURNED)


class UseState(StrEnum):
    """What became of credit that was set aside for a payment."""

    HELD = "held"
    """It is nobody else's to spend while the rest is being paid."""
    USED = "used"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Pot:
    """What can be taken from, or put back into, one grant."""

    grant_id: UUID
    amount: Money


@dataclass(frozen=True, slots=True)
class CreditTerms:
    """What a policy says of credit that it pays back as; `good_for_days` None is for ever."""

    good_for_days: int | None = None
    transferable: bool = False

    def expires_at(self, now: datetime) -> datetime | None:
        return None if self.good_for_days is None else now + timedelta(days=self.good_for_days)


def spread(pots: Sequence[Pot], amount: Money) -> list[Pot]:
    """Take `amount` from the pots, each emptied before the next; `ValueError` if they lack it."""
    taken, left = [], amount
    for pot in pots:
        part = min(left, pot.amount)
        if part:
            taken.append(Pot(pot.grant_id, part))
            left -= part
    if left:
        raise ValueError(f"{amount} is more than there is, by {left}")
    return taken


def good_again_until(expires_at: datetime | None, now: datetime) -> datetime | None:
    """Until when credit that a refund gave back can be used: no sooner than was said before."""
    return None if expires_at is None else max(expires_at, now + GOOD_AGAIN)


def discount(
    lines: Sequence[PriceLine], *, basis_points: int | None, amount: Money | None, words: str
) -> PriceLine | None:
    """Return the line by which a code lowers a price; None if it takes nothing off.

    Hundredths of a percent of the whole price, or an amount; never more than the marketplace's own
    lines, since no host is paid less for a promotion of ours.
    """
    zero = Money.zero(lines[0].amount.currency)
    whole = sum((line.amount for line in lines), zero)
    ours = sum((line.amount for line in lines if line.earner is Earner.PLATFORM), zero)
    if basis_points is not None:
        wanted = whole.allocate([basis_points, WHOLE - basis_points])[0]
    elif amount is not None and amount.currency == zero.currency:
        wanted = amount
    else:
        return None
    taken = min(wanted, ours)
    if taken <= zero:
        return None
    return PriceLine(DISCOUNT, words, -taken, Earner.PLATFORM)


def described(lines: Sequence[PriceLine], before: str) -> list[PriceLine]:
    """Return the lines, each said to be of `before`."""
    return [replace(line, description=f"{before}: {line.description}") for line in lines]
