"""Selects on hours, incident notes and safety reports."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from marketplace.core.db import Session
from marketplace.outcomes.models import (
    HourEntry,
    HourSignature,
    HourWithdrawal,
    IncidentNote,
    SafetyReport,
)
from marketplace.web.pagination import Page, paginate

_newer = aliased(HourEntry)
CORRECTED = exists(
    select(_newer.id).where(
        _newer.booking_id == HourEntry.booking_id,
        _newer.day == HourEntry.day,
        _newer.revision > HourEntry.revision,
    )
)


@dataclass(frozen=True)
class LoggedDay:
    """A day's entry that counts, who signed it when, and when that was withdrawn, if it was."""

    id: UUID
    day: date
    revision: int
    minutes: int
    activity: str
    logged_at: datetime
    signed_by: UUID | None
    signed_at: datetime | None
    withdrawn_at: datetime | None

    @property
    def signed(self) -> bool:
        """Whether somebody stands by it now."""
        return self.signed_by is not None and self.withdrawn_at is None


def logged_days(session: Session, booking_id: UUID) -> list[LoggedDay]:
    """Return the entries that count, day by day; one query."""
    rows = session.execute(
        select(
            HourEntry.id,
            HourEntry.day,
            HourEntry.revision,
            HourEntry.minutes,
            HourEntry.activity,
            HourEntry.logged_at,
            HourSignature.signed_by,
            HourSignature.signed_at,
            HourWithdrawal.withdrawn_at,
        )
        .outerjoin(HourSignature, HourSignature.entry_id == HourEntry.id)
        .outerjoin(HourWithdrawal, HourWithdrawal.entry_id == HourEntry.id)
        .where(HourEntry.booking_id == booking_id)
        .ext(distinct_on(HourEntry.day))
        .order_by(HourEntry.day, HourEntry.revision.desc())
    )
    return [LoggedDay(*row) for row in rows]


def hour_revisions(session: Session, booking_id: UUID) -> dict[date, int]:
    """Return how often each day of a booking has been logged."""
    rows = session.execute(
        select(HourEntry.day, func.max(HourEntry.revision))
        .where(HourEntry.booking_id == booking_id)
        .group_by(HourEntry.day)
    )
    return {row[0]: row[1] for row in rows}


def taught(
    session: Session, account_id: UUID, site_id: UUID, start: date, end: date
) -> tuple[int, int]:
    """Return how many trainees, and how many minutes, an account has signed for at a site.

    Of each day the entry that counts: not one that was corrected, nor a signature that was
    withdrawn, since.
    """
    row = session.execute(
        select(
            func.count(HourEntry.trainee_id.distinct()),
            func.coalesce(func.sum(HourEntry.minutes), 0),
        )
        .join(HourSignature, HourSignature.entry_id == HourEntry.id)
        .where(
            HourSignature.signed_by == account_id,
            HourEntry.site_id == site_id,
            HourEntry.day.between(start, end),
            HourEntry.minutes > 0,
            ~CORRECTED,
            ~exists().where(HourWithdrawal.entry_id == HourEntry.id),
        )
    ).one()
    return int(row[0]), int(row[1])


def incident_notes(session: Session, booking_id: UUID) -> Sequence[IncidentNote]:
    """Return a booking's notes, oldest first."""
    return (
        session.execute(
            select(IncidentNote)
            .where(IncidentNote.booking_id == booking_id)
            .order_by(IncidentNote.id)
        )
        .scalars()
        .all()
    )


def safety_reports(session: Session, booking_id: UUID) -> Sequence[SafetyReport]:
    """Return a booking's reports, oldest first."""
    return (
        session.execute(
            select(SafetyReport)
            .where(SafetyReport.booking_id == booking_id)
            .order_by(SafetyReport.id)
        )
        .scalars()
        .all()
    )


def all_safety_reports(
    session: Session, *, limit: int, cursor: str | None, besides: Collection[UUID]
) -> Page[SafetyReport]:
    """Return all reports but those on the sites `besides`, the newest first."""
    query = select(SafetyReport)
    if besides:
        query = query.where(SafetyReport.site_id.not_in(besides))
    return paginate(
        session,
        query,
        key=[SafetyReport.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )
