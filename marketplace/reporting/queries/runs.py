"""Selects on benchmarks and frozen reports."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from marketplace.core.db import Session
from marketplace.reporting.models import Benchmark, ReportRun
from marketplace.reporting.rules import benchmarks as rules
from marketplace.web.pagination import Page, paginate

# The first half of the advisory lock that a year is published under.
PUBLISHING = 7043916


def benchmarks(session: Session, at: datetime) -> list[rules.Benchmark]:
    """Return the registry as it was loaded by `at`, in a fixed order."""
    rows = session.execute(
        select(Benchmark)
        .where(Benchmark.loaded_at <= at)
        .order_by(
            Benchmark.match_year,
            Benchmark.metric,
            Benchmark.population,
            Benchmark.specialty,
            Benchmark.status,
            Benchmark.source,
            Benchmark.value,
        )
    ).scalars()
    return [
        rules.Benchmark(
            match_year=row.match_year,
            population=row.population,
            metric=row.metric,
            specialty=row.specialty,
            numerator=row.numerator,
            denominator=row.denominator,
            value=row.value,
            unit=row.unit,
            status=row.status,
            source=row.source,
            note=row.note,
        )
        for row in rows
    ]


def report_run(session: Session, run_id: UUID, *, lock: bool = False) -> ReportRun | None:
    query = select(ReportRun).where(ReportRun.id == run_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.execute(query).scalar_one_or_none()


def published(session: Session, match_year: int) -> ReportRun | None:
    """Return the year's last public report that has been worked out."""
    return session.execute(
        select(ReportRun)
        .where(
            ReportRun.match_year == match_year,
            ReportRun.public.is_(True),
            ReportRun.result.is_not(None),
        )
        .order_by(ReportRun.as_of.desc(), ReportRun.asked_at.desc())
        .limit(1)
    ).scalar_one_or_none()


def published_of_all_years(session: Session) -> Sequence[ReportRun]:
    """Return the last public report of each Match year, the first year first."""
    return (
        session.execute(
            select(ReportRun)
            .where(ReportRun.public.is_(True), ReportRun.result.is_not(None))
            .ext(distinct_on(ReportRun.match_year))
            .order_by(ReportRun.match_year, ReportRun.as_of.desc(), ReportRun.asked_at.desc())
        )
        .scalars()
        .all()
    )


def published_years(session: Session) -> Sequence[tuple[int, datetime]]:
    """Return each Match year with a public report, and when the last of them was asked for."""
    rows = session.execute(
        select(ReportRun.match_year, func.max(ReportRun.asked_at).label("asked_at"))
        .where(ReportRun.public.is_(True), ReportRun.result.is_not(None))
        .group_by(ReportRun.match_year)
        .order_by(ReportRun.match_year)
    )
    return [(row.match_year, row.asked_at) for row in rows]


def published_versions(session: Session, match_year: int) -> Sequence[ReportRun]:
    """Return the year's public reports that have been worked out, in the order of publication."""
    return (
        session.execute(
            select(ReportRun)
            .where(
                ReportRun.match_year == match_year,
                ReportRun.public.is_(True),
                ReportRun.result.is_not(None),
            )
            .order_by(ReportRun.frozen_at, ReportRun.id)
            .execution_options(populate_existing=True)
        )
        .scalars()
        .all()
    )


def lock_year(session: Session, match_year: int) -> None:
    """Publish one version of a year after the other: held to the end of the transaction."""
    session.execute(select(func.pg_advisory_xact_lock(PUBLISHING, match_year)))


def report_runs(
    session: Session, match_year: int, *, limit: int, cursor: str | None
) -> Page[ReportRun]:
    """Return the year's runs, newest first."""
    return paginate(
        session,
        select(ReportRun).where(ReportRun.match_year == match_year),
        key=[ReportRun.id],
        key_of=lambda row: [row.id],
        limit=limit,
        cursor=cursor,
        descending=True,
    )


def years_published(session: Session) -> Sequence[int]:
    """Return the Match years that have a public report, newest first."""
    return (
        session.execute(
            select(ReportRun.match_year)
            .where(ReportRun.public.is_(True), ReportRun.result.is_not(None))
            .distinct()
            .order_by(ReportRun.match_year.desc())
        )
        .scalars()
        .all()
    )
