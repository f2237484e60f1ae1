"""Selects of disputes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.money import Money
from marketplace.payments.models import (
    Dispute,
    DisputeStep,
    Payment,
    PaymentPart,
    Receipt,
    Refund,
)
from marketplace.payments.rules import Split
from marketplace.payments.states import DisputeState, EvidenceState

# What a step of the log is about.
SUBJECT_STATE, SUBJECT_EVIDENCE = "state", "evidence"
# The processor's words with which it asks for an answer: at no other time it takes one.
ASKS = frozenset({"needs_response", "warning_needs_response"})
_E = EvidenceState


def dispute(session: Session, dispute_id: UUID, *, lock: bool = False) -> Dispute:
    found = session.get(Dispute, dispute_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound
    return found


def by_processor(session: Session, processor_dispute: str) -> Dispute | None:
    """Return the dispute by the processor's id as it is now, ours to change."""
    return session.execute(
        select(Dispute)
        .where(Dispute.processor_dispute == processor_dispute)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def any_open(session: Session, payment_ids: Collection[UUID] | None = None) -> bool:
    """Whether a dispute is open, of one of these payments or of any."""
    query = select(Dispute.id).where(Dispute.state == DisputeState.OPEN)
    if payment_ids is not None:
        query = query.where(Dispute.payment_id.in_(payment_ids))
    return session.execute(query.limit(1)).scalar_one_or_none() is not None


def times_lost(session: Session, dispute_id: UUID) -> int:
    """Return how often a dispute was decided against us, by its log."""
    return _times(session, dispute_id, SUBJECT_STATE, DisputeState.LOST)


def times(session: Session, dispute_id: UUID, how: EvidenceState) -> int:
    """Return how often its evidence was approved, submitted or waived, by its log."""
    return _times(session, dispute_id, SUBJECT_EVIDENCE, how)


def _times(session: Session, dispute_id: UUID, subject: str, after: str) -> int:
    steps = select(func.count()).where(
        DisputeStep.dispute_id == dispute_id,
        DisputeStep.subject == subject,
        DisputeStep.after == after,
    )
    return session.execute(steps).scalar_one()


def refunds_paid_by(session: Session, dispute_id: UUID) -> Sequence[Refund]:
    """Return refunds that a lost dispute has paid, oldest first."""
    return (
        session.execute(
            select(Refund).where(Refund.paid_by_dispute_id == dispute_id).order_by(Refund.id)
        )
        .scalars()
        .all()
    )


def lost_of(session: Session, payment: Payment) -> Split:
    """Return what the host and the platform have lost of a payment, where the host bears its part."""
    row = session.execute(
        select(
            func.coalesce(func.sum(Dispute.host_minor), 0).label("host"),
            func.coalesce(func.sum(Dispute.platform_minor), 0).label("platform"),
        ).where(Dispute.payment_id == payment.id)
    ).one()
    currency = payment.currency
    return Split(Money(int(row.host), currency), Money(int(row.platform), currency))


def open_disputes(session: Session, limit: int) -> Sequence[Dispute]:
    """Return open disputes, those that must be answered first before the others."""
    return (
        session.execute(
            select(Dispute)
            .where(Dispute.state == DisputeState.OPEN)
            .order_by(Dispute.due_by.nulls_last(), Dispute.id)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def closed_disputes(session: Session, limit: int) -> Sequence[Dispute]:
    """Return disputes that have ended, latest first."""
    return (
        session.execute(
            select(Dispute)
            .where(Dispute.state != DisputeState.OPEN)
            .order_by(Dispute.closed_at.desc(), Dispute.id)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def of_payments(session: Session, payment_ids: Collection[UUID]) -> Sequence[Dispute]:
    """Return the disputes of these payments, oldest first."""
    query = select(Dispute).where(Dispute.payment_id.in_(payment_ids)).order_by(Dispute.id)
    return session.execute(query).scalars().all()


def about(session: Session, rows: Sequence[Dispute]) -> dict[UUID, tuple[UUID, str]]:
    """Return by the payment who paid, and for what; one query."""
    found = session.execute(
        select(Payment.id, Payment.payer_id, Payment.description).where(
            Payment.id.in_([one.payment_id for one in rows])
        )
    )
    return {row.id: (row.payer_id, row.description) for row in found}


def steps(session: Session, dispute_id: UUID) -> Sequence[DisputeStep]:
    return (
        session.execute(
            select(DisputeStep).where(DisputeStep.dispute_id == dispute_id).order_by(DisputeStep.id)
        )
        .scalars()
        .all()
    )


def to_answer(session: Session, before: datetime, limit: int) -> Sequence[UUID]:
    """Return open disputes due before then whose evidence nobody has sent off."""
    return (
        session.execute(
            select(Dispute.id)
            .where(
                Dispute.state == DisputeState.OPEN,
                Dispute.status.in_(ASKS),
                Dispute.evidence_state.in_([_E.READY, _E.GATHERING]),
                Dispute.due_by <= before,
            )
            .order_by(Dispute.due_by)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def to_look_at(session: Session, now: datetime, limit: int) -> Sequence[Dispute]:
    """Return open disputes to be asked about, ours until the transaction ends."""
    return (
        session.execute(
            select(Dispute)
            .where(Dispute.state == DisputeState.OPEN, Dispute.next_look_at <= now)
            .order_by(Dispute.next_look_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        .scalars()
        .all()
    )


def sites_of(session: Session, payment: Payment, current: UUID | None) -> list[UUID]:
    """Return the sites that a payment is for now: `current`, or those of its parts."""
    if current is not None:
        return [current]
    return list(
        session.execute(
            select(PaymentPart.site_id)
            .where(PaymentPart.payment_id == payment.id)
            .distinct()
            .order_by(PaymentPart.site_id)
        ).scalars()
    )


def receipts(session: Session, payment_id: UUID) -> Sequence[Receipt]:
    return session.execute(select(Receipt).where(Receipt.payment_id == payment_id)).scalars().all()
