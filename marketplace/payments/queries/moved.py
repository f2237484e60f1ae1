"""What moved for the things of other packages: what was asked, came in, and was granted back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, select

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments.models import Payment, PaymentCarry, PaymentPart, Refund


@dataclass(frozen=True, slots=True)
class PaidBack:
    """A refund; `again`: it takes the place of one that failed, so its amount counts once."""

    id: UUID
    amount: Money
    reason: str
    requested_by: UUID | None
    requested_at: datetime
    settled_at: datetime | None
    state: str
    again: bool


@dataclass(frozen=True, slots=True)
class PaidFor:
    """A payment, or the part of one that is this thing's; `granted` is the sum of its refunds, settled or not."""

    id: UUID
    purpose: str
    payer_id: UUID
    amount: Money
    state: str
    requested_at: datetime
    settled_at: datetime | None
    captured: Money
    granted: Money
    refunds: tuple[PaidBack, ...]
    # What was left of it and is kept for another thing now.
    carried_on: Money


def money_of(session: Session, kind: str, ids: Sequence[UUID]) -> dict[UUID, list[PaidFor]]:
    """Return what was paid for each of these things, oldest first; five queries.

    A payment for several things counts with the part that is this thing's. What was carried over
    counts for each thing with what came to it, went back while it was kept for it, and went on.
    """
    found: dict[UUID, list[PaidFor]] = {one: [] for one in ids}
    whole = select(Payment).where(Payment.payable_kind == kind, Payment.payable_id.in_(ids))
    paid = [_Source(one, None) for one in session.execute(whole.order_by(Payment.id)).scalars()]
    parts = session.execute(
        select(Payment, PaymentPart)
        .join(PaymentPart, PaymentPart.payment_id == Payment.id)
        .where(PaymentPart.payable_kind == kind, PaymentPart.payable_id.in_(ids))
        .order_by(Payment.id)
    )
    paid += [_Source(row.Payment, row.PaymentPart) for row in parts]
    came = _carried_to(session, ids)
    involved = [*paid, *came]
    carried = [one.payment.id for one in involved if one.kept.carried_to_id is not None]
    chains = _chains(session, carried)
    refunds = _refunds(session, [one.payment.id for one in involved]) if involved else {}
    for one in paid:
        chain = chains.get(one.key, [])
        kept = _Kept(one.amount, one.captured, 0, one.kept.refunded_minor, next(iter(chain), None))
        found[one.kept.payable_id].append(_paid(one, kept, refunds.get(one.key, [])))
    for one in came:
        chain = chains[one.key]
        for place, carry in enumerate(chain):
            if carry.to_id in found:
                on = chain[place + 1] if place + 1 < len(chain) else None
                before, back = carry.back.whole.minor, one.kept.refunded_minor
                kept = _Kept(carry.amount, carry.amount.minor, before, back, on)
                found[carry.to_id].append(_paid(one, kept, refunds.get(one.key, [])))
    return found


_Key = tuple[UUID, UUID | None]


@dataclass(frozen=True, slots=True)
class _Source:
    """A payment for one thing, or one thing's part of a payment for several."""

    payment: Payment
    part: PaymentPart | None

    @property
    def kept(self) -> Payment | PaymentPart:
        return self.part or self.payment

    @property
    def key(self) -> _Key:
        return (self.payment.id, self.part.payable_id if self.part else None)

    @property
    def amount(self) -> Money:
        return self.kept.amount

    @property
    def captured(self) -> int:
        return self.amount.minor if self.payment.captured_minor else 0


@dataclass(frozen=True, slots=True)
class _Kept:
    """What came, what had gone back before and has by now, and how it went on."""

    amount: Money
    came: int
    back_before: int
    back_now: int
    on: PaymentCarry | None

    @property
    def back_until(self) -> int:
        return self.back_now if self.on is None else self.on.back.whole.minor

    @property
    def granted(self) -> int:
        return self.back_until - self.back_before

    def of_this(self, backs: Sequence[PaidBack]) -> Iterator[PaidBack]:
        """Those that went back while it was kept for this thing, oldest first.

        By what had gone back in all: a carry says what had until then, and two things that happen
        at one instant are told apart.
        """
        gone = 0
        for back in backs:
            gone += 0 if back.again else back.amount.minor
            if self.back_before < gone <= self.back_until:
                yield back


def _carried_to(session: Session, ids: Sequence[UUID]) -> list[_Source]:
    """The payments, and parts of payments, that were ever carried over to one of these things."""
    carried = select(PaymentCarry.payment_id, PaymentCarry.part_id)
    carried_here = carried.where(PaymentCarry.to_id.in_(ids)).distinct().subquery()
    rows = session.execute(
        select(Payment, PaymentPart)
        .join(carried_here, carried_here.c.payment_id == Payment.id)
        .outerjoin(
            PaymentPart,
            and_(
                PaymentPart.payment_id == Payment.id,
                PaymentPart.payable_id == carried_here.c.part_id,
            ),
        )
        .order_by(Payment.id, carried_here.c.part_id)
    )
    return [_Source(row.Payment, row.PaymentPart) for row in rows]


def _chains(session: Session, payment_ids: Sequence[UUID]) -> dict[_Key, list[PaymentCarry]]:
    """How each payment, or part, was carried on, from its first thing to the present one."""
    found: dict[_Key, list[PaymentCarry]] = {}
    if not payment_ids:
        return found
    rows = session.execute(
        select(PaymentCarry)
        .where(PaymentCarry.payment_id.in_(payment_ids))
        .order_by(PaymentCarry.payment_id, PaymentCarry.number)
    ).scalars()
    for row in rows:
        found.setdefault((row.payment_id, row.part_id), []).append(row)
    return found


def _paid(one: _Source, kept: _Kept, backs: Sequence[PaidBack]) -> PaidFor:
    payment, currency = one.payment, kept.amount.currency
    return PaidFor(
        payment.id,
        payment.purpose,
        payment.payer_id,
        kept.amount,
        payment.state,
        payment.requested_at,
        payment.settled_at,
        Money(kept.came, currency),
        Money(kept.granted, currency),
        tuple(kept.of_this(backs)),
        Money.zero(currency) if kept.on is None else kept.on.amount,
    )


def _refunds(session: Session, payment_ids: Sequence[UUID]) -> dict[_Key, list[PaidBack]]:
    """The refunds of each payment, or of each part of one."""
    found: dict[_Key, list[PaidBack]] = {}
    rows = session.execute(
        select(Refund)
        .where(Refund.payment_id.in_(payment_ids))
        .order_by(Refund.requested_at, Refund.id)
    ).scalars()
    for row in rows:
        back = PaidBack(
            row.id,
            row.amount,
            row.reason,
            row.requested_by,
            row.requested_at,
            row.settled_at,
            row.state,
            row.replaces_id is not None,
        )
        found.setdefault((row.payment_id, row.part_id), []).append(back)
    return found
