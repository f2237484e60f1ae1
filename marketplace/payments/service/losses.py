"""What a lost dispute takes, and gives back where the bank decides for us after all.

Lost, it pays the refunds that waited; the rest is a loss: the platform's, or the host's in their
part where their contract says so. Won later, each of these is undone by a posting of its own: the
loss is taken back, the host has their part again, and the refunds are owed again, since the payer's
bank has taken back what it paid. A bank may decide anew more than once: each loss has postings of
its own.
"""

from datetime import datetime

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments.events import Payable
from marketplace.payments.models import AccountKind, Dispute, Payment
from marketplace.payments.queries import disputes, hosts
from marketplace.payments.rules import refund_split
from marketplace.payments.rules.shares import Bearer
from marketplace.payments.service import ledger, refunds_disputed
from marketplace.payments.service.hosts import shares
from marketplace.payments.service.ledger import Leg
from marketplace.payments.service.positions import position
from marketplace.payments.states import ShareStep

LOST = "dispute_lost"
REGAINED = "dispute_regained"
_K = AccountKind


def lose(session: Session, row: Dispute, payment: Payment, now: datetime) -> None:
    """Refunds that waited are paid by it; the rest is a loss, divided by whoever bears it."""
    left = row.amount - refunds_disputed.pay_by_dispute(session, payment, row, now=now)
    taken = min(left, payment.refundable)
    kept = position(session, payment)
    bears = Bearer(row.losses_borne_by) is Bearer.HOST and kept.site_id is not None
    host = Money.zero(left.currency)
    if bears and taken:
        parts = refund_split(kept.whole, kept.back, taken)
        host = parts.host
        row.host_minor, row.platform_minor = parts.host.minor, parts.platform.minor
    row.taken_minor = taken.minor
    payment.lost_minor += taken.minor
    session.flush()
    if left:
        _post(session, row, payment, LOST, left, host, now)
    if host:
        cause = _nth(session, row, f"dispute:{row.id}")
        shares.take_back(session, payment, None, kept.site_id, cause=cause, now=now)


def regain(session: Session, row: Dispute, payment: Payment, now: datetime) -> None:
    """Undo what the loss of a dispute did, now that it counts no more."""
    again = disputes.refunds_paid_by(session, row.id)
    refunded = sum((one.amount for one in again), Money.zero(row.amount.currency))
    left, host = row.amount - refunded, Money(row.host_minor, row.amount.currency)
    if left:
        _post(session, row, payment, REGAINED, -left, -host, now)
    payment.lost_minor -= row.taken_minor
    row.taken_minor = row.host_minor = row.platform_minor = 0
    session.flush()
    refunds_disputed.owe_again(session, again, now=now)
    site_id = position(session, payment).site_id
    payable = Payable(payment.payable_kind, payment.carried_to_id or payment.payable_id)
    if host and site_id is not None and hosts.is_over(session, payable):
        # All of the share was the host's to have: what was taken back of it is so again.
        shares.tell(session, payable, site_id, ShareStep.REST, since=now, now=now)


def _post(
    session: Session,
    row: Dispute,
    payment: Payment,
    reason: str,
    left: Money,
    host: Money,
    now: datetime,
) -> None:
    site_id = position(session, payment).site_id if host else None
    ledger.post(
        session,
        source=_nth(session, row, row.processor_dispute),
        reason=reason,
        legs=[
            Leg(_K.DEFERRED_HOST_SHARE, host, site_id),
            Leg(_K.DISPUTE_LOSSES, left - host),
            Leg(_K.DISPUTES, -left),
        ],
        at=now,
        payment_id=payment.id,
    )


def _nth(session: Session, row: Dispute, name: str) -> str:
    """What the loss that counts, or counted last, is posted under: the first by the bare name."""
    times = disputes.times_lost(session, row.id)
    return name if times <= 1 else f"{name}:{times}"
