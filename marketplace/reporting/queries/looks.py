"""Selects for building a report: the years there are, and looks before publishing."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.reporting.models import ReportLook, ReportRun


def look(session: Session, look_id: UUID, *, lock: bool = False) -> ReportLook:
    """Return a look; `NotFound` if there is none."""
    query = select(ReportLook).where(ReportLook.id == look_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def looks(session: Session, match_year: int, *, limit: int) -> Sequence[ReportLook]:
    """Return the year's last looks, the newest first."""
    return (
        session.execute(
            select(ReportLook)
            .where(ReportLook.match_year == match_year)
            .order_by(ReportLook.id.desc())
            .limit(limit)
        )
        .scalars()
        .all()
    )


def years(session: Session) -> set[int]:
    """Return the Match years that a report was asked for of."""
    return set(session.execute(select(ReportRun.match_year).distinct()).scalars())
