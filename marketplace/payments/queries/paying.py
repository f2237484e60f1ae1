"""Selects of payments, refunds, receipts and events, and the locks that they are changed under."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, literal, or_, select

from marketplace.core.db import Session
from marketplace.payments.errors import PaymentNotFound, RefundNotFound
from marketplace.payments.events import Payable
from marketplace.payments.models import (
    Payment,
    PaymentCarry,
    PaymentLine,
    PaymentPart,
    PaymentTransition,
    Quarantine,
    Receipt,
    Refund,
    WebhookEvent,
)
from marketplace.payments.queries.due import due
from marketplace.payments.rules import PriceLine
from marketplace.payments.states import LIVE, PaymentState


def lock_payable(session: Session, payable: Payable) -> None:
    """Wait for this thing's money to be nobody else's to change until the transaction ends.

    Taken before any row of its payments, and before its owner's row where both are needed.
    """
    session.execute(select(payable_lock(payable.kind, literal(str(payable.id)))))


def payable_lock(kind: str, payable_id: ColumnElement[str]) -> ColumnElement[Any]:
    """Return `lock_payable` as a column, for a query that reads the payable's own row by its id."""
    return func.pg_advisory_xact_lock(func.hashtextextended(f"payable {kind} " + payable_id, 0))


def payment(session: Session, payment_id: UUID) -> Payment:
    found = session.get(Payment, payment_id)
    if found is None:
        raise PaymentNotFound
    return found


def lock_payment(session: Session, payment_id: UUID) -> Payment:
    """Return the payment as it is now, ours to change until the transaction ends."""
    payable = session.execute(
        select(Payment.payable_kind, Payment.payable_id).where(Payment.id == payment_id)
    ).one_or_none()
    if payable is None:
        raise PaymentNotFound
    lock_payable(session, Payable(payable.payable_kind, payable.payable_id))
    return session.get_one(Payment, payment_id, with_for_update=True, populate_existing=True)


def live_payment(session: Session, payable: Payable, purpose: str) -> Payment | None:
    return session.execute(
        select(Payment).where(
            Payment.payable_kind == payable.kind,
            Payment.payable_id == payable.id,
            Payment.purpose == purpose,
            Payment.state.in_(LIVE),
        )
    ).scalar_one_or_none()


def kept_payments(session: Session, payable: Payable) -> Sequence[Payment]:
    """Return the settled payments that are kept for this thing, latest first.

    Wholly refunded ones are not, nor those that were carried over to another thing.
    """
    return (
        session.execute(
            select(Payment)
            .where(
                Payment.payable_kind == payable.kind,
                or_(
                    Payment.carried_to_id == payable.id,
                    and_(Payment.payable_id == payable.id, Payment.carried_to_id.is_(None)),
                ),
                Payment.state == PaymentState.SETTLED,
                Payment.refunded_minor < Payment.captured_minor,
            )
            .order_by(Payment.settled_at.desc(), Payment.id.desc())
        )
        .scalars()
        .all()
    )


def last_carry(
    session: Session, payment: Payment, part: PaymentPart | None = None
) -> PaymentCarry | None:
    """Return how the payment, or its part, came to be for what it is kept for now.

    None if it always was.
    """
    if (payment if part is None else part).carried_to_id is None:
        return None
    return session.execute(
        select(PaymentCarry)
        .where(
            PaymentCarry.payment_id == payment.id,
            PaymentCarry.part_id.is_not_distinct_from(part.payable_id if part else None),
        )
        .order_by(PaymentCarry.number.desc())
        .limit(1)
    ).scalar_one()


def carries(session: Session, payment_id: UUID) -> int:
    """Return how often a payment, or a part of it, was carried over."""
    found = select(func.count()).where(PaymentCarry.payment_id == payment_id)
    return session.execute(found).scalar_one()


def part(session: Session, payment_id: UUID, part_id: UUID) -> PaymentPart | None:
    """Return a part of a payment as it is now."""
    return session.get(PaymentPart, (payment_id, part_id), populate_existing=True)


def payments_of(session: Session, payable: Payable) -> Sequence[Payment]:
    """Return every payment for this thing, oldest first."""
    return (
        session.execute(
            select(Payment)
            .where(Payment.payable_kind == payable.kind, Payment.payable_id == payable.id)
            .order_by(Payment.id)
        )
        .scalars()
        .all()
    )


def lines(session: Session, payment_id: UUID, part_id: UUID | None = None) -> list[PriceLine]:
    """Return the payment's lines in order, or those of one of its parts."""
    query = select(PaymentLine).where(PaymentLine.payment_id == payment_id)
    if part_id is not None:
        query = query.where(PaymentLine.part_id == part_id)
    found = session.execute(query.order_by(PaymentLine.place))
    return [line.as_rule() for line in found.scalars()]


def lines_by_part(session: Session, payment_id: UUID) -> dict[UUID, list[PriceLine]]:
    """Return the lines of each part of a payment, in one query; empty where it has none."""
    found: dict[UUID, list[PriceLine]] = {}
    rows = session.execute(
        select(PaymentLine)
        .where(PaymentLine.payment_id == payment_id, PaymentLine.part_id.is_not(None))
        .order_by(PaymentLine.place)
    )
    for line in rows.scalars():
        if line.part_id is not None:
            found.setdefault(line.part_id, []).append(line.as_rule())
    return found


