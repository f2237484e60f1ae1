"""What belongs to letters besides their content: drafts, programs, reminders to authors."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk


class LetterDraft(Base):
    """Words that the trainee offers the author; append-only, none once the letter exists.

    An author's own drafts are nowhere kept: what a letter says is in its sealed file alone.
    """

    __tablename__ = "letter_draft"
    __table_args__ = (
        UniqueConstraint("letter_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("words <> ''", name="words"),
    )

    id: Mapped[uuid.UUID] = pk()
    letter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("letter.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    words: Mapped[str]
    written_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    written_at: Mapped[datetime]


class LetterAssignment(Base):
    """A confirmed letter for one program in one season; taken back, never deleted.

    A program takes four letters at most: each stands in one of its four slots, and a slot is one
    letter's. A trigger lets nothing in but the trainee's own confirmed letters.
    """

    __tablename__ = "letter_assignment"
    __table_args__ = (
        CheckConstraint("slot BETWEEN 1 AND 4", name="slot"),
        CheckConstraint("match_year BETWEEN 2000 AND 2100", name="match_year"),
        CheckConstraint("program_code ~ '^[0-9]{10}$'", name="program_code"),
        CheckConstraint("program_name <> ''", name="program_name"),
        Index(
            "uq_letter_assignment_slot",
            "trainee_id",
            "match_year",
            "program_code",
            "slot",
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index(
            "uq_letter_assignment_once",
            "letter_id",
            "match_year",
            "program_code",
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    letter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("letter.id"))
    trainee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    match_year: Mapped[int] = mapped_column(SmallInteger)
    program_code: Mapped[str]
    program_name: Mapped[str]
    slot: Mapped[int] = mapped_column(SmallInteger)
    assigned_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class LetterReminder(Base):
    """That an author was reminded of a letter: each kind once, however often the job runs."""

    __tablename__ = "letter_reminder"
    __table_args__ = (CheckConstraint("kind IN ('early','soon','late','open')", name="kind"),)

    letter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("letter.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime]


class QuietAuthor(Base):
    """An address that wants no reminders of letters; what it asks to be sent it still gets."""

    __tablename__ = "quiet_author"
    __table_args__ = (CheckConstraint("address = lower(address)", name="address"),)

    address: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
