"""What makes a payment less: a code that lowers the price, and credit that pays in the card's stead.

The price that was frozen stays as it is until a payment that was begun with a code settles: then
the booking's price has the discount among its lines, for good. What is due for several bookings at
once is lowered by one code and paid by credit in the proportion of what is due for each.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.booking.models import Booking
from marketplace.booking.rules import frozen
from marketplace.booking.rules.less import Less
from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments import queries as payments
from marketplace.payments.events import Payable, PaymentSettled
from marketplace.payments.rules import Part, PriceLine, Purpose, divide, total
from marketplace.payments.rules.cards import PAGE, CardUse
from marketplace.payments.service import asking, vouchers
from marketplace.payments.service.credit import paying
from marketplace.payments.service.vouchers import Lowered, Priced

CREDIT_LINE = "credit"


NOTHING = Less()


@dataclass(frozen=True)
class Asked:
    """A payment that was asked for; `settled` if credit paid all of it at once."""

    payment_id: UUID
    settled: bool


@dataclass(frozen=True)
class Look:
    """What would be paid now: the whole price by line, the sum due, and by which means.

    `available` is the credit that could pay, in the price's currency.
    """

    purpose: Purpose
    lines: tuple[PriceLine, ...]
    total: Money
    discount: Money
    due: Money
    credit: Money
    by_card: Money
    available: Money


@dataclass(frozen=True)
class Brought:
    """What arrived with a card's payment for one booking: its sum, and what the code changes."""

    amount: Money
    values: Mapping[str, Any]


class Gone(Exception):
    """The credit, or the last use of the code, was spent while the payment seemed lost."""


def lowered(
    session: Session,
    bookings: Sequence[Booking],
    less: Less,
    purpose: Purpose,
    now: datetime,
) -> Lowered | None:
    """Say what the code takes off these prices, if one is given; nothing is claimed."""
    if less.code is None:
        return None
    if purpose == "balance":
        raise vouchers.too_late()
    things = [
        Priced(one.id, one.listing_id, one.site_id, tuple(one.price_lines)) for one in bookings
    ]
    return vouchers.lower(session, less.code, bookings[0].trainee_id, things, now)


def lines_due(booking: Booking, part: str, discount: PriceLine | None) -> tuple[PriceLine, ...]:
    """Return `lines`, `deposit` or `balance` of the booking's price, the discount taken off."""
    price = booking.price
    if discount is not None:
        price = frozen.with_discount(price, discount, booking.deposit)
    return tuple(frozen.price_lines(price, part))


def look(
    session: Session,
    bookings: Sequence[Booking],
    due: Sequence[Sequence[PriceLine]],
    less: Less,
    found: Lowered | None,
    purpose: Purpose,
    now: datetime,
) -> Look:
    """Show what would be paid; the same refusals as paying, and nothing is changed."""
    zero = Money.zero(bookings[0].total.currency)
    discounts = dict(found.lines) if found else {}
    lines = [line for one in bookings for line in one.price_lines]
    lines += discounts.values()
    whole = sum((total(one) for one in due if one), zero)
    credit = less.credit or zero
    if less.credit is not None:
        paying.check_amount(whole, less.credit)
        lines.append(credit_line(bookings[0], credit))
    own = payments.available(session, bookings[0].trainee_id, now)
    return Look(
        purpose=purpose,
        lines=tuple(lines),
        total=sum((one.total for one in bookings), zero) - (found.discount if found else zero),
        discount=found.discount if found else zero,
        due=whole,
        credit=credit,
        by_card=whole - credit,
        available=next((one for one in own if one.currency == zero.currency), zero),
    )


def credit_line(booking: Booking, credit: Money) -> PriceLine:
    """The line by which a quote shows credit: no part of a price, whoever earns it."""
    earner = booking.price_lines[0].earner
    return PriceLine(CREDIT_LINE, "Paid by your credit", -credit, earner)


