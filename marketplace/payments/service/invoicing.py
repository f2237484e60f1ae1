"""Invoices: issued with a number without gaps, paid by bank transfer or on the processor's page.

An invoice is paid by a payment like any other, in parts, so that the books, refunds and hosts' shares
know no second kind of money. A bank transfer is a payment that an operator writes down as settled.
Who locks both takes the payable's lock (`queries.lock_payable`) first, then the invoice's row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from babel import Locale

from marketplace.core.db import Session
from marketplace.core.events import publish
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.core.money import Money
from marketplace.identity.queries import schools
from marketplace.identity.service.notices import notify, notify_all
from marketplace.payments import queries
from marketplace.payments.errors import AlreadyPaid, AmountRefused, InvoiceNotOpen
from marketplace.payments.events import InvoiceMoved, Payable, PaymentSettled
from marketplace.payments.models import Invoice, InvoiceLine, InvoiceStep, Payment
from marketplace.payments.queries import invoices
from marketplace.payments.rules import Part, Purpose, split, total
from marketplace.payments.service import asking, ledger, receipts, steps, taxing
from marketplace.payments.service.bank_refunds import check_day
from marketplace.payments.states import INVOICE, OPEN_INVOICE, InvoiceState, PaymentState

# What is printed is in English.
ENGLISH = Locale("en")
KIND = "invoice"
PRINT = "payments.print_invoice"
PURPOSE: Purpose = "whole"
RETURN_PATH = "/schools/{}/invoices/{}/returned"
BATCH = 200
SENT_BACK = "Money that comes for it now goes back to the account that it came from"
# What to do with money for an invoice that is not open.
SAYS = {
    InvoiceState.PAID: f"It is paid. {SENT_BACK}.",
    InvoiceState.VOID: f"It is void: nothing is owed by it. {SENT_BACK}, or is written down for the"
    " invoice that took its place.",
}
# As far as any clock is behind UTC: the last day is over everywhere.
BEHIND = timedelta(hours=12)


@dataclass(frozen=True)
class Asked:
    """What a school is asked for: by whom, for what, in which parts, by which day.

    `whose` says for each part whose place it is; it is printed beside its lines.
    """

    payable: Payable
    school_id: UUID
    asked_by: UUID
    description: str
    parts: Sequence[Part]
    due_on: date
    whose: Mapping[UUID, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Transfer:
    """A bank transfer as the statement of our account has it."""

    reference: str
    received_on: date
    amount: Money


def issue(session: Session, asked: Asked, *, legal_entity: str, now: datetime) -> Invoice:
    """Issue an invoice; the number's row stays locked until the commit, so that there are no gaps.

    The caller has taken the payable's lock. One is open for a thing at a time (`uq_invoice_open`).
    """
    lines = [line for part in asked.parts for line in part.lines]
    amount = total(lines)
    if amount.minor <= 0:
        raise AmountRefused(f"{amount} is nothing to pay.")
    number = receipts.next_number(session, legal_entity, KIND)
    found = Invoice(
        id=new_id(),
        legal_entity=legal_entity,
        number=number,
        payable_kind=asked.payable.kind,
        payable_id=asked.payable.id,
        school_id=asked.school_id,
        asked_by=asked.asked_by,
        state=InvoiceState.OPEN.value,
        version=1,
        amount=amount,
        description=asked.description,
        issued_on=now.date(),
        due_on=asked.due_on,
        content=_content(session, asked, legal_entity, number, amount, now),
        issued_at=now,
    )
    session.add(found)
    session.flush()
    session.add_all(_lines(found.id, asked.parts))
    session.add(_step(found, None, InvoiceState.OPEN, asked.asked_by, "Issued.", now))
    _publish(session, found, now)
    session.flush()
    defer(session, PRINT, invoice_id=str(found.id))
    return found


def pay(
    session: Session, invoice: Invoice, *, payer_id: UUID, expires_in: timedelta, now: datetime
) -> Payment:
    """Ask to pay an open invoice on the processor's page; asking again is the same payment."""
    queries.lock_payable(session, invoice.payable)
    found = invoices.find(session, invoice.id, lock=True)
    _check_open(found)
    parts = invoices.parts(session, found.id)
    return asking.request(
        session,
        payable=found.payable,
        purpose=PURPOSE,
        payer_id=payer_id,
        site_id=None,
        lines=[line for part in parts for line in part.lines],
        parts=parts,
        description=found.description,
        expires_in=expires_in,
        now=now,
        return_path=RETURN_PATH.format(found.school_id, found.id),
        locked=True,
    )


