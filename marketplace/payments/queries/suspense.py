"""Selects of what is in suspense: money that moved at the processor and that nobody could explain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments.models import (
    AccountKind,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    Quarantine,
)


@dataclass(frozen=True, slots=True)
class Suspended:
    """A movement at the processor; `amount` is what came in, negative for what left.

    `kind` and `about` are the processor's words for it and the object that it belongs to, where known;
    `case_id` is its place in the quarantine.
    """

    source: str
    at: datetime
    amount: Money
    kind: str
    about: str
    case_id: UUID | None


def lines(session: Session, limit: int) -> list[Suspended]:
    """Return what has not left suspense, the oldest first."""
    currency, total = LedgerEntry.currency, func.sum(-LedgerEntry.amount_minor)
    rows = session.execute(
        select(
            LedgerTransaction.source,
            currency,
            func.min(LedgerTransaction.occurred_at).label("at"),
            total.label("minor"),
        )
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .join(LedgerAccount, LedgerAccount.id == LedgerEntry.account_id)
        .where(LedgerAccount.kind == AccountKind.SUSPENSE)
        .group_by(LedgerTransaction.source, currency)
        .having(total != 0)
        .order_by(func.min(LedgerTransaction.occurred_at), LedgerTransaction.source)
        .limit(limit)
    ).all()
    cases = _cases(session, [row.source for row in rows])
    return [_line(row.source, row.at, Money(int(row.minor), row.currency), cases) for row in rows]


def left_of(session: Session, source: str) -> Money | None:
    """Return what of a movement is in suspense, held until the commit; None where nothing is.

    Whoever takes something out of suspense asks this first: one at a time.
    """
    session.execute(
        select(LedgerAccount.id)
        .where(LedgerAccount.kind == AccountKind.SUSPENSE)
        .order_by(LedgerAccount.id)
        .with_for_update(key_share=True)
    ).all()
    row = session.execute(
        select(LedgerEntry.currency, func.sum(-LedgerEntry.amount_minor))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .join(LedgerAccount, LedgerAccount.id == LedgerEntry.account_id)
        .where(LedgerAccount.kind == AccountKind.SUSPENSE, LedgerTransaction.source == source)
        .group_by(LedgerEntry.currency)
    ).first()
    return Money(int(row[1]), row[0]) if row is not None and row[1] else None


def reasons_of(session: Session, source: str) -> Sequence[str]:
    """Return under which reasons something was posted for an object."""
    return (
        session.execute(select(LedgerTransaction.reason).where(LedgerTransaction.source == source))
        .scalars()
        .all()
    )


def case_of(session: Session, source: str) -> UUID:
    """Return the id of a movement's case, which is made together with its line."""
    return session.execute(
        select(Quarantine.id).where(
            Quarantine.processor_object == source, Quarantine.reason == "unexplained"
        )
    ).scalar_one()


def _cases(session: Session, sources: Sequence[str]) -> dict[str, Quarantine]:
    rows = session.execute(
        select(Quarantine).where(
            Quarantine.processor_object.in_(sources), Quarantine.reason == "unexplained"
        )
    ).scalars()
    return {row.processor_object: row for row in rows}


def _line(source: str, at: datetime, amount: Money, cases: dict[str, Quarantine]) -> Suspended:
    case = cases.get(source)
    told = case.details if case is not None else {}
    return Suspended(
        source=source,
        at=at,
        amount=amount,
        kind=str(told.get("kind") or ""),
        about=str(told.get("source") or ""),
        case_id=case.id if case is not None else None,
    )
