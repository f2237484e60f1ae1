"""What moved for the things of other packages: what was asked, came in, and was granted back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

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

    A payment for several things counts with the part that is this thing's. One that was carried
    over counts for each thing with what came to it, went back while it was kept for it, and went on.
    """
    found: dict[UUID, list[PaidFor]] = {one: [] for one in ids}
    whole = select(Payment).where(Payment.payable_kind == kind, Payment.payable_id.in_(ids))
    payments = session.execute(whole.order_by(Payment.id)).scalars().all()
    parts = session.execute(
        select(Payment, PaymentPart)
        .join(PaymentPart, PaymentPart.payment_id == Payment.id)
        .where(PaymentPart.payable_kind == kind, PaymentPart.payable_id.in_(ids))
        .order_by(Payment.id)
    ).all()
    came = _carried_to(session, ids)
    involved = [*payments, *(row.Payment for row in parts), *came.values()]
    chains = _chains(session, [one.id for one in involved if one.carried_to_id is not None])
    refunds = _refunds(session, [one.id for one in involved]) if involved else {}
    for one in payments:
        chain = chains.get(one.id, [])
        on = chain[0] if chain else None
        kept = _Kept(one.amount, one.captured_minor, 0, one.refunded_minor, on)
        found[one.payable_id].append(_paid(one, kept, refunds.get(one.id, [])))
    for one in came.values():
        chain = chains[one.id]
        for place, carry in enumerate(chain):
            if carry.to_id in found:
                on = chain[place + 1] if place + 1 < len(chain) else None
                before = carry.back.whole.minor
                kept = _Kept(
                    carry.amount, carry.amount.minor, before, one.refunded_minor, on, carry.at
                )
                found[carry.to_id].append(_paid(one, kept, refunds.get(one.id, [])))
    for one, part in parts:
        captured = part.amount.minor if one.captured_minor else 0
        its = [back for back in refunds.get(one.id, []) if back[0] == part.payable_id]
        kept = _Kept(part.amount, captured, 0, part.refunded_minor, None)
        found[part.payable_id].append(_paid(one, kept, its))
    return found


@dataclass(frozen=True, slots=True)
class _Kept:
    """What came, what had gone back before and has by now, and how it went on."""

    amount: Money
    came: int
    back_before: int
    back_now: int
    on: PaymentCarry | None
    since: datetime | None = None

    def has(self, back: PaidBack) -> bool:
        """Whether it went back while the payment was kept for this thing."""
        after = self.since is None or back.requested_at > self.since
        return after and (self.on is None or back.requested_at <= self.on.at)

    @property
    def granted(self) -> int:
        until = self.back_now if self.on is None else self.on.back.whole.minor
        return until - self.back_before


def _carried_to(session: Session, ids: Sequence[UUID]) -> dict[UUID, Payment]:
    """The payments that were ever carried over to one of these things."""
    carried = select(PaymentCarry.payment_id).where(PaymentCarry.to_id.in_(ids))
    rows = session.execute(select(Payment).where(Payment.id.in_(carried))).scalars()
    return {row.id: row for row in rows}


def _chains(session: Session, payment_ids: Sequence[UUID]) -> dict[UUID, list[PaymentCarry]]:
    """How each payment was carried on, from its first thing to the present one."""
    found: dict[UUID, list[PaymentCarry]] = {}
    if not payment_ids:
        return found
    rows = session.execute(
        select(PaymentCarry)
        .where(PaymentCarry.payment_id.in_(payment_ids))
        .order_by(PaymentCarry.payment_id, PaymentCarry.number)
    ).scalars()
    for row in rows:
        found.setdefault(row.payment_id, []).append(row)
    return found


_Back = tuple[UUID | None, PaidBack]


def _paid(payment: Payment, kept: _Kept, backs: Sequence[_Back]) -> PaidFor:
    currency = kept.amount.currency
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
        tuple(back for _, back in backs if kept.has(back)),
        Money.zero(currency) if kept.on is None else kept.on.amount,
    )


def _refunds(session: Session, payment_ids: Sequence[UUID]) -> dict[UUID, list[_Back]]:
    """The refunds of each payment, with the part that each is of."""
    found: dict[UUID, list[_Back]] = {}
    rows = session.execute(
        select(Refund).where(Refund.payment_id.in_(payment_ids)).order_by(Refund.id)
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
        found.setdefault(row.payment_id, []).append((row.part_id, back))
    return found
