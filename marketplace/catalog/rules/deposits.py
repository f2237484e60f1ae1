"""What is due when a seat is booked: the deposit rule of a listing.

A cell reads nothing (as the cancellation terms or else the marketplace say), `whole`, a percentage
such as `25%`, or an amount in the listing's currency such as `200.00`.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from marketplace.catalog.rules.cells import HIGHEST_PRICE_IN_MAJOR_UNITS, CellFault, Read, price
from marketplace.core.money import Money

EXPECTED = "whole, a percentage such as 25%, or an amount such as 200.00"
WHOLE_BASIS_POINTS = 10_000
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,2})?)\s*(?:%|percent)", re.IGNORECASE | re.ASCII)


class DepositKind(StrEnum):
    # The fixed deposit of the cancellation terms, else the marketplace's own share.
    STANDARD = "standard"
    WHOLE = "whole"
    SHARE = "share"
    AMOUNT = "amount"


@dataclass(frozen=True)
class DepositRule:
    """`basis_points` of the total for a share, `amount` for an amount, neither for the others."""

    kind: DepositKind = DepositKind.STANDARD
    basis_points: int | None = None
    amount: Money | None = None

    @property
    def percent(self) -> Decimal | None:
        return None if self.basis_points is None else Decimal(self.basis_points) / 100


STANDARD = DepositRule()


def text_of(rule: DepositRule) -> str:
    """The rule as a cell, empty for the standard one."""
    if rule.percent is not None:
        return f"{rule.percent.normalize():f}%"
    if rule.amount is not None:
        return f"{rule.amount.as_decimal():f}"
    return "" if rule.kind is DepositKind.STANDARD else rule.kind.value


def read(text: str, currency: str) -> Read[DepositRule]:
    """Read a cell of a listing that is priced in `currency`."""
    word = text.casefold()
    if word == DepositKind.STANDARD:
        return Read(STANDARD)
    if word in {"whole", "full", "all", "100%"}:
        return Read(DepositRule(DepositKind.WHOLE), None if text == "whole" else "whole")
    share = _SHARE.fullmatch(text)
    if share is not None:
        return _share(Decimal(share[1]), text)
    try:
        amount = price(text, currency).value
    except CellFault as fault:
        expected = fault.expected if fault.code == "contradiction" else EXPECTED
        if fault.code == "price_too_high":
            expected = f"at most {HIGHEST_PRICE_IN_MAJOR_UNITS:,} {currency}"
        raise CellFault("not_a_deposit", expected) from fault
    rule = DepositRule(DepositKind.AMOUNT, amount=amount)
    return Read(rule, None if text_of(rule) == text else text_of(rule))


def _share(percent: Decimal, text: str) -> Read[DepositRule]:
    points = int(percent * 100)
    if not 0 < points < WHOLE_BASIS_POINTS:
        raise CellFault("not_a_deposit", "a percentage above 0 and below 100, or whole")
    rule = DepositRule(DepositKind.SHARE, basis_points=points)
    return Read(rule, None if text_of(rule) == text else text_of(rule))
