"""What about money waits for an operator: how much of each, and one of each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.payments.events import Payable
from marketplace.payments.models import (
    Dispute,
    Invoice,
    Payment,
    Quarantine,
    Refund,
    WebhookEvent,
)
from marketplace.payments.rules.credit import Means
from marketplace.payments.states import DisputeState, EventState, InvoiceState, RefundState


@dataclass(frozen=True)
class Waiting:
    """How much of each: open disputes, what is set aside, events that nobody has handled, refunds that
    a person sends by bank, invoices that are overdue.
    """

    disputes: int
    quarantined: int
    events: int
    bank_refunds: int
    overdue: int


def waiting(session: Session, events_before: datetime) -> Waiting:
    """Count what waits, of events those that came before then; one query."""
    disputes = select(func.count()).where(Dispute.state == DisputeState.OPEN)
    aside = select(func.count()).where(Quarantine.resolved_at.is_(None))
    events = select(func.count()).where(
        WebhookEvent.state == EventState.RECEIVED.value, WebhookEvent.received_at <= events_before
    )
    by_bank = (
        select(func.count())
        .select_from(Refund)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Refund.state == RefundState.REQUESTED, Payment.means == Means.BANK_TRANSFER)
    )
    overdue = select(func.count()).where(Invoice.state == InvoiceState.OVERDUE)
    asked = (disputes, aside, events, by_bank, overdue)
    row = session.execute(select(*(one.scalar_subquery() for one in asked))).one()
    return Waiting(*row)


def paid_for(
    session: Session, payment_ids: Collection[UUID]
) -> dict[UUID, tuple[UUID, str, Payable]]:
    """Return of each payment who paid, how it is described, and what it is for; one query."""
    rows = session.execute(
        select(
            Payment.id,
            Payment.payer_id,
            Payment.description,
            Payment.payable_kind,
            Payment.payable_id,
        ).where(Payment.id.in_(payment_ids))
    )
    return {row[0]: (row[1], row[2], Payable(row[3], row[4])) for row in rows}


def refunded(session: Session, refund_ids: Collection[UUID]) -> dict[UUID, tuple[str, Payable]]:
    """Return what each refund gives back of: how its payment is described, and what that is for."""
    rows = session.execute(
        select(Refund.id, Payment.description, Payment.payable_kind, Payment.payable_id)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Refund.id.in_(refund_ids))
    )
    return {row[0]: (row[1], Payable(row[2], row[3])) for row in rows}


def quarantined(session: Session, quarantine_id: UUID) -> Quarantine:
    """Something that is set aside; `NotFound`."""
    found = session.get(Quarantine, quarantine_id)
    if found is None:
        raise NotFound
    return found
