"""Looking at what a public report would hide, before it is published: nothing is frozen by it."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete

from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.reporting.errors import NotYetThen
from marketplace.reporting.models import ReportLook
from marketplace.reporting.queries import frame, looks, runs
from marketplace.reporting.service import reports
from marketplace.reporting.service.reports import Computed, Inputs

LOOK = "reporting.look_at_report"
# What is not published by then was looked at in vain; another look costs a job.
KEPT = timedelta(days=30)


def ask(
    session: Session, *, match_year: int, as_of: datetime, k: int, asked_by: UUID, now: datetime
) -> ReportLook:
    """Have a job work out the report as it would be published; `NotYetThen` for the future."""
    if as_of > now:
        raise NotYetThen(fields={"as_of": ["Must not be in the future."]})
    made = ReportLook(
        id=new_id(), match_year=match_year, as_of=as_of, k=k, asked_by=asked_by, asked_at=now
    )
    session.add(made)
    session.flush()
    defer(session, LOOK, look_id=str(made.id))
    return made


def inputs_of(session: Session, look_id: UUID) -> Inputs:
    """Read what the report would be made from, as it is now."""
    found = looks.look(session, look_id)
    return Inputs(
        match_year=found.match_year,
        as_of=found.as_of,
        public=True,
        k=found.k,
        rows=list(frame.panel(session, found.match_year, found.as_of)),
        figures=runs.benchmarks(session, at=found.asked_at),
        earlier=reports.versions(session, runs.published_versions(session, found.match_year)),
    )


def fill(session: Session, look_id: UUID, computed: Computed, now: datetime) -> None:
    """Put the result in; one that stands stays as it is."""
    found = looks.look(session, look_id, lock=True)
    if found.result is None:
        found.inputs_sha256, found.result = computed.inputs_sha256, computed.text
        found.done_at, found.failure = now, None
        session.flush()


def note_failure(session: Session, look_id: UUID, failure: str) -> None:
    """Say that working it out failed; the job tries again, and success erases it."""
    found = looks.look(session, look_id, lock=True)
    if found.result is None:
        found.failure = failure
        session.flush()


def forget(session: Session, now: datetime) -> None:
    """Delete the looks that were asked for too long ago; what was published stands by itself."""
    session.execute(delete(ReportLook).where(ReportLook.asked_at < now - KEPT))
