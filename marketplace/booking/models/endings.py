"""Bookings that end otherwise than planned: trainees who never came, and force majeure."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Composite, Mapped, column_property, mapped_column

from marketplace.booking.models.bookings import BookingTransition
from marketplace.booking.states import BookingState
from marketplace.core.db import Base, money_column, pk
from marketplace.core.money import Money


class NoShow(Base):
    """The host says that the trainee never came; until when it can be disputed; what was decided."""

    __tablename__ = "no_show"
    __table_args__ = (
        CheckConstraint("decision IN ('upheld', 'reinstated', 'refunded')", name="decision"),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(dispute IS NULL) = (disputed_at IS NULL)", name="disputed"),
        Index(
            "ix_no_show_dispute_until", "dispute_until", postgresql_where=text("decision IS NULL")
        ),
    )

    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    marked_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    marked_at: Mapped[datetime]
    dispute_until: Mapped[datetime]
    disputed_at: Mapped[datetime | None]
    dispute: Mapped[str | None]
    decision: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    # Empty where nobody disputed it in time.
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str | None]
    # As the history of the booking has it.
    host_says: Mapped[str] = column_property(
        select(BookingTransition.reason)
        .where(
            BookingTransition.booking_id == booking_id,
            BookingTransition.to_state == BookingState.NO_SHOW.value,
        )
        .order_by(BookingTransition.number)
        .limit(1)
        .correlate_except(BookingTransition)
        .scalar_subquery()
    )


class ForceMajeure(Base):
    """A dry run over days and places with its code, and the run that followed, if one did."""

    __tablename__ = "force_majeure"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", name="days"),
        CheckConstraint("state IN ('planned', 'running', 'done')", name="state"),
        CheckConstraint("(state = 'planned') = (run_at IS NULL)", name="run"),
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done"),
    )

    id: Mapped[uuid.UUID] = pk()
    first_day: Mapped[date]
    last_day: Mapped[date]
    # Codes of states, and ids of sites.
    states: Mapped[list[Any]] = mapped_column(JSONB)
    site_ids: Mapped[list[Any]] = mapped_column(JSONB)
    reason: Mapped[str]
    code: Mapped[str]
    set_mark: Mapped[str]
    bookings: Mapped[int]
    # One amount for each currency.
    refunds: Mapped[list[Any]] = mapped_column(JSONB)
    notices: Mapped[int]
    state: Mapped[str]
    planned_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    planned_at: Mapped[datetime]
    run_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    run_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]


class ForceMajeureBooking(Base):
    """One booking of a run, and what became of it."""

    __tablename__ = "force_majeure_booking"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'done', 'skipped', 'failed')", name="state"),
        CheckConstraint("(state = 'pending') = (at IS NULL)", name="at"),
        Index("ix_force_majeure_booking_booking_id", "booking_id"),
        Index(
            "ix_force_majeure_booking_pending",
            "force_majeure_id",
            "booking_id",
            postgresql_where=text("state = 'pending'"),
        ),
    )

    force_majeure_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("force_majeure.id"), primary_key=True
    )
    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    state: Mapped[str]
    at: Mapped[datetime | None]
    note: Mapped[str | None]
    # What would go back by the dry run, and then what did.
    refund: Composite[Money] = money_column("refund")
