"""Exports: asked for, and served only when whole. `export_build` makes their files."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from marketplace.compliance import service as compliance
from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.reporting.errors import ExportNotReady, ExportRefused, NotYetThen
from marketplace.reporting.models import ExportRun
from marketplace.reporting.queries import exports as queries
from marketplace.reporting.service import export_rights
from marketplace.reporting.service.export_files import File

BUILD = "reporting.build_export"
IDENTIFIED = "identified"
# In the order in which they are made; the rows of all the others are read from the CSV.
FORMATS = ("csv", "jsonl", "parquet", "sav", "dta", "xlsx")


def ask(
    session: Session,
    *,
    match_year: int | None,
    profile: str,
    asked_by: UUID,
    now: datetime,
    formats: Sequence[str] = (),
    reason: str | None = None,
    compared_with: UUID | None = None,
    as_of: datetime | None = None,
) -> ExportRun:
    """Ask for the outcomes of a Match year, or of all, as they were known at `as_of`, or are now.

    CSV is always among the formats. Identified ones need the right and a reason, and are recorded.
    `compared_with` is an earlier export of the same years and profile.
    """
    if as_of is not None and as_of > now:
        raise NotYetThen
    if profile == IDENTIFIED:
        _check_identified(session, asked_by, reason, now)
    if compared_with is not None:
        _check_comparable(session, compared_with, match_year, profile)
    run = ExportRun(
        id=new_id(),
        match_year=match_year,
        profile=profile,
        formats=[name for name in FORMATS if name == "csv" or name in formats],
        reason=reason,
        compared_with=compared_with,
        as_of=as_of or now,
        state="asked",
        asked_by=asked_by,
        asked_at=now,
    )
    session.add(run)
    session.flush()
    if profile == IDENTIFIED:
        _record(session, run, now)
    defer(session, BUILD, export_id=str(run.id))
    return run


def file_of(run: ExportRun, name: str) -> File:
    """Return a file of a ready export; `ExportNotReady` or `NotFound` otherwise."""
    if run.state != "ready" or run.files is None:
        raise ExportNotReady(f"The export is {run.state}.", extra={"state": run.state})
    for file in run.files:
        if file["name"] == name:
            return File(**file)
    raise NotFound


def _check_identified(session: Session, by: UUID, reason: str | None, now: datetime) -> None:
    export_rights.check(session, by, now)
    if not reason:
        raise ExportRefused(
            "An identified export needs a reason.",
            fields={"reason": ["Say what it is for; it is recorded."]},
        )


def _check_comparable(
    session: Session, earlier_id: UUID, match_year: int | None, profile: str
) -> None:
    earlier = queries.export_run(session, earlier_id)
    if earlier is None or earlier.state != "ready":
        expected = "Expected an export that is ready."
    elif (earlier.match_year, earlier.profile) != (match_year, profile):
        expected = "Expected an export of the same Match year and profile."
    else:
        return
    raise ExportRefused("There is nothing to compare with.", fields={"compared_with": [expected]})


def _record(session: Session, run: ExportRun, now: datetime) -> None:
    compliance.record(
        session,
        actor_id=run.asked_by,
        action="export.ask",
        subject_kind="export",
        subject_id=run.id,
        detail={"profile": run.profile, "match_year": run.match_year, "formats": run.formats},
        now=now,
    )
