"""Exports, who may have identified ones, and where they are delivered on schedule."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk

_PROFILE = "profile IN ('identified','pii_free')"
_REASON = "profile <> 'identified' OR reason IS NOT NULL"
_FORMATS = "formats <@ '{csv,jsonl,parquet,sav,dta,xlsx}' AND 'csv' = ANY(formats)"


class ExportRun(Base):
    """An export that was asked for, and, once whole, what it consists of.

    `draft_key` is where the current attempt writes; nothing there is served. `done` lists the files
    of data that stand whole in the object store, so that the next attempt goes on behind them.
    `files` is filled in one step when all are there. `step` and `rows_done` say how far it is.
    """

    __tablename__ = "export_run"
    __table_args__ = (
        CheckConstraint("state IN ('asked','running','ready','failed')", name="state"),
        CheckConstraint(_PROFILE, name="profile"),
        CheckConstraint("(state = 'ready') = (files IS NOT NULL)", name="ready_has_files"),
        CheckConstraint(_REASON, name="identified_has_reason"),
        CheckConstraint(_FORMATS, name="formats"),
        Index("ix_export_run_asked_by", "asked_by"),
        Index("ix_export_run_compared_with", "compared_with"),
    )

    id: Mapped[uuid.UUID] = pk()
    match_year: Mapped[int | None] = mapped_column(SmallInteger)
    profile: Mapped[str]
    formats: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{csv}'"))
    reason: Mapped[str | None]
    compared_with: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("export_run.id"))
    as_of: Mapped[datetime]
    state: Mapped[str]
    step: Mapped[str | None]
    rows_done: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    draft_key: Mapped[str | None]
    done: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    files: Mapped[list[Any] | None]
    row_count: Mapped[int | None] = mapped_column(BigInteger)
    failure: Mapped[str | None]
    asked_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    asked_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class IdentifiedRight(Base):
    """That an analyst may have identified exports, until a day, and who says so and why."""

    __tablename__ = "identified_right"
    __table_args__ = (
        CheckConstraint("expires_at > granted_at", name="period"),
        CheckConstraint("account_id <> granted_by", name="not_by_oneself"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked"),
        Index("ix_identified_right_account_id", "account_id"),
        Index("ix_identified_right_granted_by", "granted_by"),
        Index("ix_identified_right_revoked_by", "revoked_by"),
    )

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str]
    granted_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    granted_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    revoked_at: Mapped[datetime | None]


class ExportSchedule(Base):
    """An export that is made again and again and delivered: when, what, by whose right."""

    __tablename__ = "export_schedule"
    __table_args__ = (
        CheckConstraint(_PROFILE, name="profile"),
        CheckConstraint(_REASON, name="identified_has_reason"),
        CheckConstraint(_FORMATS, name="formats"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        UniqueConstraint("name"),
        Index("ix_export_schedule_created_by", "created_by"),
        Index("ix_export_schedule_ended_by", "ended_by"),
        Index("ix_export_schedule_next_at", "next_at", postgresql_where="ended_at IS NULL"),
    )

    id: Mapped[uuid.UUID] = pk()
    name: Mapped[str]
    match_year: Mapped[int | None] = mapped_column(SmallInteger)
    profile: Mapped[str]
    formats: Mapped[list[str]] = mapped_column(ARRAY(Text))
    reason: Mapped[str | None]
    cron: Mapped[str]
    time_zone: Mapped[str]
    next_at: Mapped[datetime]
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[datetime]
    ended_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    ended_at: Mapped[datetime | None]


class ExportDelivery(Base):
    """One export on its way to where a schedule sends it."""

    __tablename__ = "export_delivery"
    __table_args__ = (
        CheckConstraint("state IN ('building','sending','delivered','failed')", name="state"),
        CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", name="delivered"),
        UniqueConstraint("schedule_id", "due_at"),
        UniqueConstraint("export_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    schedule_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("export_schedule.id"))
    due_at: Mapped[datetime]
    export_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("export_run.id"))
    state: Mapped[str]
    folder: Mapped[str]
    failure: Mapped[str | None]
    delivered_at: Mapped[datetime | None]


class DeliveryAttempt(Base):
    """That a delivery was tried: when, and what came of it. Rows are only added."""

    __tablename__ = "delivery_attempt"
    __table_args__ = (Index("ix_delivery_attempt_delivery_id", "delivery_id"),)

    id: Mapped[uuid.UUID] = pk()
    delivery_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("export_delivery.id"))
    at: Mapped[datetime]
    failure: Mapped[str | None]
