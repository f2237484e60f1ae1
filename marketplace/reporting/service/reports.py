"""Reports of a cohort: worked out as of a moment, frozen once, the same bytes for ever."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter, getitem
from typing import Any
from uuid import UUID

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer
from marketplace.reporting.errors import (
    NotYetThen,
    PublishedMeanwhile,
    ReportMissing,
    ReportNotReady,
)
from marketplace.reporting.models import ReportRun
from marketplace.reporting.queries import frame, runs
from marketplace.reporting.rules import cohort
from marketplace.reporting.rules.benchmarks import Benchmark
from marketplace.reporting.rules.panel import PanelRow
from marketplace.reporting.rules.publication import Earlier

# Facts of a row that earlier methods did not know of.
ADDED: Mapping[str, Sequence[str]] = {
    cohort.ALONE: ("tier", "learner_status", "site_group", "residency_specialty", "program"),
    cohort.NAMELESS: ("program",),
}
FREEZE = "reporting.freeze_report"


@dataclass(frozen=True)
class Version:
    """A version of the year's report that was published before, and the rows it was made from."""

    as_of: datetime
    sha256: bytes
    document: dict[str, Any]
    rows: list[PanelRow]

    @property
    def named(self) -> dict[str, str]:
        """What a later version says of it."""
        return {"as_of": self.as_of.astimezone(UTC).isoformat(), "sha256": self.sha256.hex()}


@dataclass(frozen=True)
class Inputs:
    """All that a report depends on. `k` is the smallest count that a public one shows.

    A public one depends on those that were published before: together they may tell no more than
    each by itself.
    """

    match_year: int
    as_of: datetime
    public: bool
    k: int
    rows: list[PanelRow]
    figures: list[Benchmark]
    method: str = cohort.METHOD
    earlier: Sequence[Version] = field(default=())

    @property
    def sha256(self) -> bytes:
        """The hash of the rows, the published figures and the earlier versions, in fixed order."""
        digest = hashlib.sha256()
        versions = (version.named for version in self.earlier)
        encoder = json.JSONEncoder(sort_keys=True, default=_plain, ensure_ascii=False)
        others = map(encoder.encode, (*map(asdict, self.figures), *versions))
        for line in (*_lines(self.rows, ADDED.get(self.method, ())), *others):
            digest.update(line.encode() + b"\n")
        return digest.digest()


class _Facts(dict[Any, str]):
    """What a fact of a row is in its JSON: each value is encoded once."""

    def __init__(self, name: str, encode: Callable[[Any], str]) -> None:
        self._name, self._encode = encode(name), encode

    def __missing__(self, value: Any) -> str:
        self[value] = text = f"{self._name}: {self._encode(value)}"
        return text


def _lines(rows: Iterable[PanelRow], unknown: Sequence[str]) -> Iterator[str]:
    """Each row's fields but for the unknown as JSON, in the order of their names.

    As `json` would write them one by one, in a third of the time. No field holds values that are
    equal and not the same, such as 1 and true.
    """
    names = sorted(field.name for field in fields(PanelRow) if field.name not in unknown)
    values = attrgetter(*names)
    encode = json.JSONEncoder(ensure_ascii=False).encode
    texts = [_Facts(name, encode) for name in names]
    return (f"{{{', '.join(map(getitem, texts, values(row)))}}}" for row in rows)


@dataclass(frozen=True)
class Computed:
    """A report as plain data and as canonical JSON."""

    document: dict[str, Any]
    text: str
    inputs_sha256: bytes
    method: str

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
        earlier=[Earlier.of(version.rows, version.document) for version in inputs.earlier],
        method=inputs.method,
    )
    if inputs.earlier:
        document["earlier_versions"] = [version.named for version in inputs.earlier]
    return Computed(document, _canonical(document), inputs.sha256, inputs.method)


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
    return Inputs(
        match_year=run.match_year,
        as_of=run.as_of,
        public=run.public,
        k=run.k,
        rows=rows,
        figures=figures,
        method=run.method_version or cohort.METHOD,
        earlier=_published_before(session, run) if run.public else (),
    )


def _published_before(session: Session, run: ReportRun) -> list[Version]:
    """The versions that a run must agree with: those that it names once it is frozen, else all."""
    found = runs.published_versions(session, run.match_year)
    if run.result is not None:
        named = [one["sha256"] for one in json.loads(run.result).get("earlier_versions", ())]
        found = [one for one in found if one.result_sha256 and one.result_sha256.hex() in named]
    return versions(session, found)


def versions(session: Session, found: Iterable[ReportRun]) -> list[Version]:
    """Published runs with the rows that each was made from, for a report that must agree with them."""
    return [
        Version(
            as_of=one.as_of,
            sha256=one.result_sha256,
            document=json.loads(one.result),
            rows=list(frame.panel(session, one.match_year, one.as_of)),
        )
        for one in found
        if one.result is not None and one.result_sha256 is not None
    ]


def fill(session: Session, run_id: UUID, computed: Computed, now: datetime) -> ReportRun:
    """Put the result into a run that was asked for; one that stands stays as it is.

    `PublishedMeanwhile` if a version of the year has been published that the result does not know.
    """
    run = runs.report_run(session, run_id, lock=True)
    if run is None:
        raise NotFound
    if run.result is None:
        if run.public:
            runs.lock_year(session, run.match_year)
            known = {one["sha256"] for one in computed.document.get("earlier_versions", ())}
            there = runs.published_versions(session, run.match_year)
            if {one.result_sha256.hex() for one in there if one.result_sha256} != known:
                raise PublishedMeanwhile
        run.method_version = computed.method
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


def compare(session: Session, run_id: UUID) -> tuple[ReportRun, Computed]:
    """Return a frozen run and what it is worked out to now; `ReportNotReady` before it is filled."""
    run = runs.report_run(session, run_id)
    if run is None:
        raise NotFound
    if run.result is None:
        raise ReportNotReady(run.failure)
    return run, recompute(session, run_id)


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