def received(
    session: Session, invoice_id: UUID, transfer: Transfer, *, actor_id: UUID, now: datetime
) -> Invoice:
    """Write down that the money of an open invoice has come to our bank, all of it.

    `AmountRefused` for another amount; `AlreadyPaid` where it was paid on the page meanwhile. An open
    page is closed; the payment settles, and whoever listens fulfils what was paid for.
    """
    check_day("received_on", transfer.received_on, now)
    known = invoices.find(session, invoice_id)
    queries.lock_payable(session, known.payable)
    found = invoices.find(session, invoice_id, lock=True)
    _check_open(found)
    if transfer.amount != found.amount:
        raise AmountRefused(
            f"The invoice is for {found.amount}, and is written down as paid when all of it is here."
            " What is over goes back to the account that it came from; for what lacks, ask the school.",
            fields={"amount": [f"Expected {found.amount}."]},
        )
    if queries.kept_payments(session, found.payable):
        raise AlreadyPaid
    page = queries.live_payment(session, found.payable, PURPOSE)
    if page is not None:
        asking.cancel(session, page.id, now=now, reason="paid by bank transfer")
    payment = _settled(session, found, transfer, now)
    found.payment_id = payment.id
    words = f"Bank transfer {transfer.reference} of {transfer.received_on.isoformat()}."
    _move(session, found, InvoiceState.PAID, actor_id, words, now)
    _tell(session, found, "invoice_paid", now)
    publish(
        session,
        PaymentSettled(
            payment_id=payment.id,
            payable=found.payable,
            purpose=payment.purpose,
            payer_id=payment.payer_id,
            amount=payment.amount,
            at=now,
            late=False,
        ),
    )
    return found


def settled(session: Session, payable: Payable, payment_id: UUID, now: datetime) -> None:
    """The money of a thing came by the payment page: its open invoice is paid by it."""
    found = invoices.open_one(session, payable)
    if found is None:
        return
    found.payment_id = payment_id
    _move(session, found, InvoiceState.PAID, None, "Paid.", now)
    _tell(session, found, "invoice_paid", now)


def void(
    session: Session, payable: Payable, *, reason: str, actor_id: UUID | None, now: datetime
) -> Invoice | None:
    """Take back what a thing is asked for, and close the page; None where nothing is.

    The caller has taken the payable's lock. The number stays used.
    """
    found = invoices.open_one(session, payable)
    if found is None:
        return None
    page = queries.live_payment(session, payable, PURPOSE)
    if page is not None:
        asking.cancel(session, page.id, now=now, reason="the invoice is void")
    _move(session, found, InvoiceState.VOID, actor_id, reason, now)
    defer(session, steps.ISSUE_CREDIT_NOTE, invoice_id=str(found.id))
    _tell(session, found, "invoice_void", now, reason=reason)
    return found


def parts_of(session: Session, payable: Payable) -> list[Part]:
    """Return what the open invoice of a thing asks for; nothing where none is open."""
    found = invoices.open_one(session, payable)
    return [] if found is None else invoices.parts(session, found.id)


def mark_overdue(session: Session, now: datetime) -> int:
    """Mark what was not paid by its day, wherever the school is, and tell it; return how many."""
    late = invoices.past_due(session, (now - BEHIND).date(), BATCH)
    for found in late:
        _move(session, found, InvoiceState.OVERDUE, None, "Not paid by its day.", now)
        _tell(session, found, "invoice_overdue", now)
    return len(late)


def stored(session: Session, invoice_id: UUID, key: str, now: datetime) -> None:
    """The PDF is stored: note it, and mail it to the school's coordinators, once."""
    found = invoices.find(session, invoice_id, lock=True)
    if found.object_key is None:
        found.object_key = key
        session.flush()
        for one in schools.coordinators(session, found.school_id):
            notify(session, one.account_id, "invoice_issued", _told(found), [key], now=now)


