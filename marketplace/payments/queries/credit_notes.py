"""Selects of credit notes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.payments.models import CreditNote, Invoice, Refund
from marketplace.web.pagination import Page, paginate


def find(session: Session, note_id: UUID, *, lock: bool = False) -> CreditNote:
    """Return the note; with `lock` as it is now, its row held. `NotFound` if there is none."""
    found = session.get(
        CreditNote, note_id, with_for_update=True if lock else None, populate_existing=lock
    )
    if found is None:
        raise NotFound
    return found


def of_refund(session: Session, refund_id: UUID) -> CreditNote | None:
    return session.execute(
        select(CreditNote).where(CreditNote.refund_id == refund_id)
    ).scalar_one_or_none()


def of_void(session: Session, invoice_id: UUID) -> CreditNote | None:
    """Return the note that took back an invoice that was not paid."""
    return session.execute(
        select(CreditNote).where(
            CreditNote.invoice_id == invoice_id, CreditNote.refund_id.is_(None)
        )
    ).scalar_one_or_none()


def of_payment(session: Session, payment_id: UUID) -> Sequence[CreditNote]:
    """Return the notes for a payment, in the order of their numbers."""
    return (
        session.execute(
            select(CreditNote)
            .where(CreditNote.payment_id == payment_id)
            .order_by(CreditNote.number, CreditNote.id)
        )
        .scalars()
        .all()
    )


def of_invoice(session: Session, invoice_id: UUID) -> Sequence[CreditNote]:
    """Return the notes that refer to an invoice, in the order of their numbers."""
    return (
        session.execute(
            select(CreditNote)
            .where(CreditNote.invoice_id == invoice_id)
            .order_by(CreditNote.number, CreditNote.id)
        )
        .scalars()
        .all()
    )


def every(session: Session, *, limit: int, cursor: str | None) -> Page[CreditNote]:
    """Return all notes, the newest first."""
    return paginate(
        session,
        select(CreditNote),
        key=[CreditNote.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def invoice_paid_by(session: Session, payment_id: UUID) -> Invoice | None:
    """Return the invoice that a payment has paid."""
    return session.execute(
        select(Invoice).where(Invoice.payment_id == payment_id)
    ).scalar_one_or_none()


def missing(session: Session, since: datetime, before: datetime, limit: int) -> Sequence[UUID]:
    """Return refunds granted in a time whose note is not stored; one sent again has one already."""
    return (
        session.execute(
            select(Refund.id)
            .outerjoin(CreditNote, CreditNote.refund_id == Refund.id)
            .where(
                Refund.replaces_id.is_(None),
                Refund.requested_at >= since,
                Refund.requested_at <= before,
                CreditNote.stored_at.is_(None),
            )
            .order_by(Refund.requested_at)
            .limit(limit)
        )
        .scalars()
        .all()
    )
