"""Selects of notices: how people want them, and what was sent."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Date, case, cast, exists, func, or_, select

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity.models import (
    NOTICE_STATES,
    Account,
    Notice,
    NoticePreference,
    RefusedAddress,
)
from marketplace.identity.queries import civil
from marketplace.identity.rules import NOTICE_CHOICES, NoticeKind
from marketplace.web.pagination import Page, paginate

# What a notice can be, and what can be sent again.
STATES: Sequence[str] = NOTICE_STATES
FAILED = ("failed", "refused")


def notices(
    session: Session,
    *,
    state: str | None,
    account_id: uuid.UUID | None,
    limit: int,
    cursor: str | None,
) -> Page[Notice]:
    """Return notices, newest first, of one state or to one account where that is given."""
    query = select(Notice)
    if state is not None:
        query = query.where(Notice.state == state)
    if account_id is not None:
        query = query.where(Notice.account_id == account_id)
    return paginate(
        session,
        query,
        key=[Notice.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def own(session: Session, account_id: uuid.UUID, notice_id: uuid.UUID) -> Notice:
    """Return a notice to the account; `NotFound` if it is another's."""
    found = session.get(Notice, notice_id)
    if found is None or found.account_id != account_id:
        raise NotFound
    return found


def instead(
    session: Session, account_ids: Collection[uuid.UUID], kind: NoticeKind
) -> dict[uuid.UUID, str]:
    """Return what becomes of a notice of `kind` to these instead of being sent at once.

    `off`, by wish or as their server refuses mail; `waiting`, for who has them once a day. What must
    be sent is tried all the same, and needs no question.
    """
    if kind not in NOTICE_CHOICES or not account_ids:
        return {}
    rows = session.execute(
        select(
            Account.id,
            case(
                (
                    or_(NoticePreference.choice == "off", RefusedAddress.address.is_not(None)),
                    "off",
                ),
                else_="waiting",
            ),
        )
        .join(
            NoticePreference,
            (NoticePreference.account_id == Account.id) & (NoticePreference.kind == kind),
            isouter=True,
        )
        .join(RefusedAddress, RefusedAddress.address == Account.email, isouter=True)
        .where(
            Account.id.in_(account_ids),
            or_(NoticePreference.choice.in_(["off", "daily"]), RefusedAddress.address.is_not(None)),
        )
    )
    return {row[0]: row[1] for row in rows}


def due_a_digest(session: Session, template: str, now: datetime, limit: int) -> Sequence[uuid.UUID]:
    """Return whose notices wait, who may be written to at this hour, and had no digest today.

    Hours and days are those of each one's own clock.
    """

    def day(at: Any) -> ColumnElement[Any]:
        return cast(func.timezone(Account.time_zone, at), Date)

    waiting = exists().where(Notice.account_id == Account.id, Notice.state == "waiting")
    had = exists().where(
        Notice.account_id == Account.id,
        Notice.template == template,
        day(Notice.queued_at) == day(now),
    )
    query = select(Account.id).where(waiting, ~had, civil(Account.time_zone, now))
    return session.execute(query.order_by(Account.id).limit(limit)).scalars().all()


def waiting(session: Session, account_id: uuid.UUID) -> Sequence[Notice]:
    """Return what waits for an account's digest, oldest first, held; nobody else's are waited for."""
    query = (
        select(Notice)
        .where(Notice.account_id == account_id, Notice.state == "waiting")
        .order_by(Notice.queued_at, Notice.id)
        .with_for_update(skip_locked=True)
    )
    return session.execute(query).scalars().all()


def choices(
    session: Session, account_ids: Collection[uuid.UUID], kind: NoticeKind
) -> dict[uuid.UUID, str]:
    """Return how each of these wants notices of `kind`."""
    rows = session.execute(
        select(NoticePreference.account_id, NoticePreference.choice).where(
            NoticePreference.account_id.in_(account_ids), NoticePreference.kind == kind
        )
    )
    default = NOTICE_CHOICES[kind][0]
    return dict.fromkeys(account_ids, default) | {row[0]: row[1] for row in rows}


def preferences(session: Session, account_id: uuid.UUID) -> Sequence[NoticePreference]:
    """Return what the account has chosen, where it has."""
    return (
        session.execute(select(NoticePreference).where(NoticePreference.account_id == account_id))
        .scalars()
        .all()
    )


def unwilling(session: Session, addresses: Collection[str], kind: NoticeKind) -> set[str]:
    """Return which of these addresses refuse mail, or are of accounts that want none of `kind`."""
    refused = select(RefusedAddress.address).where(RefusedAddress.address.in_(addresses))
    ended = (
        select(Account.email)
        .join(NoticePreference, NoticePreference.account_id == Account.id)
        .where(
            Account.email.in_(addresses),
            NoticePreference.kind == kind,
            NoticePreference.choice == "off",
        )
    )
    return set(session.execute(refused.union(ended)).scalars())


def refusal(session: Session, address: str) -> RefusedAddress | None:
    """Return what the address's server said for good, if it did."""
    return session.get(RefusedAddress, address)
