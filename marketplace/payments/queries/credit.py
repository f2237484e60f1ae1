"""Selects of credit: what an account has, what happened to it, and whether the books agree."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, func, literal, or_, select, text, tuple_

from marketplace.core.db import Session
from marketplace.core.money import Money
from marketplace.payments.errors import CreditNotFound
from marketplace.payments.events import Payable
from marketplace.payments.models import CreditGrant, CreditMovement, CreditUse, Payment
from marketplace.payments.rules.credit import Pot, UseState
from marketplace.web.pagination import Page, paginate

_currency = CreditGrant.__table__.c.amount_currency
_moved = CreditMovement.__table__.c.amount_minor


def available(session: Session, account_id: UUID, now: datetime) -> list[Money]:
    """Return what the account can spend, an amount for each currency that it has any in."""
    rows = session.execute(
        select(_currency, func.sum(CreditGrant.left_minor))
        .where(
            CreditGrant.account_id == account_id,
            CreditGrant.left_minor > 0,
            or_(CreditGrant.expires_at.is_(None), CreditGrant.expires_at > now),
        )
        .group_by(_currency)
        .order_by(_currency)
    )
    return [Money(int(minor), currency) for currency, minor in rows]


def spendable(session: Session, account_id: UUID, currency: str, now: datetime) -> list[Pot]:
    """Return what can be spent by grant, what expires first first, ours until the transaction ends.

    A balance that somebody else is spending is waited for.
    """
    good = [
        row
        for row in lock_credit(session, account_id, currency)
        if row.left_minor and (row.expires_at is None or row.expires_at > now)
    ]
    good.sort(key=lambda row: (row.expires_at is None, row.expires_at, row.id))
    return [Pot(row.id, row.left) for row in good]


def grant(session: Session, grant_id: UUID, *, lock: bool = False) -> CreditGrant:
    """Return the grant as it is now; `CreditNotFound` if there is none."""
    query = select(CreditGrant).where(CreditGrant.id == grant_id)
    found = session.execute(
        query.with_for_update() if lock else query,
        execution_options={"populate_existing": True},
    ).scalar_one_or_none()
    if found is None:
        raise CreditNotFound
    return found


def lock_credit(session: Session, account_id: UUID, currency: str) -> Sequence[CreditGrant]:
    """Return an account's credit in a currency, spent too, ours until the transaction ends.

    All of it and in one order, whatever is wanted of it, after the payments and before the books
    are posted to: so nobody who holds a part of it waits for another.
    """
    return (
        session.execute(
            select(CreditGrant)
            .where(CreditGrant.account_id == account_id, _currency == currency)
            .order_by(CreditGrant.id)
            .with_for_update(),
            execution_options={"populate_existing": True},
        )
        .scalars()
        .all()
    )


def lock_credit_of(session: Session, credit_payment_ids: Sequence[UUID]) -> None:
    """Do what `lock_credit` does for all who paid by credit here, in one order too."""
    whose = select(CreditUse.account_id, CreditUse.__table__.c.amount_currency).where(
        CreditUse.credit_payment_id.in_(credit_payment_ids)
    )
    query = (
        select(CreditGrant.id)
        .where(tuple_(CreditGrant.account_id, _currency).in_(whose))
        .order_by(CreditGrant.id)
    )
    session.execute(query.with_for_update())


def grants_of(
    session: Session, account_id: UUID, *, limit: int, cursor: str | None
) -> Page[CreditGrant]:
    """Return an account's credit, newest first, spent and expired too."""
    return paginate(
        session,
        select(CreditGrant).where(CreditGrant.account_id == account_id),
        key=[CreditGrant.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def owed(session: Session) -> list[Money]:
    """Return what is left of all credit, an amount for each currency that there is any in."""
    rows = session.execute(
        select(_currency, func.sum(CreditGrant.left_minor))
        .where(CreditGrant.left_minor > 0)
        .group_by(_currency)
        .order_by(_currency)
    )
    return [Money(int(minor), currency) for currency, minor in rows]


def every(
    session: Session, *, left_only: bool, limit: int, cursor: str | None
) -> Page[CreditGrant]:
    """Return everybody's credit, newest first; with `left_only` what something is left of."""
    query = select(CreditGrant)
    return paginate(
        session,
        query.where(CreditGrant.left_minor > 0) if left_only else query,
        key=[CreditGrant.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def paid_for(session: Session, use_ids: Collection[UUID]) -> dict[UUID, Payable]:
    """Return what each use of credit paid for, or was set aside for."""
    rows = session.execute(
        select(CreditUse.id, Payment.payable_kind, Payment.payable_id)
        .join(
            Payment, Payment.id == func.coalesce(CreditUse.credit_payment_id, CreditUse.payment_id)
        )
        .where(CreditUse.id.in_(use_ids))
    )
    return {row.id: Payable(row.payable_kind, row.payable_id) for row in rows}


def movements_of(
    session: Session,
    account_id: UUID,
    *,
    limit: int,
    cursor: str | None,
    grant_id: UUID | None = None,
) -> Page[CreditMovement]:
    """Return what happened to an account's credit, or to one grant of it, newest first."""
    own = select(CreditGrant.id).where(CreditGrant.account_id == account_id)
    query = select(CreditMovement).where(CreditMovement.grant_id.in_(own))
    if grant_id is not None:
        query = query.where(CreditMovement.grant_id == grant_id)
    return paginate(
        session,
        query,
        key=[CreditMovement.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def use_beside(session: Session, payment_id: UUID) -> CreditUse | None:
    """Return the credit that waits for a card's payment, as it is now and ours to change."""
    return _use(session, CreditUse.payment_id == payment_id)


def use_of(session: Session, credit_payment_id: UUID) -> CreditUse:
    """Return the use that made a payment by credit, ours to change."""
    found = _use(session, CreditUse.credit_payment_id == credit_payment_id)
    if found is None:
        raise LookupError(f"payment {credit_payment_id} was not made by credit")
    return found


def _use(session: Session, condition: ColumnElement[bool]) -> CreditUse | None:
    return session.execute(
        select(CreditUse).where(condition).with_for_update(),
        execution_options={"populate_existing": True},
    ).scalar_one_or_none()


def taken_by(session: Session, use_id: UUID) -> list[Pot]:
    """Return what a use has of each grant, what went back taken off: the first taken first."""
    rows = session.execute(
        select(CreditMovement.grant_id, _currency, func.sum(-_moved))
        .join(CreditGrant, CreditGrant.id == CreditMovement.grant_id)
        .where(CreditMovement.use_id == use_id)
        .group_by(CreditMovement.grant_id, _currency)
        .having(func.sum(_moved) < 0)
        .order_by(func.min(cast(CreditMovement.id, Text)))
    )
    return [Pot(grant_id, Money(int(minor), currency)) for grant_id, currency, minor in rows]


def expired(session: Session, now: datetime, limit: int) -> Sequence[CreditGrant]:
    """Return grants whose time is over with something left; those in use elsewhere are left out."""
    return (
        session.execute(
            select(CreditGrant)
            .where(CreditGrant.left_minor > 0, CreditGrant.expires_at <= now)
            .order_by(CreditGrant.expires_at)
            .limit(limit)
            .with_for_update(skip_locked=True),
            execution_options={"populate_existing": True},
        )
        .scalars()
        .all()
    )


def expiring(session: Session, now: datetime, until: datetime, limit: int) -> Sequence[CreditGrant]:
    """Return grants with something left that expire by `until` and were not told of."""
    return (
        session.execute(
            select(CreditGrant)
            .where(
                CreditGrant.left_minor > 0,
                CreditGrant.expires_at > now,
                CreditGrant.expires_at <= until,
                CreditGrant.reminded_of.is_distinct_from(CreditGrant.expires_at),
            )
            .order_by(CreditGrant.expires_at)
            .limit(limit)
            .with_for_update(skip_locked=True),
            execution_options={"populate_existing": True},
        )
        .scalars()
        .all()
    )


def granted_for(session: Session, kind: str, payable_id: UUID) -> Sequence[CreditGrant]:
    """Return the credit that was given for one thing, oldest first."""
    return (
        session.execute(
            select(CreditGrant)
            .where(CreditGrant.payable_kind == kind, CreditGrant.payable_id == payable_id)
            .order_by(CreditGrant.id)
        )
        .scalars()
        .all()
    )


def wrong_credit(session: Session) -> list[str]:
    """Return what is wrong with credit, by adding all of it up; empty is right.

    Of each account and currency: what is left of its grants, with what is set aside for payments
    under way, is what the books say that we owe. Of each grant: what is left is the sum of what
    happened to it.
    """
    rows = session.execute(
        text(
            """
            WITH given AS (
                SELECT account_id AS owner_id, amount_currency AS currency,
                    sum(left_minor) AS minor
                FROM credit_grant GROUP BY 1, 2
                UNION ALL
                SELECT account_id, amount_currency, sum(amount_minor)
                FROM credit_use WHERE state = :held GROUP BY 1, 2
            ), owed AS (
                SELECT a.owner_id, a.currency, sum(b.credit_minor - b.debit_minor) AS minor
                FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
                WHERE a.kind = 'trainee_credit' GROUP BY 1, 2
            ), kept AS (
                SELECT owner_id, currency, sum(minor) AS minor FROM given GROUP BY 1, 2
            )
            SELECT owner_id, currency, coalesce(kept.minor, 0) AS kept,
                coalesce(owed.minor, 0) AS owed
            FROM kept FULL JOIN owed USING (owner_id, currency)
            WHERE coalesce(kept.minor, 0) <> coalesce(owed.minor, 0)
            ORDER BY owner_id, currency LIMIT 100
            """
        ),
        {"held": UseState.HELD.value},
    )
    apart = session.execute(
        select(CreditGrant.id, CreditGrant.left_minor, func.sum(_moved))
        .join(CreditMovement, CreditMovement.grant_id == CreditGrant.id, isouter=True)
        .group_by(CreditGrant.id)
        .having(CreditGrant.left_minor != func.coalesce(func.sum(_moved), literal(0)))
        .limit(100)
    )
    return [
        *(
            f"credit of {row.owner_id}: {row.kept} {row.currency} is there, the books owe {row.owed}"
            for row in rows
        ),
        *(f"grant {one}: {left} left, its movements sum to {total}" for one, left, total in apart),
    ]
