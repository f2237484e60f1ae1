"""The tax that prices contain, as documents state it: pure arithmetic in whole minor units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marketplace.core.money import Money
from marketplace.payments.rules import Split

WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class TaxTerms:
    """A tax by its name and its rate in percent; `on` says whose lines it is on: platform, or all."""

    name: str
    percent: Decimal
    on: str

    def on_part(self, amounts: Split) -> Money:
        """Return what of these amounts is taxed."""
        return amounts.platform if self.on == "platform" else amounts.whole


def contained(taxed: Money, percent: Decimal) -> Money:
    """Return the tax that is in `taxed`, which contains it; halves are rounded up.

    The rate counts to a hundredth of a percent; `taxed` is not negative.
    """
    rate = int(percent * 100)
    if taxed.minor < 0 or rate < 0:
        raise ValueError("a tax is on an amount that is not negative, at such a rate")
    whole = WHOLE + rate
    return Money((2 * taxed.minor * rate + whole) // (2 * whole), taxed.currency)


def stated(terms: TaxTerms | None, amounts: Split) -> list[dict[str, str]]:
    """Return the lines of taxes as a document keeps and prints them; none where nothing is taxed."""
    if terms is None or not terms.on_part(amounts):
        return []
    taxed = terms.on_part(amounts)
    return [
        {
            "name": terms.name,
            "percent": f"{terms.percent:f}",
            "on": terms.on,
            "taxed": str(taxed),
            "amount": str(contained(taxed, terms.percent)),
        }
    ]


def stated_again(lines: Sequence[Mapping[str, Any]], amounts: Split) -> list[dict[str, str]]:
    """Return the same taxes, by the rates of an earlier document, for a part of what it was about."""
    terms = [TaxTerms(line["name"], Decimal(line["percent"]), line["on"]) for line in lines]
    return [line for one in terms for line in stated(one, amounts)]
