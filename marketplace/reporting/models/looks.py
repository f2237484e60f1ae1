"""Looks at what a public report would hide."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk


class ReportLook(Base):
    """A public report as it would be if it were published: worked out by a job, published to nobody.

    It freezes nothing. What was recorded since, at or before `as_of`, makes another report; the
    hash of the inputs says whether a published version was made from the same ones.
    """

    __tablename__ = "report_look"
    __table_args__ = (
        CheckConstraint("as_of <= asked_at", name="as_of"),
        CheckConstraint("k >= 2", name="k"),
        CheckConstraint("num_nulls(inputs_sha256, result, done_at) IN (0, 3)", name="whole"),
        Index("ix_report_look_match_year", "match_year", "id"),
    )

    id: Mapped[uuid.UUID] = pk()
    match_year: Mapped[int] = mapped_column(SmallInteger)
    as_of: Mapped[datetime]
    k: Mapped[int] = mapped_column(SmallInteger)
    asked_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    asked_at: Mapped[datetime]
    inputs_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    result: Mapped[str | None]
    done_at: Mapped[datetime | None]
    failure: Mapped[str | None]
