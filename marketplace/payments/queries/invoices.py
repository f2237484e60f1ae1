"""Selects of invoices, and of what goes back by bank."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Row, select

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.payments.events import Payable
from marketplace.payments.models import Invoice, InvoiceLine, InvoiceStep, Payment, Refund
from marketplace.payments.rules import Part, PriceLine
from marketplace.payments.rules.credit import Means
from marketplace.payments.states import OPEN_INVOICE, InvoiceState, RefundState
from marketplace.web.pagination import Page, paginate


def find(session: Session, invoice_id: UUID, *, lock: bool = False) -> Invoice:
    """Return the invoice; with `lock` as it is now, its row held. `NotFound` if there is none."""
    found = session.get(
        Invoice, invoice_id, with_for_update=True if lock else None, populate_existing=lock
    )
    if found is None:
        raise NotFound
    return found


def open_one(session: Session, payable: Payable) -> Invoice | None:
    """Return the invoice that is open for a thing, its row held; None if there is none."""
    return session.execute(
        select(Invoice)
        .where(
            Invoice.payable_kind == payable.kind,
            Invoice.payable_id == payable.id,
            Invoice.state.in_(OPEN_INVOICE),
        )
        .with_for_update(),
        execution_options={"populate_existing": True},
    ).scalar_one_or_none()


def of_school(
    session: Session, school_id: UUID, *, limit: int, cursor: str | None
) -> Page[Invoice]:
    """Return a school's invoices, the newest first; one query."""
    return _page(session, school_id, limit=limit, cursor=cursor)


def every(
    session: Session, *, states: Sequence[str], limit: int, cursor: str | None
) -> Page[Invoice]:
    """Return all invoices in these states, the newest first."""
    return _page(session, None, states=states, limit=limit, cursor=cursor)


def numbered(session: Session, number: int, limit: int) -> Sequence[Invoice]:
    """Return the invoices of this number, of whatever legal entity; one query."""
    return (
        session.execute(
            select(Invoice).where(Invoice.number == number).order_by(Invoice.id).limit(limit)
        )
        .scalars()
        .all()
    )


def numbers(session: Session, invoice_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the number of each invoice, as it is printed on it."""
    query = select(Invoice.id, Invoice.content["number"].as_string().label("number"))
    rows = session.execute(query.where(Invoice.id.in_(invoice_ids)))
    return {row.id: row.number for row in rows}


def open_of(session: Session, school_id: UUID, limit: int) -> Sequence[Invoice]:
    """Return what a school is asked for and has not paid, the first due first."""
    return (
        session.execute(
            select(Invoice)
            .where(Invoice.school_id == school_id, Invoice.state.in_(OPEN_INVOICE))
            .order_by(Invoice.due_on, Invoice.id)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def lines(session: Session, invoice_id: UUID) -> Sequence[InvoiceLine]:
    """Return the invoice's lines in order."""
    return (
        session.execute(
            select(InvoiceLine)
            .where(InvoiceLine.invoice_id == invoice_id)
            .order_by(InvoiceLine.place)
        )
        .scalars()
        .all()
    )


def parts(session: Session, invoice_id: UUID) -> list[Part]:
    """Return what the invoice asks for, thing by thing, in the order of its lines."""
    found: dict[UUID, tuple[InvoiceLine, list[PriceLine]]] = {}
    for line in lines(session, invoice_id):
        found.setdefault(line.part_id, (line, []))[1].append(line.as_rule())
    return [
        Part(first.part_kind, part_id, first.site_id, tuple(own))
        for part_id, (first, own) in found.items()
    ]


def steps(session: Session, invoice_id: UUID) -> Sequence[InvoiceStep]:
    """Return the invoice's history, oldest first."""
    return (
        session.execute(
            select(InvoiceStep)
            .where(InvoiceStep.invoice_id == invoice_id)
            .order_by(InvoiceStep.number)
        )
        .scalars()
        .all()
    )


def past_due(session: Session, today: date, limit: int) -> Sequence[Invoice]:
    """Return open invoices whose last day has passed, rows that nobody else works on, held."""
    return (
        session.execute(
            select(Invoice)
            .where(Invoice.state == InvoiceState.OPEN, Invoice.due_on < today)
            .order_by(Invoice.due_on, Invoice.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        .scalars()
        .all()
    )


def refunds_by_bank(session: Session, limit: int) -> Sequence[Row[Refund, Payment, Invoice]]:
    """Return what is to go back by bank and has not been sent, oldest first.

    With the payment that it takes back, and the invoice that was paid by it.
    """
    return session.execute(
        select(Refund, Payment, Invoice)
        .join(Payment, Payment.id == Refund.payment_id)
        .join(Invoice, Invoice.payment_id == Payment.id)
        .where(Payment.means == Means.BANK_TRANSFER, Refund.state == RefundState.REQUESTED)
        .order_by(Refund.requested_at)
        .limit(limit)
    ).all()


def _page(
    session: Session,
    school_id: UUID | None,
    *,
    states: Sequence[str] = (),
    limit: int,
    cursor: str | None,
) -> Page[Invoice]:
    query = select(Invoice)
    if school_id is not None:
        query = query.where(Invoice.school_id == school_id)
    if states:
        query = query.where(Invoice.state.in_(states))
    return paginate(
        session,
        query,
        key=[Invoice.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )
