"""Published benchmarks and frozen reports."""

import uuid
from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk


class Benchmark(Base):
    """A figure that somebody published, with what is known of how it came about.

    `half_width` is half of the last printed digit: the true value lies within it. The status says
    how far the figure can be trusted; `disputed` and `seed_only` are never tested against. Rows
    are only added: a frozen report finds the ones that it was made with.
    """

    __tablename__ = "benchmark"
    __table_args__ = (
        UniqueConstraint(
            "match_year",
            "population",
            "metric",
            "specialty",
            "status",
            "source",
            "value",
            postgresql_nulls_not_distinct=True,
            name="uq_benchmark_identity",
        ),
        CheckConstraint(
            "status IN ('primary','secondary','reprint','derived','disputed','seed_only')",
            name="status",
        ),
        CheckConstraint("unit IN ('percent','score')", name="unit"),
        CheckConstraint("half_width >= 0", name="half_width"),
    )

    id: Mapped[uuid.UUID] = pk()
    match_year: Mapped[int] = mapped_column(SmallInteger)
    population: Mapped[str]
    metric: Mapped[str]
    specialty: Mapped[str | None]
    numerator: Mapped[int | None] = mapped_column(Integer)
    denominator: Mapped[int | None] = mapped_column(Integer)
    value: Mapped[Decimal] = mapped_column(Numeric)
    half_width: Mapped[Decimal] = mapped_column(Numeric)
    unit: Mapped[str]
    status: Mapped[str]
    source: Mapped[str]
    note: Mapped[str]
    loaded_at: Mapped[datetime]


class ReportRun(Base):
    """A report frozen as of a moment: asked for, then filled once, by the job that works it out.

    Asking closes the past: trigger `refuse_backdated` lets no outcome or frame row of that year be
    recorded at or before `as_of` any more, so that a recomputation finds the same inputs. Trigger
    `hold_report` lets the result be filled in once; nothing else ever changes.
    """

    __tablename__ = "report_run"
    __table_args__ = (
        CheckConstraint("as_of <= asked_at", name="as_of"),
        CheckConstraint("k >= 2", name="k"),
        CheckConstraint(
            "num_nulls(method_version, inputs_sha256, result, result_sha256, frozen_at) IN (0, 5)",
            name="whole",
        ),
        Index("ix_report_run_match_year_as_of", "match_year", "as_of"),
    )

    id: Mapped[uuid.UUID] = pk()
    match_year: Mapped[int] = mapped_column(SmallInteger)
    as_of: Mapped[datetime]
    public: Mapped[bool]
    k: Mapped[int] = mapped_column(SmallInteger)
    asked_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    asked_at: Mapped[datetime]
    method_version: Mapped[str | None]
    inputs_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    result: Mapped[str | None]
    result_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    frozen_at: Mapped[datetime | None]
    failure: Mapped[str | None]
