"""What hosts ask applicants, version by version, and what is said about an application.

Both are append-only by trigger. An entry belongs to a step of the booking's history, by its number.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk


class QuestionVersion(Base):
    """The whole set of a listing's questions, from one change to the next.

    The highest number is what is asked now; an application keeps the version that it answered.
    """

    __tablename__ = "question_version"
    __table_args__ = (
        UniqueConstraint("listing_id", "number"),
        CheckConstraint("number >= 1", name="number"),
    )

    id: Mapped[uuid.UUID] = pk()
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    number: Mapped[int]
    questions: Mapped[list[Any]] = mapped_column(JSONB)
    note: Mapped[str]
    made_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    made_at: Mapped[datetime]


class ApplicationEntry(Base):
    """What was said with a step: the application, the host's wish for more, the trainee's answer."""

    __tablename__ = "application_entry"
    __table_args__ = (
        ForeignKeyConstraint(
            ["booking_id", "number"],
            ["booking_transition.booking_id", "booking_transition.number"],
            name="fk_application_entry_booking_id_booking_transition",
        ),
        CheckConstraint("kind IN ('submitted', 'more_asked', 'answered')", name="kind"),
        CheckConstraint("kind <> 'more_asked' OR body <> ''", name="body"),
        CheckConstraint(
            "(question_version_id IS NULL) = (answers IS NULL)"
            " AND (answers IS NULL OR kind <> 'more_asked')",
            name="answers",
        ),
        Index("ix_application_entry_question_version_id", "question_version_id"),
    )

    booking_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    body: Mapped[str]
    question_version_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("question_version.id"))
    # By the questions' keys; checked against the version that is named.
    answers: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    actor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    at: Mapped[datetime]