def parts(session: Session, payment_id: UUID) -> Sequence[PaymentPart]:
    """Return the parts of a payment for several things, by what they pay for; else none."""
    return (
        session.execute(
            select(PaymentPart)
            .where(PaymentPart.payment_id == payment_id)
            .order_by(PaymentPart.payable_id),
            execution_options={"populate_existing": True},
        )
        .scalars()
        .all()
    )


def kept_parts(session: Session, payable: Payable) -> Sequence[PaymentPart]:
    """Return the parts of settled payments that are kept for this thing, latest first.

    As `kept_payments` has the payments for this thing alone.
    """
    return (
        session.execute(
            select(PaymentPart)
            .join(Payment, Payment.id == PaymentPart.payment_id)
            .where(
                PaymentPart.payable_kind == payable.kind,
                or_(
                    PaymentPart.carried_to_id == payable.id,
                    and_(PaymentPart.payable_id == payable.id, PaymentPart.carried_to_id.is_(None)),
                ),
                Payment.state == PaymentState.SETTLED,
                PaymentPart.refunded_minor < PaymentPart.__table__.c.amount_minor,
            )
            .order_by(Payment.settled_at.desc(), Payment.id.desc())
        )
        .scalars()
        .all()
    )


def transitions(session: Session, payment_id: UUID) -> Sequence[PaymentTransition]:
    return (
        session.execute(
            select(PaymentTransition)
            .where(PaymentTransition.payment_id == payment_id)
            .order_by(PaymentTransition.id)
        )
        .scalars()
        .all()
    )


def payment_by_processor(
    session: Session, *, session_id: str | None = None, intent_id: str | None = None
) -> Payment | None:
    """Return the payment whose page or intent at the processor this is."""
    query = select(Payment)
    if session_id is not None:
        query = query.where(Payment.processor_session == session_id)
    else:
        query = query.where(Payment.processor_intent == intent_id)
    return session.execute(query).scalar_one_or_none()


def intent_to_come(session: Session) -> bool:
    """Whether a payment is under way whose intent at the processor nobody has written down yet."""
    under_way = Payment.state.in_(sorted(LIVE)) & Payment.processor_intent.is_(None)
    return session.execute(select(Payment.id).where(under_way).limit(1)).first() is not None


def refunds(session: Session, payment_id: UUID) -> Sequence[Refund]:
    return (
        session.execute(select(Refund).where(Refund.payment_id == payment_id).order_by(Refund.id))
        .scalars()
        .all()
    )


def refund(session: Session, refund_id: UUID) -> Refund:
    found = session.get(Refund, refund_id)
    if found is None:
        raise RefundNotFound
    return found


def refund_exists(session: Session, refund_id: UUID) -> bool:
    return session.get(Refund, refund_id) is not None


def refund_by_processor(session: Session, processor_refund: str) -> Refund | None:
    return session.execute(
        select(Refund).where(Refund.processor_refund == processor_refund)
    ).scalar_one_or_none()


def replacement(session: Session, refund_id: UUID) -> Refund | None:
    return session.execute(
        select(Refund).where(Refund.replaces_id == refund_id)
    ).scalar_one_or_none()


def receipt(session: Session, payment_id: UUID) -> Receipt | None:
    return session.execute(
        select(Receipt).where(Receipt.payment_id == payment_id)
    ).scalar_one_or_none()


def waiting_events(session: Session, before: datetime, limit: int) -> Sequence[UUID]:
    """Return ids of events stored before `before` that nobody has handled, oldest first."""
    return (
        session.execute(
            select(WebhookEvent.id)
            .where(WebhookEvent.state == "received", WebhookEvent.received_at <= before)
            .order_by(WebhookEvent.received_at)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def known_events(session: Session, processor_events: Sequence[str]) -> set[str]:
    """Return which of these ids of the processor's are in the inbox."""
    return set(
        session.execute(
            select(WebhookEvent.processor_event).where(
                WebhookEvent.processor_event.in_(processor_events)
            )
        ).scalars()
    )


def due_payments(session: Session, now: datetime, limit: int) -> Sequence[Payment]:
    """Return payments to be looked at, ours until the transaction ends; others' are left out."""
    return due(session, select(Payment), Payment.next_look_at, now, limit)


def due_refunds(session: Session, now: datetime, limit: int) -> Sequence[Refund]:
    return due(session, select(Refund), Refund.next_look_at, now, limit)


def settled_without_receipt(session: Session, before: datetime, limit: int) -> Sequence[UUID]:
    """Return payments settled before `before` whose receipt is not stored."""
    return (
        session.execute(
            select(Payment.id)
            .outerjoin(Receipt, Receipt.payment_id == Payment.id)
            .where(
                Payment.state == PaymentState.SETTLED,
                Payment.settled_at <= before,
                Receipt.stored_at.is_(None),
            )
            .order_by(Payment.settled_at)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def open_quarantine(session: Session, limit: int) -> Sequence[Quarantine]:
    """Return what waits for a person, oldest first."""
    return (
        session.execute(
            select(Quarantine)
            .where(Quarantine.resolved_at.is_(None))
            .order_by(Quarantine.found_at)
            .limit(limit)
        )
        .scalars()
        .all()
    )
