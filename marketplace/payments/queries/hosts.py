"""Selects of what hosts earn and are paid, and the lock that it is changed under."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, func, literal, not_, or_, select, text, true, tuple_

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.money import Money
from marketplace.payments.events import Payable
from marketplace.payments.models import (
    FeeContract,
    HostAccount,
    HostReversal,
    HostTransfer,
    Payment,
    PaymentPart,
    PriceProtection,
    ShareClaim,
    ShareRelease,
)
from marketplace.payments.queries.due import due
from marketplace.payments.states import PaymentState, ShareStep, TransferState
from marketplace.web.pagination import Page, paginate

_T = TransferState
# Earned, and not sent for a reason that may pass.
WAITING = (_T.HELD, _T.FAILED)


def lock_host(session: Session, site_id: UUID) -> None:
    """Wait for the site's shares, transfers and debts to be nobody else's to change.

    Taken after the payables and payments that the change is about, and before the rows themselves.
    """
    key = func.hashtextextended("host money " + literal(str(site_id)), 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))


def host_account(session: Session, site_id: UUID, *, lock: bool = False) -> HostAccount | None:
    return session.get(HostAccount, site_id, with_for_update=lock, populate_existing=True)


def host_account_by_processor(session: Session, account: str) -> HostAccount | None:
    return session.execute(
        select(HostAccount).where(HostAccount.processor_account == account)
    ).scalar_one_or_none()


def account_being_made(session: Session) -> bool:
    """Whether the processor was asked for an account whose name nobody has written down yet."""
    asked = select(HostAccount.site_id).where(
        HostAccount.processor_account.is_(None),
        HostAccount.attempts > 0,
        HostAccount.link_asked_at.is_not(None),
    )
    return session.execute(asked.limit(1)).first() is not None


def contract_on(session: Session, site_id: UUID, day: date) -> FeeContract | None:
    """Return the contract that counts at the site on a day; there is one at most."""
    return session.execute(
        select(FeeContract).where(
            FeeContract.site_id == site_id,
            FeeContract.replaced_at.is_(None),
            FeeContract.valid_from <= day,
            or_(FeeContract.valid_until.is_(None), FeeContract.valid_until > day),
        )
    ).scalar_one_or_none()


def contract_within(
    session: Session, site_id: UUID, first: date, until: date | None
) -> FeeContract | None:
    """Return the earliest contract that counts at the site on a day from `first` to before `until`."""
    found = select(FeeContract).where(
        FeeContract.site_id == site_id,
        FeeContract.replaced_at.is_(None),
        or_(FeeContract.valid_until.is_(None), FeeContract.valid_until > first),
    )
    if until is not None:
        found = found.where(FeeContract.valid_from < until)
    return session.execute(found.order_by(FeeContract.valid_from).limit(1)).scalar_one_or_none()


def contracts(session: Session, site_id: UUID) -> Sequence[FeeContract]:
    """Return all contracts of a site, replaced ones too, in the order of their making."""
    return (
        session.execute(
            select(FeeContract).where(FeeContract.site_id == site_id).order_by(FeeContract.id)
        )
        .scalars()
        .all()
    )


def contracts_from(session: Session, day: date, limit: int) -> Sequence[FeeContract]:
    """Return the contracts of all sites that count on a day or later, by their first day."""
    return (
        session.execute(
            select(FeeContract)
            .where(
                FeeContract.replaced_at.is_(None),
                or_(FeeContract.valid_until.is_(None), FeeContract.valid_until > day),
            )
            .order_by(FeeContract.valid_from, FeeContract.id)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def contract(session: Session, contract_id: UUID) -> FeeContract:
    found = session.get(FeeContract, contract_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound
    return found


def share_sources(session: Session, payable: Payable) -> list[tuple[Payment, PaymentPart | None]]:
    """Return the settled payments for this thing, and the parts of payments for more, by id.

    Those that went back wholly are among them.
    """
    own = session.execute(
        select(Payment)
        .where(
            Payment.payable_kind == payable.kind,
            or_(
                Payment.carried_to_id == payable.id,
                and_(Payment.payable_id == payable.id, Payment.carried_to_id.is_(None)),
            ),
            Payment.state == PaymentState.SETTLED,
        )
        .order_by(Payment.id)
    ).scalars()
    found: list[tuple[Payment, PaymentPart | None]] = [(payment, None) for payment in own]
    parts = session.execute(
        select(Payment, PaymentPart)
        .join(PaymentPart, PaymentPart.payment_id == Payment.id)
        .where(
            PaymentPart.payable_kind == payable.kind,
            or_(
                PaymentPart.carried_to_id == payable.id,
                and_(PaymentPart.payable_id == payable.id, PaymentPart.carried_to_id.is_(None)),
            ),
            Payment.state == PaymentState.SETTLED,
        )
        .order_by(Payment.id)
    )
    found.extend((row.Payment, row.PaymentPart) for row in parts)
    return found


def protected_share(session: Session, payable: Payable) -> Money | None:
    """Return what the host is paid by others of a protected price, if it was earned."""
    found = session.get(PriceProtection, payable.id)
    return None if found is None else found.to_host


def due_releases(
    session: Session,
    now: datetime,
    first_after: timedelta,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> Sequence[tuple[datetime, UUID]]:
    """Return releases whose time has come, with it, oldest first, `after` one of them.

    What waits for something is among them, to be tried again.
    """
    first = and_(ShareRelease.step == ShareStep.FIRST, ShareRelease.from_at <= now - first_after)
    others = and_(ShareRelease.step != ShareStep.FIRST, ShareRelease.from_at <= now)
    place = tuple_(ShareRelease.from_at, ShareRelease.id)
    found = session.execute(
        select(ShareRelease.from_at, ShareRelease.id)
        .where(ShareRelease.handled_at.is_(None), or_(first, others))
        .where(place > after if after is not None else true())
        .order_by(ShareRelease.from_at, ShareRelease.id)
        .limit(limit)
    )
    return [(row.from_at, row.id) for row in found]


def release(session: Session, release_id: UUID) -> ShareRelease:
    """Return a release as it is now, ours to change."""
    return session.get_one(ShareRelease, release_id, with_for_update=True, populate_existing=True)


def told_later(session: Session, row: ShareRelease) -> bool:
    """Whether something else was told of the same thing since."""
    later = select(ShareRelease.id).where(
        ShareRelease.payable_kind == row.payable_kind,
        ShareRelease.payable_id == row.payable_id,
        ShareRelease.id > row.id,
    )
    return session.execute(later.limit(1)).scalar_one_or_none() is not None


def is_over(session: Session, payable: Payable) -> bool:
    """Whether the last that was told of a thing is that what is left of its share is the host's."""
    last = (
        select(ShareRelease.step)
        .where(ShareRelease.payable_kind == payable.kind, ShareRelease.payable_id == payable.id)
        .order_by(ShareRelease.id.desc())
        .limit(1)
    )
    return session.execute(last).scalar_one_or_none() == ShareStep.REST


