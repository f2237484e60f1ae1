"""What it means in money that one booking takes over from another: a pure function of the facts.

What was paid is carried over. Of the present price and the one that was frozen the lower one
holds; what the frozen terms would keep of a cancellation now stays at least, so that changing the
weeks is never a cheaper way out than cancelling.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from marketplace.booking.rules.cancellation import QuoteLine
from marketplace.booking.rules.stays import Stay
from marketplace.core.money import Money
from marketplace.payments.rules import Earner, PriceLine, Quote, quote, split, total
from marketplace.payments.rules.credit import DISCOUNT

WEEKS = "weeks"
FEE = "platform_fee"
PROTECTION = "price_protection"
EARLIER_TERMS = "earlier_terms"


class ChangeKind(StrEnum):
    RESCHEDULE = "reschedule"
    TRANSFER = "transfer"
    RESCUE = "rescue"


@dataclass(frozen=True)
class ChangeQuote:
    """What takes over, at what price, and what becomes of the money; `mark` commits to it.

    `carried` + `refund` is what was paid; `carried` + `due` is the new price. `kept_at_least` is
    what the new booking's cancellation by the trainee keeps whatever the terms say.
    """

    kind: ChangeKind
    listing_id: UUID
    first_day: date
    weeks: int
    price_lines: tuple[PriceLine, ...]
    lines: tuple[QuoteLine, ...]
    price_before: Money
    price: Money
    paid: Money
    carried: Money
    refund: Money
    due: Money
    due_on: date | None
    kept_at_least: Money
    policies: tuple[str, ...]
    mark: str
    # Of one rotation of an itinerary: the stays that the whole of it would make.
    stays: tuple[Stay, ...] = ()
    # Whether the host of what takes over decides on each trainee, as things stand.
    asks_host: bool = False


@dataclass(frozen=True)
class Change:
    """The facts of a change: what takes over from the booking, and when it would have to be paid.

    `price` are the lines of what takes over; `least` is what stays of what was paid in any case.
    """

    kind: ChangeKind
    booking_id: UUID
    to: UUID
    listing_id: UUID
    first_day: date
    weeks: int
    price: Sequence[PriceLine]
    price_before: Sequence[PriceLine]
    paid: Money
    least: Money
    due_on: date | None
    policies: tuple[str, ...]
    stays: tuple[Stay, ...] = ()
    asks_host: bool = False


@dataclass(frozen=True)
class Protection:
    """Who pays what a rescue costs more than the rotation that was called off.

    `by_host` is the part of the host that called off, `by_platform` the marketplace's; it keeps
    the fee that it had, or has less. `to_host` is what the new host lacks of its price once the
    trainee has paid in full.
    """

    by_host: Money
    by_platform: Money
    to_host: Money


def lower_price(present: Quote | None, before: Sequence[PriceLine], weeks: int) -> Quote:
    """Return the lower of the present price of `weeks` weeks and the frozen price for as many.

    `present` is none where the listing is priced in another currency now.
    """
    frozen = same_rates(before, weeks)
    return frozen if present is None or frozen.total <= present.total else present


def same_rates(lines: Sequence[PriceLine], weeks: int) -> Quote:
    """Price `weeks` weeks at the weekly price and the share of the fee that `lines` have."""
    rotation = next(line for line in lines if line.kind == WEEKS)
    fees = sum(line.amount.minor for line in lines if line.kind == FEE)
    percent = Decimal(fees) * 100 / rotation.amount.minor if rotation.amount else Decimal(0)
    weekly = Money(rotation.amount.minor // rotation.quantity, rotation.amount.currency)
    plain = quote(price_per_week=weekly, weeks=weeks, platform_fee_percent=percent)
    return quote(
        price_per_week=weekly,
        weeks=weeks,
        platform_fee_percent=percent,
        extra=_same_discounts(lines, split(plain.lines).platform),
    )


def _same_discounts(lines: Sequence[PriceLine], fee: Money) -> list[PriceLine]:
    """What codes took off goes on being taken off, as far as there is a fee to take it off."""
    found = []
    for line in lines:
        taken = min(-line.amount, fee) if line.kind == DISCOUNT else Money.zero(fee.currency)
        if taken:
            found.append(replace(line, amount=-taken))
            fee -= taken
    return found


def protected(lines: Sequence[PriceLine], before: Money) -> tuple[PriceLine, ...]:
    """Return the lines of a rescue, which costs the trainee no more than what was called off."""
    over = total(lines) - before
    if over <= Money.zero(before.currency):
        return tuple(lines)
    text = "Price protection: the host called your rotation off"
    return (*lines, PriceLine(PROTECTION, text, -over, Earner.PLATFORM))


def protection(before: Sequence[PriceLine], lines: Sequence[PriceLine]) -> Protection | None:
    """Divide what the trainee is spared of `lines`, a rescue's price; None where it is nothing.

    The host that called off pays by how much the new host's price exceeds its own, at most its own
    price once more. The rest is the marketplace's, out of its fee first.
    """
    spared = [line.amount for line in lines if line.kind == PROTECTION]
    if not spared:
        return None
    over = -sum(spared, Money.zero(spared[0].currency))
    full = [line for line in lines if line.kind != PROTECTION]
    was, now = split(before).host, split(full).host
    nothing = Money.zero(over.currency)
    by_host = min(max(now - was, nothing), was, over)
    return Protection(by_host, over - by_host, now - split(lines).host)


def change_quote(change: Change) -> ChangeQuote:
    """Work out the change; the same facts give the same mark, whenever and however often."""
    price = list(change.price)
    least = min(change.least, change.paid)
    if total(price) < least:
        price += _earlier_terms(change.price_before, least - total(price))
    whole = total(price)
    carried = min(change.paid, whole)
    refund, due = change.paid - carried, whole - carried
    lines = [
        QuoteLine("paid", "What was paid, carried over", change.paid),
        *(QuoteLine("price", line.description, -line.amount) for line in price),
    ]
    lines.append(
        QuoteLine("due", "To be paid for the new weeks", due)
        if due
        else QuoteLine("refund", "Goes back", refund)
    )
    return ChangeQuote(
        kind=change.kind,
        listing_id=change.listing_id,
        first_day=change.first_day,
        weeks=change.weeks,
        price_lines=tuple(price),
        lines=tuple(lines),
        price_before=total(change.price_before),
        price=whole,
        paid=change.paid,
        carried=carried,
        refund=refund,
        due=due,
        due_on=change.due_on if due else None,
        kept_at_least=least,
        policies=change.policies,
        mark=_mark(change, lines, least),
        stays=change.stays,
        asks_host=change.asks_host,
    )


def _earlier_terms(before: Sequence[PriceLine], amount: Money) -> list[PriceLine]:
    """What the earlier terms keep beyond the new price, to both sides as the earlier price did."""
    shares = split(before)
    host, platform = amount.allocate([shares.host.minor, shares.platform.minor])
    text = "Kept by the terms of your earlier weeks"
    both = ((host, Earner.HOST), (platform, Earner.PLATFORM))
    return [PriceLine(EARLIER_TERMS, text, part, earner) for part, earner in both if part]


def _mark(change: Change, lines: Sequence[QuoteLine], least: Money) -> str:
    """Two quotes have one mark exactly when they say the same; see `rules.cancellation`."""
    said: dict[str, Any] = {
        "kind": change.kind.value,
        "booking": str(change.booking_id),
        "to": str(change.to),
        "listing": str(change.listing_id),
        "first_day": change.first_day.isoformat(),
        "weeks": change.weeks,
        "policies": change.policies,
        "least": [least.minor, least.currency],
        "lines": [[line.code, line.amount.minor, line.amount.currency] for line in lines],
    }
    if change.stays:
        said["stays"] = [[stay.country, stay.verdict.value] for stay in change.stays]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