def _settled(session: Session, found: Invoice, transfer: Transfer, now: datetime) -> Payment:
    """Insert the payment that the transfer is, and book it to our bank account."""
    parts = invoices.parts(session, found.id)
    payment = asking.record(
        session,
        payable=found.payable,
        purpose=PURPOSE,
        payer_id=found.asked_by,
        parts=parts,
        description=found.description,
        reference=transfer.reference,
        now=now,
    )
    payment.captured_minor = payment.amount.minor
    payment.settled_at = now
    payment.fee_known = True
    day = transfer.received_on.isoformat()
    words = f"bank transfer {transfer.reference}, received on {day}"
    steps.move(session, payment, PaymentState.SETTLED, words, now)
    shares = [(part.site_id, split(part.lines)) for part in parts]
    ledger.post_received(session, payment, f"bank:{payment.id}", shares)
    defer(session, steps.ISSUE_RECEIPT, payment_id=str(payment.id))
    return payment


def _check_open(found: Invoice) -> None:
    if found.state not in OPEN_INVOICE:
        raise InvoiceNotOpen(SAYS[InvoiceState(found.state)], extra={"state": found.state})


def _lines(invoice_id: UUID, parts: Sequence[Part]) -> list[InvoiceLine]:
    every = [(part, line) for part in parts for line in part.lines]
    return [
        InvoiceLine(
            invoice_id=invoice_id,
            place=place,
            part_kind=part.kind,
            part_id=part.id,
            site_id=part.site_id,
            kind=line.kind,
            description=line.description,
            quantity=line.quantity,
            amount=line.amount,
            earner=line.earner.value,
        )
        for place, (part, line) in enumerate(every, start=1)
    ]


def _content(
    session: Session,
    asked: Asked,
    legal_entity: str,
    number: int,
    amount: Money,
    now: datetime,
) -> dict[str, Any]:
    """Everything that the invoice prints, as JSON: what is reprinted years later is the same."""
    school = schools.find(session, asked.school_id)
    return {
        "number": f"{number:06d}",
        "legal_entity": legal_entity,
        "issued_on": now.date().isoformat(),
        "due_on": asked.due_on.isoformat(),
        "payer": {
            "name": school.name,
            "place": ", ".join(
                filter(None, (school.city, ENGLISH.territories.get(school.country, school.country)))
            ),
        },
        "for": asked.description,
        "lines": [
            {
                "description": line.description,
                "amount": str(line.amount),
                "whose": asked.whose.get(part.id, ""),
            }
            for part in asked.parts
            for line in part.lines
        ],
        "total": str(amount),
        **taxing.taxes(session, split([line for part in asked.parts for line in part.lines])),
    }


def _move(
    session: Session,
    found: Invoice,
    after: InvoiceState,
    actor_id: UUID | None,
    reason: str,
    now: datetime,
) -> None:
    before = InvoiceState(found.state)
    INVOICE.check(before, after)
    found.version += 1
    session.add(_step(found, before, after, actor_id, reason, now))
    found.state = after.value
    _publish(session, found, now)
    session.flush()


def _publish(session: Session, found: Invoice, now: datetime) -> None:
    publish(
        session,
        InvoiceMoved(
            invoice_id=found.id,
            school_id=found.school_id,
            state=found.state,
            amount=found.amount,
            due_on=found.due_on,
            at=now,
        ),
    )


def _step(
    found: Invoice,
    before: InvoiceState | None,
    after: InvoiceState,
    actor_id: UUID | None,
    reason: str,
    now: datetime,
) -> InvoiceStep:
    return InvoiceStep(
        invoice_id=found.id,
        number=found.version,
        before=None if before is None else before.value,
        after=after.value,
        reason=reason,
        actor_id=actor_id,
        at=now,
    )


def _tell(session: Session, found: Invoice, template: str, now: datetime, **more: Any) -> None:
    people = schools.coordinators(session, found.school_id)
    notify_all(session, people, template, {**_told(found), **more}, now=now)


def _told(found: Invoice) -> dict[str, Any]:
    return {
        "school_id": str(found.school_id),
        "invoice_id": str(found.id),
        "number": found.content["number"],
        "amount": {"amount": found.amount.minor, "currency": found.amount.currency},
        "description": found.description,
        "due_on": found.due_on.isoformat(),
    }
