"""Selects of what the books say of a payer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments.models import (
    AccountKind,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    Receipt,
)

# Which side of which posting is the payer's money, by reason and account: with its sign, or against.
Sides = Mapping[tuple[str, AccountKind], int]


@dataclass(frozen=True, slots=True)
class Moved:
    """What one posting did to what a payer has paid, or to their credit; more is positive."""

    at: datetime
    reason: str
    amount: Money
    payment_id: UUID | None
    description: str | None
    receipt: str | None


def paid(
    session: Session, payer_id: UUID, sides: Sides, since: datetime, before: datetime
) -> list[Moved]:
    """Return what was paid and went back, in the order of its happening."""
    own = select(Payment.id).where(Payment.payer_id == payer_id)
    signed = _signed(sides)
    query = _lines(signed).where(
        LedgerTransaction.payment_id.in_(own),
        LedgerTransaction.reason.in_({reason for reason, _ in sides}),
        LedgerTransaction.occurred_at >= since,
        LedgerTransaction.occurred_at < before,
    )
    return _read(session, query)


def paid_before(
    session: Session, payer_id: UUID, sides: Sides, before: datetime
) -> dict[str, Money]:
    """Return by currency what had been paid at a time, less what had gone back."""
    own = select(Payment.id).where(Payment.payer_id == payer_id)
    query = _sums(_signed(sides)).where(
        LedgerTransaction.payment_id.in_(own), LedgerTransaction.occurred_at < before
    )
    return _by_currency(session, query)


def credit(session: Session, owner_id: UUID, since: datetime, before: datetime) -> list[Moved]:
    """Return what happened to an account's credit, in the order of its happening."""
    query = _lines(-LedgerEntry.amount_minor).where(
        *_credit_of(owner_id),
        LedgerTransaction.occurred_at >= since,
        LedgerTransaction.occurred_at < before,
    )
    return _read(session, query)


def credit_before(session: Session, owner_id: UUID, before: datetime) -> dict[str, Money]:
    """Return by currency what credit there was at a time."""
    query = _sums(-LedgerEntry.amount_minor).where(
        *_credit_of(owner_id), LedgerTransaction.occurred_at < before
    )
    return _by_currency(session, query)


def _credit_of(owner_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (LedgerAccount.owner_id == owner_id, LedgerAccount.kind == AccountKind.TRAINEE_CREDIT)


def _signed(sides: Sides) -> ColumnElement[Any]:
    whens = [
        (
            and_(LedgerTransaction.reason == reason, LedgerAccount.kind == kind),
            sign * LedgerEntry.amount_minor,
        )
        for (reason, kind), sign in sides.items()
    ]
    return case(*whens, else_=0)


def _lines(signed: ColumnElement[Any]) -> Select[Any]:
    total = func.sum(signed)
    number = Receipt.content["number"].astext
    return (
        select(
            LedgerTransaction.occurred_at,
            LedgerTransaction.reason,
            LedgerAccount.currency,
            total.label("minor"),
            Payment.id.label("payment_id"),
            Payment.description,
            number.label("receipt"),
        )
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .join(LedgerAccount, LedgerAccount.id == LedgerEntry.account_id)
        .outerjoin(Payment, Payment.id == LedgerTransaction.payment_id)
        .outerjoin(Receipt, Receipt.payment_id == Payment.id)
        .group_by(LedgerTransaction.id, LedgerAccount.currency, Payment.id, number)
        .having(total != 0)
        .order_by(LedgerTransaction.occurred_at, LedgerTransaction.id)
    )


def _sums(signed: ColumnElement[Any]) -> Select[str, Any]:
    return (
        select(LedgerAccount.currency, func.sum(signed).label("minor"))
        .select_from(LedgerTransaction)
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .join(LedgerAccount, LedgerAccount.id == LedgerEntry.account_id)
        .group_by(LedgerAccount.currency)
    )


def _read(session: Session, query: Select[Any]) -> list[Moved]:
    return [
        Moved(
            row.occurred_at,
            row.reason,
            Money(int(row.minor), row.currency),
            row.payment_id,
            row.description,
            row.receipt,
        )
        for row in session.execute(query)
    ]


def _by_currency(session: Session, query: Select[str, Any]) -> dict[str, Money]:
    return {row.currency: Money(int(row.minor), row.currency) for row in session.execute(query)}
