"""Selects on exports, the right to identified ones, schedules and deliveries."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from marketplace.core.db import Session
from marketplace.reporting.models import (
    DeliveryAttempt,
    ExportDelivery,
    ExportRun,
    ExportSchedule,
    IdentifiedRight,
)
from marketplace.web.pagination import Page, paginate


def export_run(session: Session, export_id: UUID, *, lock: bool = False) -> ExportRun | None:
    query = select(ExportRun).where(ExportRun.id == export_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.execute(query).scalar_one_or_none()


def years(session: Session, export_ids: Collection[UUID]) -> dict[UUID, int | None]:
    """Return of which Match year each export is; none for all years."""
    query = select(ExportRun.id, ExportRun.match_year).where(ExportRun.id.in_(export_ids))
    return {row.id: row.match_year for row in session.execute(query)}


def export_runs(session: Session, *, limit: int, cursor: str | None) -> Page[ExportRun]:
    """Return all exports, newest first: analysts share them."""
    return paginate(
        session,
        select(ExportRun),
        key=[ExportRun.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def live_right(session: Session, account_id: UUID, now: datetime) -> IdentifiedRight | None:
    """Return the right that lets the account have identified exports now, if there is one."""
    return session.execute(
        select(IdentifiedRight)
        .where(
            IdentifiedRight.account_id == account_id,
            IdentifiedRight.revoked_at.is_(None),
            IdentifiedRight.expires_at > now,
        )
        .order_by(IdentifiedRight.expires_at.desc())
        .limit(1)
    ).scalar_one_or_none()


def right(session: Session, right_id: UUID) -> IdentifiedRight | None:
    return session.execute(
        select(IdentifiedRight).where(IdentifiedRight.id == right_id).with_for_update()
    ).scalar_one_or_none()


def rights(session: Session, *, limit: int, cursor: str | None) -> Page[IdentifiedRight]:
    """Return all rights that were ever given, newest first."""
    return paginate(
        session,
        select(IdentifiedRight),
        key=[IdentifiedRight.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def schedule(session: Session, schedule_id: UUID, *, lock: bool = False) -> ExportSchedule | None:
    query = select(ExportSchedule).where(ExportSchedule.id == schedule_id)
    return session.execute(query.with_for_update() if lock else query).scalar_one_or_none()


def schedules(session: Session, *, limit: int, cursor: str | None) -> Page[ExportSchedule]:
    """Return all schedules, ended ones too, newest first."""
    return paginate(
        session,
        select(ExportSchedule),
        key=[ExportSchedule.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def due_schedule(session: Session, now: datetime) -> ExportSchedule | None:
    """Return, locked, a schedule whose time has come and that nobody else is at."""
    return session.execute(
        select(ExportSchedule)
        .where(ExportSchedule.ended_at.is_(None), ExportSchedule.next_at <= now)
        .order_by(ExportSchedule.next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).scalar_one_or_none()


def last_delivered(session: Session, schedule_id: UUID) -> UUID | None:
    """Return the export that a schedule delivered last."""
    return session.execute(
        select(ExportDelivery.export_id)
        .where(ExportDelivery.schedule_id == schedule_id, ExportDelivery.state == "delivered")
        .order_by(ExportDelivery.due_at.desc())
        .limit(1)
    ).scalar_one_or_none()


def delivery(session: Session, delivery_id: UUID, *, lock: bool = False) -> ExportDelivery | None:
    query = select(ExportDelivery).where(ExportDelivery.id == delivery_id)
    return session.execute(query.with_for_update() if lock else query).scalar_one_or_none()


def delivery_of(session: Session, export_id: UUID) -> ExportDelivery | None:
    return session.execute(
        select(ExportDelivery).where(ExportDelivery.export_id == export_id)
    ).scalar_one_or_none()


def deliveries(session: Session, *, limit: int, cursor: str | None) -> Page[ExportDelivery]:
    """Return the log of deliveries, newest first."""
    return paginate(
        session,
        select(ExportDelivery),
        key=[ExportDelivery.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def attempts(session: Session, delivery_id: UUID) -> Sequence[DeliveryAttempt]:
    """Return the attempts at a delivery, oldest first."""
    return (
        session.execute(
            select(DeliveryAttempt)
            .where(DeliveryAttempt.delivery_id == delivery_id)
            .order_by(DeliveryAttempt.id)
        )
        .scalars()
        .all()
    )