def transfers_for(session: Session, payable: Payable) -> Sequence[HostTransfer]:
    """Return the transfers for one thing as they are now, latest first."""
    return (
        session.execute(
            select(HostTransfer)
            .where(HostTransfer.payable_kind == payable.kind, HostTransfer.payable_id == payable.id)
            .order_by(HostTransfer.tranche.desc()),
            execution_options={"populate_existing": True},
        )
        .scalars()
        .all()
    )


def transfer(session: Session, transfer_id: UUID) -> HostTransfer:
    found = session.get(HostTransfer, transfer_id, populate_existing=True)
    if found is None:
        raise NotFound
    return found


def transfers(session: Session, transfer_ids: Collection[UUID]) -> Sequence[HostTransfer]:
    """Return these transfers; one query."""
    query = select(HostTransfer).where(HostTransfer.id.in_(transfer_ids))
    return session.execute(query).scalars().all()


def transfer_exists(session: Session, transfer_id: UUID) -> bool:
    return session.get(HostTransfer, transfer_id) is not None


def waiting_transfers(
    session: Session, site_id: UUID | None = None, limit: int = 500
) -> Sequence[HostTransfer]:
    """Return transfers that are owed and not sent, oldest first; of one site, or of all."""
    query = select(HostTransfer).where(HostTransfer.state.in_(WAITING))
    if site_id is not None:
        query = query.where(HostTransfer.site_id == site_id)
    return session.execute(query.order_by(HostTransfer.id).limit(limit)).scalars().all()


def stopped_transfers(session: Session, limit: int = 500) -> Sequence[HostTransfer]:
    """Return transfers that are not sent for a reason that a person may look at, oldest first."""
    stopped = or_(HostTransfer.state.in_(WAITING), HostTransfer.held_for.is_not(None))
    query = select(HostTransfer).where(stopped).order_by(HostTransfer.id).limit(limit)
    return session.execute(query).scalars().all()


