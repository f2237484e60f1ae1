"""What the marketplace asks on top of a site's prices, where a contract with the site says so."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class FeeSpan:
    """A fee in percent, from a day to another, which is not in it; without one for good."""

    since: date
    until: date | None
    percent: Decimal


def spans(given: Iterable[Mapping[str, Any]] | None) -> tuple[FeeSpan, ...]:
    """Read what the database's `platform_fees` says of a site; nothing where it says nothing."""
    return tuple(
        FeeSpan(
            date.fromisoformat(one["from"]),
            None if one["until"] is None else date.fromisoformat(one["until"]),
            Decimal(one["basis_points"]) / 100,
        )
        for one in given or ()
    )


def fee_on(fees: Sequence[FeeSpan], day: date) -> Decimal | None:
    """Return the fee that counts on a day; None where none is agreed, and the general one counts."""
    counting = (
        one.percent for one in fees if one.since <= day and (one.until is None or day < one.until)
    )
    return next(counting, None)
