"""Cohorts: places of one rotation that a school books and pays for its students."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.booking.rules.cohorts import CohortState
from marketplace.core.db import Base, pk

STATES = ", ".join(f"'{state.value}'" for state in CohortState)


class Cohort(Base):
    """Several places in the same weeks of one listing. What became of each is its booking's to say."""

    __tablename__ = "cohort"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES})", name="state"),
        CheckConstraint("state <> 'invoiced' OR invoice_id IS NOT NULL", name="invoiced"),
        CheckConstraint("EXTRACT(ISODOW FROM first_day) = 1", name="first_day"),
        CheckConstraint("weeks BETWEEN 1 AND 52", name="weeks"),
        CheckConstraint("version >= 1", name="version"),
        Index("ix_cohort_school_id", "school_id", "id"),
        Index("ix_cohort_listing_id", "listing_id"),
        Index("ix_cohort_invoice_id", "invoice_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"))
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    name: Mapped[str]
    first_day: Mapped[date]
    weeks: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str]
    version: Mapped[int]
    answer_by: Mapped[datetime]
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime]
    # The newest one, whatever became of it.
    invoice_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("invoice.id"))


class CohortPlace(Base):
    """A student's place, and whether they want it; an answer stays.

    What takes over from a place, for other weeks, another student or at another site, is a row of
    its own that names the booking before.
    """

    __tablename__ = "cohort_place"
    __table_args__ = (
        Index("ix_cohort_place_cohort_id", "cohort_id", "student_id"),
        Index("uq_cohort_place_replaces_id", "replaces_id", unique=True),
        Index("ix_cohort_place_student_id", "student_id"),
        CheckConstraint("answer IN ('waiting', 'agreed', 'declined')", name="answer"),
        CheckConstraint("(answer = 'waiting') = (answered_at IS NULL)", name="answered"),
    )

    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    cohort_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("cohort.id"))
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school_student.id"))
    replaces_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("booking.id"))
    answer: Mapped[str]
    answered_at: Mapped[datetime | None]
