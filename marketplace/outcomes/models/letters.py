"""Letters of recommendation: the entry, the author's link, and where the content is kept."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk


class Letter(Base):
    """One entry a letter.

    `waived` can't change once the letter exists, and nothing can once it is confirmed: triggers
    `hold_waiver` and `hold_confirmed` refuse it, whoever asks.
    """

    __tablename__ = "letter"
    __table_args__ = (
        UniqueConstraint("letter_code"),
        CheckConstraint(
            "state IN ('asked','agreed','refused','withdrawn','uploaded','confirmed')", name="state"
        ),
        CheckConstraint(
            "(state IN ('uploaded','confirmed')) = (uploaded_at IS NOT NULL)", name="uploaded"
        ),
        CheckConstraint("(state = 'confirmed') = (confirmed_at IS NOT NULL)", name="confirmed"),
        CheckConstraint(
            "state IN ('asked','refused','withdrawn')"
            " OR (author_email IS NOT NULL AND author_name IS NOT NULL)",
            name="author",
        ),
        CheckConstraint("drafted_by IN ('author','trainee','both')", name="drafted_by"),
        CheckConstraint(
            "(author_strong IS NULL) = (author_answered_at IS NULL)", name="author_answered"
        ),
        CheckConstraint("author_locale IN ('en','es')", name="author_locale"),
        CheckConstraint(
            "draft_number IS NULL OR drafted_by IS DISTINCT FROM 'author'", name="draft_number"
        ),
        Index(
            "uq_letter_booking_id_open",
            "booking_id",
            unique=True,
            postgresql_where="state NOT IN ('refused','withdrawn')",
        ),
        Index("ix_letter_trainee_id", "trainee_id"),
        Index("ix_letter_site_id", "site_id"),
        Index("ix_letter_author_email", "author_email"),
        Index(
            "ix_letter_awaited",
            "id",
            postgresql_where=text("state = 'agreed' AND author_email IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    letter_code: Mapped[str]
    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"))
    trainee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    state: Mapped[str]
    waived: Mapped[bool]
    strong: Mapped[bool | None]
    specialty: Mapped[str | None]
    packet: Mapped[dict[str, Any]]
    message: Mapped[str]
    author_name: Mapped[str | None]
    author_email: Mapped[str | None]
    drafted_by: Mapped[str | None]
    refusal_reason: Mapped[str | None]
    due_on: Mapped[date | None]
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    uploaded_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    # By whose language and clock the author is written to.
    author_locale: Mapped[str | None]
    author_time_zone: Mapped[str | None]
    # The author's own answer to "will it be strong?"; `strong` is the site's.
    author_strong: Mapped[bool | None]
    author_answered_at: Mapped[datetime | None]
    # The trainee's draft that the words come from, where they do.
    draft_number: Mapped[int | None] = mapped_column(SmallInteger)


class LetterLink(Base):
    """A link by which an author without an account uploads; only the token's hash is kept."""

    __tablename__ = "letter_link"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        Index("ix_letter_link_letter_id", "letter_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    letter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("letter.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class LetterContent(Base):
    """Where the sealed content is, and the key that opens it, itself sealed.

    A table of its own, so that no query on letters can bring it along. One row an upload; the
    last counts until the letter is confirmed, none is added afterwards.
    """

    __tablename__ = "letter_content"
    __table_args__ = (
        UniqueConstraint("object_key"),
        CheckConstraint("size > 0", name="size"),
        Index("ix_letter_content_letter_id", "letter_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    letter_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("letter.id"))
    object_key: Mapped[str]
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int]
    uploaded_at: Mapped[datetime]
