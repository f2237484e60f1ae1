"""Selects of the ledger, and what is wrong in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import aliased

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments.models import (
    AccountKind,
    LedgerAccount,
    LedgerBalance,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    PaymentPart,
    Reconciliation,
    Refund,
)


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


def postings(session: Session, *payment_ids: UUID) -> list[Posting]:
    """Return everything in the books about these payments, in the order of its posting."""
    rows = session.execute(
        select(LedgerTransaction, LedgerAccount, LedgerEntry)
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .join(LedgerAccount, LedgerAccount.id == LedgerEntry.account_id)
        .where(LedgerTransaction.payment_id.in_(payment_ids))
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


class Kept(NamedTuple):
    """What the books have of a payment for the platform and for the tax office; credits are positive."""

    revenue: Money
    tax: Money


def kept_of(session: Session, payment_id: UUID, currency: str) -> Kept:
    """Return what is left of a payment on the accounts of revenue and of tax."""
    rows = session.execute(
        select(LedgerAccount.kind, func.sum(-LedgerEntry.amount_minor))
        .join(LedgerEntry, LedgerEntry.account_id == LedgerAccount.id)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(
            LedgerTransaction.payment_id == payment_id,
            LedgerAccount.kind.in_([AccountKind.PLATFORM_REVENUE, AccountKind.TAX_PAYABLE]),
            LedgerAccount.currency == currency,
        )
        .group_by(LedgerAccount.kind)
    )
    found = {kind: Money(int(minor), currency) for kind, minor in rows}
    none = Money.zero(currency)
    return Kept(
        found.get(AccountKind.PLATFORM_REVENUE, none), found.get(AccountKind.TAX_PAYABLE, none)
    )


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
            SELECT account.kind, account.owner_id, account.currency,
                entry.total AS added, kept.total AS kept,
                entry.entries AS entries_added, kept.entries AS entries_kept
            FROM entry FULL JOIN kept USING (account_id)
                JOIN ledger_account account ON account.id = account_id
            WHERE entry.total IS DISTINCT FROM kept.total
                OR entry.entries IS DISTINCT FROM kept.entries
            ORDER BY account_id
            """
        )
    )
    return [
        f"{row.kind}{f' of {row.owner_id}' if row.owner_id else ''}:"
        f" {row.entries_added or 0} entries add up to {Money(int(row.added or 0), row.currency)},"
        f" the total of {row.entries_kept or 0} says {Money(int(row.kept or 0), row.currency)}"
        for row in rows
    ]


def currencies(session: Session) -> set[str]:
    """Return the currencies that the books know."""
    return set(session.execute(select(LedgerAccount.currency).distinct()).scalars())


def wrong_refund_sums(session: Session) -> list[str]:
    """Return payments whose `refunded` is not that of their refunds, or parts; empty is right."""
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
    apart = session.execute(
        select(Payment.id)
        .join(PaymentPart, PaymentPart.payment_id == Payment.id)
        .group_by(Payment.id)
        .having(func.sum(PaymentPart.refunded_minor) != Payment.refunded_minor)
        .limit(100)
    )
    return [str(payment_id) for payment_id in (*rows.scalars(), *apart.scalars())]


def oldest_unexplained(
    session: Session, unexplained: str, explained: Sequence[str]
) -> datetime | None:
    """Return when the oldest money moved that is in suspense for these reasons; None if none is."""
    later = aliased(LedgerTransaction)
    cleared = select(later.id).where(
        later.source == LedgerTransaction.source, later.reason.in_(explained)
    )
    return session.execute(
        select(func.min(LedgerTransaction.occurred_at))
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .join(LedgerAccount, LedgerAccount.id == LedgerEntry.account_id)
        .where(
            LedgerAccount.kind == AccountKind.SUSPENSE,
            LedgerTransaction.reason == unexplained,
            ~cleared.exists(),
        )
    ).scalar_one()


def last_reconciliation(session: Session) -> Reconciliation | None:
    return session.execute(
        select(Reconciliation).order_by(Reconciliation.started_at.desc()).limit(1)
    ).scalar_one_or_none()
