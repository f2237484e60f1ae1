"""Reports of a cohort: worked out as of a moment, frozen once, the same bytes for ever."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.reporting.errors import NotYetThen, ReportMissing
from marketplace.reporting.models import ReportRun
from marketplace.reporting.queries import frame, runs
from marketplace.reporting.rules import cohort
from marketplace.reporting.rules.benchmarks import Benchmark
from marketplace.reporting.rules.panel import PanelRow

METHOD = "cohort-1"
FREEZE = "reporting.freeze_report"


@dataclass(frozen=True)
class Inputs:
    """All that a report depends on. `k` is the smallest count that a public one shows."""

    match_year: int
    as_of: datetime
    public: bool
    k: int
    rows: list[PanelRow]
    figures: list[Benchmark]

    @property
    def sha256(self) -> bytes:
        """The hash of the rows and of the published figures, in their fixed order."""
        digest = hashlib.sha256()
        for item in (*map(asdict, self.rows), *map(asdict, self.figures)):
            line = json.dumps(item, sort_keys=True, default=_plain, ensure_ascii=False)
            digest.update(line.encode() + b"\n")
        return digest.digest()


@dataclass(frozen=True)
class Computed:
    """A report as plain data and as canonical JSON."""

    document: dict[str, Any]
    text: str
    inputs_sha256: bytes

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.text.encode()).digest()


def cohort_report(
    session: Session, match_year: int, as_of: datetime, *, public: bool, k: int
) -> Computed:
    """Work out the year's report as known at `as_of`; `public` hides counts below `k`.

    The same arguments give the same bytes, whenever and wherever they are worked out, once a
    report is frozen as of that moment or a later one.
    """
    rows = list(frame.panel(session, match_year, as_of))
    return compute(Inputs(match_year, as_of, public, k, rows, runs.benchmarks(session, at=as_of)))


def compute(inputs: Inputs) -> Computed:
    """Work a report out; needs no database, so no transaction stays open meanwhile."""
    document = cohort.report(
        inputs.rows,
        year=inputs.match_year,
        as_of=inputs.as_of.astimezone(UTC).date(),
        benchmarks=inputs.figures,
        public=inputs.public,
        k=inputs.k,
    )
    return Computed(document, _canonical(document), inputs.sha256)


def ask(
    session: Session,
    *,
    match_year: int,
    as_of: datetime,
    public: bool,
    k: int,
    asked_by: UUID | None,
    now: datetime,
) -> ReportRun:
    """Freeze the year as of a moment that is past; a job works the report out.

    From the commit on nothing of that year can be recorded at or before `as_of`.
    """
    if as_of > now:
        raise NotYetThen(fields={"as_of": ["Must not be in the future."]})
    run = ReportRun(
        id=new_id(),
        match_year=match_year,
        as_of=as_of,
        public=public,
        k=k,
        asked_by=asked_by,
        asked_at=now,
    )
    session.add(run)
    session.flush()
    defer(session, FREEZE, run_id=str(run.id))
    return run


def inputs_of(session: Session, run_id: UUID) -> Inputs:
    """Read what a run depends on: the same whenever it is read."""
    run = runs.report_run(session, run_id)
    if run is None:
        raise NotFound
    rows = list(frame.panel(session, run.match_year, run.as_of))
    figures = runs.benchmarks(session, at=run.asked_at)
    return Inputs(run.match_year, run.as_of, run.public, run.k, rows, figures)


def fill(session: Session, run_id: UUID, computed: Computed, now: datetime) -> ReportRun:
    """Put the result into a run that was asked for; one that stands stays as it is."""
    run = runs.report_run(session, run_id, lock=True)
    if run is None:
        raise NotFound
    if run.result is None:
        run.method_version = METHOD
        run.inputs_sha256 = computed.inputs_sha256
        run.result = computed.text
        run.result_sha256 = computed.sha256
        run.frozen_at = now
        run.failure = None
        session.flush()
    return run


def note_failure(session: Session, run_id: UUID, failure: str) -> None:
    """Say on the run that working it out failed; the job tries again, and success erases it."""
    run = runs.report_run(session, run_id, lock=True)
    if run is not None and run.result is None:
        run.failure = failure
        session.flush()


def recompute(session: Session, run_id: UUID) -> Computed:
    """Work a run out again from the tables: text and hashes are those that it was frozen with."""
    return compute(inputs_of(session, run_id))


def published(session: Session, match_year: int) -> ReportRun:
    """Return the year's public report; `ReportMissing` while there is none."""
    run = runs.published(session, match_year)
    if run is None:
        raise ReportMissing(f"No report of the {match_year} Match has been published.")
    return run


def _canonical(document: dict[str, Any]) -> str:
    """One text for one document: keys in order, figures at full double precision."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{value!r} is not expected among the inputs of a report")
