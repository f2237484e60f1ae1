"""What is written about a booking, with its files, and how far each of its people has read.

Messages and what belongs to them are append-only by trigger: a word that was sent stays as it was.
Of a person in a thread only how far they have read, and been told, moves on.
"""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, UsedOnce, pk


class BookingMessage(Base):
    """A message of a booking's thread; `joined` says that an operator reads from here on.

    `number` counts a thread's messages from 1 without a gap; `mail_id` is the Message-ID of the
    mail that it came in.
    """

    __tablename__ = "booking_message"
    __table_args__ = (
        UniqueConstraint("booking_id", "number"),
        UniqueConstraint("booking_id", "mail_id"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("role IN ('trainee', 'host', 'operator', 'school')", name="role"),
        CheckConstraint("kind IN ('text', 'joined')", name="kind"),
        CheckConstraint("(kind = 'text') = (body <> '') AND length(body) <= 10000", name="body"),
        Index("ix_booking_message_author_id", "author_id", "sent_at"),
    )

    id: Mapped[uuid.UUID] = pk()
    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"))
    number: Mapped[int]
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    role: Mapped[str]
    kind: Mapped[str]
    body: Mapped[str]
    mail_id: Mapped[str | None]
    sent_at: Mapped[datetime]


class MessageFile(Base):
    """A file that was taken in for a thread: inspected and sealed, with its own sealed key.

    The key can go, and nothing else of the row (trigger `keep_message_file`): from `gone_at` on
    nobody opens the file, in no copy.
    """

    __tablename__ = "message_file"
    __table_args__ = (
        UniqueConstraint("object_key"),
        CheckConstraint("size > 0", name="size"),
        CheckConstraint("(sealed_key IS NULL) = (gone_at IS NOT NULL)", name="gone"),
        Index("ix_message_file_booking_id", "booking_id"),
        Index("ix_message_file_uploaded_by", "uploaded_by"),
    )

    id: Mapped[uuid.UUID] = pk()
    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"))
    uploaded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    filename: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    object_key: Mapped[str]
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    uploaded_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]


class MessageFileLink(UsedOnce):
    """A way to read one file once, soon, as whoever asked for it."""

    __tablename__ = "message_file_link"
    __table_args__ = (Index("ix_message_file_link_file_id", "file_id"),)

    file_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("message_file.id"))
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))


class MessageAttachment(Base):
    """A file that goes with a message: with one, for good."""

    __tablename__ = "message_attachment"
    __table_args__ = (Index("ix_message_attachment_message_id", "message_id"),)

    file_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("message_file.id"), primary_key=True)
    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking_message.id"))


class MessageReader(Base):
    """Somebody in a thread: up to which number they have read it, and been told of it by mail.

    Its id is what their reply address is signed for.
    """

    __tablename__ = "message_reader"
    __table_args__ = (
        UniqueConstraint("booking_id", "account_id"),
        CheckConstraint("read_number >= 0 AND told_number >= 0", name="numbers"),
        Index("ix_message_reader_account_id", "account_id", "id"),
    )

    id: Mapped[uuid.UUID] = pk()
    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"))
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    read_number: Mapped[int]
    read_at: Mapped[datetime | None]
    told_number: Mapped[int]
    joined_at: Mapped[datetime]
