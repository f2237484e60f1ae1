"""What does not fit is set aside with an alarm, once, and nothing is booked for it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.core.db import Session, affected
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.payments.models import Quarantine

log = structlog.get_logger(__name__)


def put_aside(
    session: Session,
    *,
    processor_object: str,
    reason: str,
    details: Mapping[str, Any],
    now: datetime,
    payment_id: UUID | None = None,
    event_id: UUID | None = None,
    again: bool = False,
) -> UUID | None:
    """Record that `processor_object` does not fit; the log line at level error is the alarm.

    Met again it is the same case, and stays closed once it was closed, since what is looked at
    every few minutes would call a person every few minutes. `again`: it was tried anew and has
    failed anew, so a case that was closed is open again, and says how it had been closed.
    Returns the case where it is new, or open again; None where it is on record already.
    """
    row = session.execute(
        upsert(Quarantine)
        .values(
            id=new_id(),
            processor_object=processor_object,
            reason=reason,
            details=dict(details),
            payment_id=payment_id,
            event_id=event_id,
            found_at=now,
        )
        .on_conflict_do_nothing(constraint="uq_quarantine_processor_object_reason")
        .returning(Quarantine.id)
    ).scalar_one_or_none()
    if row is None and again:
        row = _open_again(session, processor_object, reason, details, now)
    if row is not None:
        log.error(
            "money_quarantined",
            quarantine=str(row),
            processor_object=processor_object,
            reason=reason,
            payment=str(payment_id) if payment_id else None,
            **{f"detail_{name}": value for name, value in details.items()},
        )
    return row


def _open_again(
    session: Session, processor_object: str, reason: str, details: Mapping[str, Any], now: datetime
) -> UUID | None:
    """Open a closed case; None where it is open already. How it was closed before stays in it."""
    row = session.execute(
        select(Quarantine)
        .where(
            Quarantine.processor_object == processor_object,
            Quarantine.reason == reason,
            Quarantine.resolved_at.is_not(None),
        )
        .with_for_update()
    ).scalar_one_or_none()
    if row is None or row.resolved_at is None:
        return None
    closed = (
        f"{row.resolved_at:%Y-%m-%d %H:%M} UTC, {row.resolved_by or 'by itself'}: {row.resolution}"
    )
    before = [row.details["closed_before"]] if "closed_before" in row.details else []
    row.details = {**details, "closed_before": "; ".join([*before, closed])}
    row.found_at = now
    row.resolved_at = row.resolved_by = row.resolution = None
    session.flush()
    return row.id


def end_by_itself(
    session: Session, *, processor_object: str, reason: str, resolution: str, now: datetime
) -> None:
    """End what has come right without a person; nobody is named as having resolved it."""
    close(session, processor_object, reason, resolution=resolution, account_id=None, now=now)


def close(
    session: Session,
    processor_object: str,
    reason: str,
    *,
    resolution: str,
    account_id: UUID | None,
    now: datetime,
) -> None:
    """Close the case of an object with what a person did about it, where it is open."""
    session.execute(
        update(Quarantine)
        .where(
            Quarantine.processor_object == processor_object,
            Quarantine.reason == reason,
            Quarantine.resolved_at.is_(None),
        )
        .values(resolved_at=now, resolved_by=account_id, resolution=resolution)
    )


def resolve(
    session: Session, quarantine_id: UUID, *, resolution: str, account_id: UUID, now: datetime
) -> None:
    """Note what a person decided; `NotFound` unless it is open."""
    closed = affected(
        session,
        update(Quarantine)
        .where(Quarantine.id == quarantine_id, Quarantine.resolved_at.is_(None))
        .values(resolved_at=now, resolved_by=account_id, resolution=resolution),
    )
    if not closed:
        raise NotFound
