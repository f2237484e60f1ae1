"""Loading published figures into the registry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib import resources
from io import StringIO
from typing import TextIO
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from marketplace.compliance import service as compliance
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.reporting.models import Benchmark
from marketplace.reporting.queries import runs
from marketplace.reporting.rules import benchmarks as rules
from marketplace.reporting.rules.benchmarks import read_benchmarks

SHIPPED = "match_benchmarks.csv"


def load(session: Session, source: TextIO, now: datetime) -> int:
    """Add the figures of a CSV that are not there yet; return how many. All or nothing.

    A figure is never replaced: what a source says otherwise later is a figure of its own.
    """
    added = 0
    for figure in read_benchmarks(source):
        statement = (
            insert(Benchmark)
            .values(
                id=new_id(),
                match_year=figure.match_year,
                population=figure.population,
                metric=figure.metric,
                specialty=figure.specialty,
                numerator=figure.numerator,
                denominator=figure.denominator,
                value=figure.value,
                half_width=figure.half_width,
                unit=figure.unit,
                status=figure.status,
                source=figure.source,
                note=figure.note,
                loaded_at=now,
            )
            .on_conflict_do_nothing()
            .returning(Benchmark.id)
        )
        added += len(session.execute(statement).all())
    return added


def load_shipped(session: Session, now: datetime) -> int:
    """Add the figures that come with the product; return how many were new."""
    shipped = resources.files("marketplace.reporting").joinpath("data", SHIPPED)
    return load(session, StringIO(shipped.read_text(encoding="utf-8"), newline=""), now)


@dataclass(frozen=True)
class Planned:
    """What a file would add, how much of it is there already, and who says otherwise of the new."""

    new: Sequence[rules.Benchmark]
    known: int
    conflicts: Sequence[Sequence[rules.Benchmark]]


def plan(session: Session, text: str, now: datetime) -> Planned:
    """Look at a CSV without taking anything in; `TableUnreadable` names every bad cell."""
    figures = list(dict.fromkeys(read_benchmarks(StringIO(text, newline=""))))
    there = runs.benchmarks(session, now)
    known = {_identity(one) for one in there}
    new = [one for one in figures if _identity(one) not in known]
    of_new = {one.key for one in new}
    differ = [group for group in rules.conflicts([*there, *new]) if group[0].key in of_new]
    return Planned(new, len(figures) - len(new), differ)


def take_in(session: Session, text: str, *, by: UUID, now: datetime) -> int:
    """Add a CSV's new figures for an analyst; recorded. Return how many were new."""
    added = load(session, StringIO(text, newline=""), now)
    if added:
        compliance.record(
            session,
            actor_id=by,
            action="benchmark.load",
            subject_kind="account",
            subject_id=by,
            detail={"figures": added, "sha256": sha256(text.encode()).hexdigest()},
            now=now,
        )
    return added


def _identity(one: rules.Benchmark) -> tuple[object, ...]:
    """What two figures are one by, as in the table's key."""
    return (*one.key, one.status, one.source, one.value)
