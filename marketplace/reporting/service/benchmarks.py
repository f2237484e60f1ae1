"""Loading published figures into the registry."""

from datetime import datetime
from importlib import resources
from io import StringIO
from typing import TextIO

from sqlalchemy.dialects.postgresql import insert

from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.reporting.models import Benchmark
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