def request(
    session: Session,
    *,
    payable: Payable,
    purpose: Purpose,
    payer_id: UUID,
    site_id: UUID | None,
    parts: Sequence[Part],
    less: Less,
    found: Lowered | None,
    description: str,
    expires_in: timedelta,
    now: datetime,
    locked: bool,
    return_path: str | None = None,
    card: CardUse = PAGE,
) -> Asked:
    """Ask for what is due, less the code and the credit; settled at once if that is all of it.

    One that is settled is announced by the caller, once its booking waits for it. `site_id` where
    it is for one thing, which then is the one part.
    """
    if not locked:
        payments.lock_payable(session, payable)
    lines = [line for part in parts for line in part.lines]
    if less.credit is not None:
        paying.check_amount(total(lines), less.credit)
    use = vouchers.claim(session, found, payer_id, payable, now) if found else None
    use_id = use.id if use else None
    in_parts = () if site_id is not None else tuple(parts)
    if less.credit is None:
        payment = asking.request(
            session,
            payable=payable,
            purpose=purpose,
            payer_id=payer_id,
            site_id=site_id,
            lines=lines,
            parts=in_parts,
            description=description,
            expires_in=expires_in,
            now=now,
            locked=True,
            return_path=return_path,
            voucher_use_id=use_id,
            card=card,
        )
        return Asked(payment.id, settled=False)
    if less.credit == total(lines):
        payment = paying.pay_wholly(
            session,
            payable=payable,
            purpose=purpose,
            payer_id=payer_id,
            site_id=site_id,
            lines=lines,
            parts=in_parts,
            description=description,
            now=now,
            voucher_use_id=use_id,
        )
        return Asked(payment.id, settled=True)
    by_credit, by_card = shared(parts, less.credit)
    payment = paying.request_beside(
        session,
        payable=payable,
        purpose=purpose,
        payer_id=payer_id,
        site_id=site_id,
        by_card=_lines(by_card),
        by_credit=_lines(by_credit),
        card_parts=by_card if site_id is None else (),
        credit_parts=by_credit if site_id is None else (),
        description=description,
        expires_in=expires_in,
        now=now,
        return_path=return_path,
        voucher_use_id=use_id,
        card=card,
    )
    return Asked(payment.id, settled=False)


def announce(session: Session, asked: Asked, now: datetime) -> None:
    """Tell of a payment that credit made, now that its owner waits for it."""
    if asked.settled:
        paying.announce(session, asked.payment_id, now)


def shared(parts: Sequence[Part], credit: Money) -> tuple[list[Part], list[Part]]:
    """Divide each part between credit and card, in the proportion of what is due for each.

    Something of each is left to the card, whose payment names what it is for.
    """
    due = [total(part.lines) for part in parts]
    shares = credit.allocate([one.minor for one in due])
    least = Money(1, credit.currency)
    for place, share in enumerate(shares):
        if share == due[place]:
            other = next(n for n, one in enumerate(shares) if one + least < due[n])
            shares[place] -= least
            shares[other] += least
    by_credit, by_card = [], []
    for part, share in zip(parts, shares, strict=True):
        ours, rest = divide(part.lines, share)
        if ours:
            by_credit.append(replace(part, lines=ours))
        if rest:
            by_card.append(replace(part, lines=rest))
    return by_credit, by_card


def eased(event: PaymentSettled) -> bool:
    """Whether credit waits beside the payment, or a code lowered what it is for."""
    return bool(event.credit_minor) or event.voucher_use_id is not None


@contextmanager
def or_nothing(session: Session, event: PaymentSettled) -> Iterator[None]:
    """A savepoint where something may turn out to be gone; none where nothing can."""
    if not eased(event):
        yield
        return
    with session.begin_nested():
        yield


def brought(
    session: Session,
    bookings: Sequence[Booking],
    amounts: Mapping[UUID, Money],
    event: PaymentSettled,
) -> dict[UUID, Brought]:
    """Let the credit beside a settled payment pay, and the code lower the prices; by booking.

    `amounts` are what the payment itself pays for each. Raises `Gone`, to be rolled back, where
    they had gone back meanwhile and can't be had again.
    """
    sums = dict(amounts)
    discounts: Mapping[UUID, Money] = {}
    # The code before the credit, as whoever asks for a payment takes them.
    if event.voucher_use_id is not None:
        taken = vouchers.fulfil(session, event.voucher_use_id)
        if taken is None:
            raise Gone
        discounts = taken
    if event.credit_minor:
        payment = paying.fulfil(session, event.payment_id, event.at)
        if payment is None:
            raise Gone
        parts = paying.parts_paid(session, payment) or {bookings[0].id: payment.amount}
        for booking_id, part in parts.items():
            sums[booking_id] = sums.get(booking_id, part - part) + part
    return {
        one.id: Brought(sums[one.id], _values(session, one, discounts.get(one.id), event))
        for one in bookings
    }


def give_up(session: Session, event: PaymentSettled, reason: str) -> None:
    """Put back what waits beside a payment that is sent back."""
    if eased(event):
        paying.give_up(session, event.payment_id, reason, event.at)


def _values(
    session: Session, booking: Booking, discount: Money | None, event: PaymentSettled
) -> dict[str, Any]:
    """The columns of the booking that a discount changes."""
    if discount is None or event.voucher_use_id is None:
        return {}
    line = vouchers.discount_line(session, event.voucher_use_id, discount)
    price = frozen.with_discount(booking.price, line, booking.deposit)
    whole = booking.total - discount
    values: dict[str, Any] = {
        "price": price,
        "total_minor": whole.minor,
        "deposit_minor": min(booking.deposit, whole).minor,
    }
    if not price["balance"]:
        values["balance_due_on"] = None
    return values


def _lines(parts: Sequence[Part]) -> list[PriceLine]:
    return [line for part in parts for line in part.lines]
