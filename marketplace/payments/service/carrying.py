"""Money that was paid for one thing, kept for another: nothing is charged and nothing goes back.

The payments stay what they are, with their payers, receipts and names at the processor, and what
is refunded later goes back on them. What changes is what they are kept for, and in the books whose
the money is. A payment for several things is carried part by part: each goes its own way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.errors import PaymentDisputed
from marketplace.payments.events import Payable
from marketplace.payments.models import Payment, PaymentCarry, PaymentPart
from marketplace.payments.queries import disputes
from marketplace.payments.rules import PriceLine, Split, split, total
from marketplace.payments.service import ledger
from marketplace.payments.service.hosts import shares
from marketplace.payments.service.positions import position


@dataclass(frozen=True, slots=True)
class Kept:
    """A payment that is kept for a thing, or the part of one that is."""

    payment: Payment
    part: PaymentPart | None

    @property
    def refundable(self) -> Money:
        return self.payment.refundable if self.part is None else self.part.refundable


def kept(session: Session, payable: Payable, currency: str) -> Money:
    """Return what was paid for this thing and did not go back, nor was carried on."""
    whole = [one.refundable for one in queries.kept_payments(session, payable)]
    parts = [one.refundable for one in queries.kept_parts(session, payable)]
    return sum([*whole, *parts], Money.zero(currency))


def carry(
    session: Session,
    payable: Payable,
    to_id: UUID,
    *,
    site_id: UUID,
    lines: Sequence[PriceLine],
    now: datetime,
) -> None:
    """Keep all that is left of what was paid for `payable` for another thing of the same kind.

    `lines` say what it pays for there, at `site_id`; they add up to it, else `ValueError`. The
    caller has taken the payable's lock (`queries.lock_payable`).
    """
    found = _locked(session, payable)
    payments = [one.payment for one in found]
    if any(payment.lost_minor for payment in payments) or (
        found and disputes.any_open(session, [payment.id for payment in payments])
    ):
        raise PaymentDisputed
    left = sum(one.refundable.minor for one in found)
    if (total(lines).minor if lines else 0) != left:
        raise ValueError(f"{left} of {payable} is kept, the lines say otherwise")
    if not found:
        return
    hosts = split(lines).host.allocate([one.refundable.minor for one in found])
    before = None
    for one, host in zip(found, hosts, strict=True):
        parts = Split(host, one.refundable - host)
        before = _carry_one(session, one, payable.id, to_id, site_id, parts, now)
    if before is not None:
        # What the host that it was for had earned of it is theirs no more.
        shares.take_excess(session, payable, before, cause=f"carry:{to_id}", now=now)


def _locked(session: Session, payable: Payable) -> list[Kept]:
    """What is kept for a thing, ours to change: its own payments, then its parts of others."""
    own = [one.id for one in queries.kept_payments(session, payable)]
    parts = [(one.payment_id, one.payable_id) for one in queries.kept_parts(session, payable)]
    found = [Kept(queries.lock_payment(session, payment_id), None) for payment_id in own]
    for payment_id, part_id in parts:
        payment = queries.lock_payment(session, payment_id)
        found.append(Kept(payment, queries.part(session, payment_id, part_id)))
    return found


def _carry_one(
    session: Session,
    one: Kept,
    from_id: UUID,
    to_id: UUID,
    site_id: UUID,
    parts: Split,
    now: datetime,
) -> UUID | None:
    """Carry what is left of one payment, or part; returns the site that it was for."""
    before = position(session, one.payment, one.part)
    row = PaymentCarry(
        payment_id=one.payment.id,
        number=queries.carries(session, one.payment.id) + 1,
        part_id=one.part.payable_id if one.part else None,
        from_id=from_id,
        to_id=to_id,
        site_id=site_id,
        amount=parts.whole,
        host_minor=parts.host.minor,
        platform_minor=parts.platform.minor,
        back_host_minor=before.given_back.host.minor,
        back_platform_minor=before.given_back.platform.minor,
        at=now,
    )
    session.add(row)
    if one.part is None:
        one.payment.carried_to_id = to_id
    else:
        one.part.carried_to_id = to_id
    session.flush()
    ledger.post_carried(session, row, before.left, before.site_id)
    return before.site_id
