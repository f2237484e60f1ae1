"""Money that was paid for one thing, kept for another: nothing is charged and nothing goes back.

The payments stay what they are, with their payers, receipts and names at the processor, and what
is refunded later goes back on them. What changes is what they are kept for, and in the books whose
the money is.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments import queries
from marketplace.payments.events import Payable
from marketplace.payments.models import Payment, PaymentCarry
from marketplace.payments.rules import PriceLine, Split, split, total
from marketplace.payments.service import ledger
from marketplace.payments.service.hosts import shares
from marketplace.payments.service.positions import position


def kept(session: Session, payable: Payable, currency: str) -> Money:
    """Return what was paid for this thing and did not go back, nor was carried on."""
    return sum(
        (payment.refundable for payment in queries.kept_payments(session, payable)),
        Money.zero(currency),
    )


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
    found = [
        queries.lock_payment(session, payment.id)
        for payment in queries.kept_payments(session, payable)
    ]
    left = sum(payment.refundable.minor for payment in found)
    if (total(lines).minor if lines else 0) != left:
        raise ValueError(f"{left} of {payable} is kept, the lines say otherwise")
    if not found:
        return
    hosts = split(lines).host.allocate([payment.refundable.minor for payment in found])
    before = None
    for payment, host in zip(found, hosts, strict=True):
        parts = Split(host, payment.refundable - host)
        before = _carry_one(session, payment, payable.id, to_id, site_id, parts, now)
    if before is not None:
        # What the host that it was for had earned of it is theirs no more.
        shares.take_excess(session, payable, before, cause=f"carry:{to_id}", now=now)


def _carry_one(
    session: Session,
    payment: Payment,
    from_id: UUID,
    to_id: UUID,
    site_id: UUID,
    parts: Split,
    now: datetime,
) -> UUID | None:
    """Carry what is left of one payment; returns the site that it was for."""
    before = position(session, payment)
    last = queries.last_carry(session, payment)
    row = PaymentCarry(
        payment_id=payment.id,
        number=1 if last is None else last.number + 1,
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
    payment.carried_to_id = to_id
    session.flush()
    ledger.post_carried(session, row, before.left, before.site_id)
    return before.site_id
