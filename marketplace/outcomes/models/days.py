"""What is written down while a rotation goes on. All of it is append-only, by trigger."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.db import Base, pk


class HourEntry(Base):
    """What a trainee says of one day; the highest revision of a day counts, the others stay."""

    __tablename__ = "hour_entry"
    __table_args__ = (
        UniqueConstraint("booking_id", "day", "revision"),
        CheckConstraint("revision >= 1", name="revision"),
        CheckConstraint("minutes BETWEEN 0 AND 960 AND minutes % 15 = 0", name="minutes"),
        Index("ix_hour_entry_site_id", "site_id", "day"),
    )

    id: Mapped[uuid.UUID] = pk()
    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"))
    trainee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    day: Mapped[date]
    revision: Mapped[int] = mapped_column(SmallInteger)
    minutes: Mapped[int] = mapped_column(SmallInteger)
    activity: Mapped[str]
    logged_at: Mapped[datetime]


class HourSignature(Base):
    """Somebody of the site stands by an entry; a later revision of the day has none.

    Not for hours of a day on which the trainee is marked absent, nor the other way round: triggers
    `hours_on_days_present` and `absent_without_hours` refuse it.
    """

    __tablename__ = "hour_signature"
    __table_args__ = (Index("ix_hour_signature_signed_by", "signed_by"),)

    entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("hour_entry.id"), primary_key=True)
    signed_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    signed_at: Mapped[datetime]


class HourWithdrawal(Base):
    """A signature that counts no more, and why: the trainee logs the day anew to have it signed."""

    __tablename__ = "hour_withdrawal"
    __table_args__ = (
        CheckConstraint("reason <> ''", name="reason"),
        Index("ix_hour_withdrawal_withdrawn_by", "withdrawn_by"),
    )

    entry_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("hour_signature.entry_id"), primary_key=True
    )
    reason: Mapped[str]
    withdrawn_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    withdrawn_at: Mapped[datetime]


class IncidentNote(Base):
    """What the site's people note of an incident, for themselves and the operator."""

    __tablename__ = "incident_note"
    __table_args__ = (
        CheckConstraint("body <> ''", name="body"),
        Index("ix_incident_note_booking_id", "booking_id", "id"),
        Index("ix_incident_note_site_id", "site_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"))
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    happened_on: Mapped[date]
    body: Mapped[str]
    recorded_at: Mapped[datetime]


class SafetyReport(Base):
    """What a trainee tells the operator. A table of its own, so that no query of a host's meets it."""

    __tablename__ = "safety_report"
    __table_args__ = (
        CheckConstraint("body <> ''", name="body"),
        Index("ix_safety_report_booking_id", "booking_id", "id"),
        Index("ix_safety_report_site_id", "site_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"))
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    trainee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    happened_on: Mapped[date]
    body: Mapped[str]
    recorded_at: Mapped[datetime]
