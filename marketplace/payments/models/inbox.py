"""What the processor told us, what did not fit, and what each reconciliation found."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, created_at, pk
from marketplace.payments.models.paying import one_of
from marketplace.payments.states import EventState


class WebhookEvent(Base):
    """The inbox: an event is stored once, answered, and handled by a job."""

    __tablename__ = "webhook_event"
    __table_args__ = (
        UniqueConstraint("processor_event"),
        CheckConstraint(one_of("state", [state.value for state in EventState]), name="state"),
        Index(
            "ix_webhook_event_waiting",
            "received_at",
            postgresql_where=text("state = 'received'"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    processor_event: Mapped[str]
    kind: Mapped[str]
    live: Mapped[bool]
    account: Mapped[str | None]
    api_version: Mapped[str | None]
    happened_at: Mapped[datetime]
    received_at: Mapped[datetime]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    outcome: Mapped[str | None]
    handled_at: Mapped[datetime | None]


class Quarantine(Base):
    """Something about money that does not fit: nothing was booked, a person has to look.

    One row for an object and reason, however often it is met.
    """

    __tablename__ = "quarantine"
    __table_args__ = (
        UniqueConstraint("processor_object", "reason"),
        Index(
            "ix_quarantine_unresolved",
            "found_at",
            postgresql_where=text("resolved_at IS NULL"),
        ),
        Index("ix_quarantine_payment_id", "payment_id"),
        Index("ix_quarantine_event_id", "event_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    processor_object: Mapped[str]
    reason: Mapped[str]
    details: Mapped[dict[str, Any]]
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment.id"))
    event_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("webhook_event.id"))
    found_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    resolution: Mapped[str | None]


class Reconciliation(Base):
    """One run of the reconciliation: from when, what was compared, and what did not match."""

    __tablename__ = "reconciliation"
    __table_args__ = (Index("ix_reconciliation_started_at", "started_at"),)

    id: Mapped[uuid.UUID] = pk()
    since: Mapped[datetime]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    events: Mapped[int]
    missed_events: Mapped[int]
    balance_transactions: Mapped[int]
    posted: Mapped[int]
    mismatches: Mapped[list[Any]]
    created_at: Mapped[datetime] = created_at()
