"""Selects of what the books say of a site in a month."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments.models import (
    AccountKind,
    HostReversal,
    HostTransfer,
    LedgerAccount,
    LedgerBalance,
    LedgerEntry,
    LedgerTransaction,
    ShareClaim,
)

# What is due to a host, and what they owe: together how we stand with them.
STANDING = (AccountKind.HOST_PAYABLE, AccountKind.HOST_RECEIVABLE)


@dataclass(frozen=True, slots=True)
class Movement:
    """What one posting did to how we stand with a host: more due to them is positive."""

    at: datetime
    source: str
    reason: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Owed:
    """What a site owes us."""

    site_id: UUID
    amount: Money


def opening(session: Session, site_id: UUID, before: datetime) -> dict[str, Money]:
    """Return by currency what was due to the host at a time; negative is what they owed."""
    rows = session.execute(
        select(LedgerAccount.currency, func.sum(LedgerEntry.amount_minor).label("minor"))
        .join(LedgerEntry, LedgerEntry.account_id == LedgerAccount.id)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(
            LedgerAccount.owner_id == site_id,
            LedgerAccount.kind.in_(STANDING),
            LedgerTransaction.occurred_at < before,
        )
        .group_by(LedgerAccount.currency)
    )
    return {row.currency: Money(-int(row.minor), row.currency) for row in rows}


def movements(session: Session, site_id: UUID, since: datetime, before: datetime) -> list[Movement]:
    """Return what changed how we stand with a host, in the order of its happening."""
    total = func.sum(LedgerEntry.amount_minor)
    rows = session.execute(
        select(
            LedgerTransaction.occurred_at,
            LedgerTransaction.source,
            LedgerTransaction.reason,
            LedgerAccount.currency,
            total.label("minor"),
        )
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .join(LedgerAccount, LedgerAccount.id == LedgerEntry.account_id)
        .where(
            LedgerAccount.owner_id == site_id,
            LedgerAccount.kind.in_(STANDING),
            LedgerTransaction.occurred_at >= since,
            LedgerTransaction.occurred_at < before,
        )
        .group_by(LedgerTransaction.id, LedgerAccount.currency)
        .having(total != 0)
        .order_by(LedgerTransaction.occurred_at, LedgerTransaction.id)
    )
    return [
        Movement(row.occurred_at, row.source, row.reason, Money(-int(row.minor), row.currency))
        for row in rows
    ]


def transfers_by(
    session: Session, ids: Collection[UUID], processor_ids: Collection[str]
) -> Sequence[HostTransfer]:
    """Return transfers by our ids and by the processor's; one query."""
    return (
        session.execute(
            select(HostTransfer).where(
                HostTransfer.id.in_(ids) | HostTransfer.processor_transfer.in_(processor_ids)
            )
        )
        .scalars()
        .all()
    )


def claims_by(session: Session, ids: Collection[UUID]) -> Sequence[ShareClaim]:
    return session.execute(select(ShareClaim).where(ShareClaim.id.in_(ids))).scalars().all()


def transfers_reversed(session: Session, processor_ids: Collection[str]) -> dict[str, HostTransfer]:
    """Return the transfers that were reversed, by the processor's ids of the reversals."""
    rows = session.execute(
        select(HostReversal.processor_reversal, HostTransfer)
        .join(HostTransfer, HostTransfer.id == HostReversal.transfer_id)
        .where(HostReversal.processor_reversal.in_(processor_ids))
    )
    return {name: row for name, row in rows if name is not None}


def receivables(session: Session, limit: int) -> list[Owed]:
    """Return what sites owe us, the most first; from the running totals."""
    total = func.sum(LedgerBalance.debit_minor - LedgerBalance.credit_minor)
    rows = session.execute(
        select(LedgerAccount.owner_id, LedgerAccount.currency, total.label("minor"))
        .join(LedgerBalance, LedgerBalance.account_id == LedgerAccount.id)
        .where(LedgerAccount.kind == AccountKind.HOST_RECEIVABLE)
        .group_by(LedgerAccount.id)
        .having(total != 0)
        .order_by(total.desc(), LedgerAccount.id)
        .limit(limit)
    )
    return [Owed(row.owner_id, Money(int(row.minor), row.currency)) for row in rows]