def stopped_count(session: Session) -> int:
    """How many releases are frozen and transfers are stopped; one query."""
    stopped = or_(HostTransfer.state.in_(WAITING), HostTransfer.held_for.is_not(None))
    frozen = select(func.count()).where(
        ShareRelease.handled_at.is_(None), ShareRelease.waits_for.is_not(None)
    )
    sent = select(func.count()).where(stopped)
    row = session.execute(select(frozen.scalar_subquery(), sent.scalar_subquery())).one()
    return int(row[0]) + int(row[1])


def transfers_page(
    session: Session, site_id: UUID, *, limit: int, cursor: str | None
) -> Page[HostTransfer]:
    """Return a site's transfers, the latest first."""
    return paginate(
        session,
        select(HostTransfer).where(HostTransfer.site_id == site_id),
        key=[HostTransfer.earned_at, HostTransfer.id],
        key_of=lambda row: [row.earned_at, row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def frozen_releases(
    session: Session, limit: int = 500, *, site_id: UUID | None = None
) -> Sequence[ShareRelease]:
    """Return releases that are due and wait for something, oldest first; of a site if it is given."""
    query = (
        select(ShareRelease)
        .where(ShareRelease.handled_at.is_(None), ShareRelease.waits_for.is_not(None))
        .order_by(ShareRelease.from_at)
        .limit(limit)
    )
    if site_id is not None:
        query = query.where(ShareRelease.site_id == site_id)
    return session.execute(query).scalars().all()


def claims_for(session: Session, payable: Payable) -> Sequence[ShareClaim]:
    return (
        session.execute(
            select(ShareClaim).where(
                ShareClaim.payable_kind == payable.kind, ShareClaim.payable_id == payable.id
            )
        )
        .scalars()
        .all()
    )


def reversal(session: Session, reversal_id: UUID) -> HostReversal:
    found = session.get(HostReversal, reversal_id, populate_existing=True)
    if found is None:
        raise NotFound
    return found


def stale_accounts(
    session: Session, unready_before: datetime, before: datetime, limit: int
) -> Sequence[UUID]:
    """Return sites whose account we know of old; sooner, those that are not ready."""
    ready = and_(HostAccount.transfers_enabled, HostAccount.payouts_enabled)
    return (
        session.execute(
            select(HostAccount.site_id)
            .where(
                HostAccount.processor_account.is_not(None),
                or_(
                    HostAccount.seen_at <= before,
                    and_(not_(ready), HostAccount.seen_at <= unready_before),
                ),
            )
            .order_by(HostAccount.seen_at)
            .limit(limit)
        )
        .scalars()
        .all()
    )


def due_transfers(session: Session, now: datetime, limit: int) -> Sequence[HostTransfer]:
    return due(session, select(HostTransfer), HostTransfer.next_look_at, now, limit)


def due_reversals(session: Session, now: datetime, limit: int) -> Sequence[HostReversal]:
    return due(session, select(HostReversal), HostReversal.next_look_at, now, limit)


def wrong_host_sums(session: Session) -> list[str]:
    """Return sites whose books differ from their transfers and reversals; empty is right.

    What is due to a host is what is earned and not sent, less what is being taken back.
    """
    rows = session.execute(
        text(
            """
            WITH due AS (
                SELECT site_id, currency, sum(amount_minor) AS minor FROM (
                    SELECT site_id, currency, amount_minor FROM host_transfer
                     WHERE state IN ('held', 'requested', 'failed')
                        OR (state = 'sent' AND settled_at IS NULL)
                    UNION ALL
                    SELECT site_id, currency, -amount_minor FROM host_reversal
                     WHERE state = 'requested'
                ) AS parts GROUP BY site_id, currency
            ), kept AS (
                SELECT account.owner_id AS site_id, account.currency,
                    sum(kept.credit_minor - kept.debit_minor) AS minor
                FROM ledger_account AS account
                JOIN ledger_balance AS kept ON kept.account_id = account.id
                WHERE account.kind = 'host_payable' GROUP BY account.owner_id, account.currency
            )
            SELECT site_id, currency, coalesce(due.minor, 0) AS due, coalesce(kept.minor, 0) AS kept
            FROM due FULL JOIN kept USING (site_id, currency)
            WHERE coalesce(due.minor, 0) <> coalesce(kept.minor, 0)
            ORDER BY site_id, currency
            """
        )
    )
    return [
        f"site {row.site_id}: {row.due} {row.currency} by its transfers, {row.kept} in the books"
        for row in rows
    ]
