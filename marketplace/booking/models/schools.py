"""What a school has to say about the bookings of its students: asked for, and decided once.

Each of its coordinators is reminded once, before the time is over.
"""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base


class SchoolRequest(Base):
    """A student asks their school for its word on a booking. Decided, it stays as it is.

    The database takes no application to a host, and no confirmation, of a booking that goes through
    a school and that the school has not approved.
    """

    __tablename__ = "school_request"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'approved', 'declined')", name="state"),
        CheckConstraint(
            "(state = 'waiting') = (decided_at IS NULL)"
            " AND (decided_at IS NULL) = (decided_by IS NULL)",
            name="decided",
        ),
        CheckConstraint("state <> 'declined' OR reason <> ''", name="reason"),
        Index("ix_school_request_school_id", "school_id", "booking_id"),
        Index(
            "ix_school_request_waiting",
            "school_id",
            "decide_by",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "ix_school_request_decide_by",
            "decide_by",
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("school.id"))
    state: Mapped[str]
    message: Mapped[str]
    asked_at: Mapped[datetime]
    decide_by: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str]


class SchoolReminder(Base):
    """A coordinator was reminded of a request, so that a job that runs twice does it once."""

    __tablename__ = "school_reminder"

    booking_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("school_request.booking_id"), primary_key=True
    )
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    sent_at: Mapped[datetime]
