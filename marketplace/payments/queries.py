"""All selects of payments, and the frozen answers that routes and other packages may have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments.errors import PaymentNotFound, RefundNotFound
from marketplace.payments.events import Payable
from marketplace.payments.models import (
    LedgerAccount,
    LedgerBalance,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    PaymentLine,
    PaymentTransition,
    Quarantine,
    Receipt,
    Reconciliation,
    Refund,
    WebhookEvent,
)
from marketplace.payments.rules import PriceLine
from marketplace.payments.states import LIVE, PaymentState


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """One line of the trial balance; `balance` is debits less credits."""

    kind: str
    owner_id: UUID | None
    debits: Money
    credits: Money
    entries: int

    @property
    def balance(self) -> Money:
        return self.debits - self.credits


@dataclass(frozen=True, slots=True)
class Posting:
    """One entry of the ledger with its transaction and account; a debit is positive."""

    transaction_id: UUID
    source: str
    reason: str
    occurred_at: datetime
    account: str
    owner_id: UUID | None
    amount: Money


def lock_payable(session: Session, payable: Payable) -> None:
    """Wait for this thing's money to be nobody else's to change until the transaction ends.

    Taken before any row of its payments, and before its owner's row where both are needed.
    """
    key = func.hashtextextended(f"payable {payable.kind} {payable.id}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))


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
    """Return the settled payments for this thing that are not wholly refunded, latest first."""
    return (
        session.execute(
            select(Payment)
            .where(
                Payment.payable_kind == payable.kind,
                Payment.payable_id == payable.id,
                Payment.state == PaymentState.SETTLED,
                Payment.refunded_minor < Payment.captured_minor,
            )
            .order_by(Payment.settled_at.desc(), Payment.id.desc())
        )
        .scalars()
        .all()
    )


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


def lines(session: Session, payment_id: UUID) -> list[PriceLine]:
    found = session.execute(
        select(PaymentLine).where(PaymentLine.payment_id == payment_id).order_by(PaymentLine.place)
    )
    return [line.as_rule() for line in found.scalars()]


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
    return (
        session.execute(
            select(Payment)
            .where(Payment.next_look_at <= now)
            .order_by(Payment.next_look_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        .scalars()
        .all()
    )


def due_refunds(session: Session, now: datetime, limit: int) -> Sequence[Refund]:
    return (
        session.execute(
            select(Refund)
            .where(Refund.next_look_at <= now)
            .order_by(Refund.next_look_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        .scalars()
        .all()
    )


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


def trial_balance(session: Session) -> list[AccountBalance]:
    """Return every account's totals, from the running totals: no scan of the entries."""
    rows = session.execute(
        select(
            LedgerAccount.kind,
            LedgerAccount.owner_id,
            LedgerAccount.currency,
            func.sum(LedgerBalance.debit_minor).label("debits"),
            func.sum(LedgerBalance.credit_minor).label("credits"),
            func.sum(LedgerBalance.entries).label("entries"),
        )
        .join(LedgerBalance, LedgerBalance.account_id == LedgerAccount.id)
        .group_by(LedgerAccount.id)
        .order_by(LedgerAccount.currency, LedgerAccount.kind, LedgerAccount.owner_id)
    )
    return [
        AccountBalance(
            row.kind,
            row.owner_id,
            Money(int(row.debits), row.currency),
            Money(int(row.credits), row.currency),
            int(row.entries),
        )
        for row in rows
    ]


def balance_of(session: Session, kind: str, currency: str, owner_id: UUID | None = None) -> Money:
    """Return one account's balance: debits less credits, so what we owe is negative."""
    minor = session.execute(
        select(func.coalesce(func.sum(LedgerBalance.debit_minor - LedgerBalance.credit_minor), 0))
        .join(LedgerAccount, LedgerAccount.id == LedgerBalance.account_id)
        .where(
            LedgerAccount.kind == kind,
            LedgerAccount.currency == currency,
            LedgerAccount.owner_id.is_not_distinct_from(owner_id),
        )
    ).scalar_one()
    return Money(int(minor), currency)


def postings(session: Session, payment_id: UUID) -> list[Posting]:
    """Return everything in the books about a payment, in the order of its posting."""
    rows = session.execute(
        select(LedgerTransaction, LedgerAccount, LedgerEntry)
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .join(LedgerAccount, LedgerAccount.id == LedgerEntry.account_id)
        .where(LedgerTransaction.payment_id == payment_id)
        .order_by(LedgerTransaction.id, LedgerEntry.id)
    )
    return [
        Posting(
            transaction.id,
            transaction.source,
            transaction.reason,
            transaction.occurred_at,
            account.kind,
            account.owner_id,
            Money(entry.amount_minor, entry.currency),
        )
        for transaction, account, entry in rows
    ]


def posted_sources(session: Session, sources: Sequence[str]) -> set[tuple[str, str]]:
    """Return (source, reason) of the ledger's transactions about these sources."""
    rows = session.execute(
        select(LedgerTransaction.source, LedgerTransaction.reason).where(
            LedgerTransaction.source.in_(sources)
        )
    )
    return {(row.source, row.reason) for row in rows}


def wrong_totals(session: Session) -> list[str]:
    """Return what is wrong in running totals, by adding up every entry; empty is right."""
    rows = session.execute(
        text(
            """
            WITH entry AS (
                SELECT account_id, sum(amount_minor) AS total, count(*) AS entries
                FROM ledger_entry GROUP BY account_id
            ), kept AS (
                SELECT account_id, sum(debit_minor - credit_minor) AS total,
                    sum(entries) AS entries
                FROM ledger_balance GROUP BY account_id
            )
            SELECT account_id, entry.total AS added, kept.total AS kept
            FROM entry FULL JOIN kept USING (account_id)
            WHERE entry.total IS DISTINCT FROM kept.total
                OR entry.entries IS DISTINCT FROM kept.entries
            ORDER BY account_id
            """
        )
    )
    return [f"account {row.account_id}: entries {row.added}, kept {row.kept}" for row in rows]


def currencies(session: Session) -> set[str]:
    """Return the currencies that the books know."""
    return set(session.execute(select(LedgerAccount.currency).distinct()).scalars())


def wrong_refund_sums(session: Session) -> list[str]:
    """Return payments whose `refunded` is not the sum of their refunds; empty is right."""
    granted = (
        select(Refund.payment_id, func.sum(Refund.__table__.c.amount_minor).label("total"))
        .where(Refund.replaces_id.is_(None))
        .group_by(Refund.payment_id)
        .subquery()
    )
    rows = session.execute(
        select(Payment.id)
        .outerjoin(granted, granted.c.payment_id == Payment.id)
        .where(Payment.refunded_minor != func.coalesce(granted.c.total, 0))
        .limit(100)
    )
    return [str(payment_id) for payment_id in rows.scalars()]


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


def last_reconciliation(session: Session) -> Reconciliation | None:
    return session.execute(
        select(Reconciliation).order_by(Reconciliation.started_at.desc()).limit(1)
    ).scalar_one_or_none()
