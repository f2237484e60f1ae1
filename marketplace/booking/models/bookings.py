"""Bookings, their weeks and histories, attendance, reminders, feeds and waivers. The histories
(`booking_transition`, `booking_cancellation`, `attendance_mark`) are append-only by trigger.

Promises held here: one live week a trainee (`uq_booking_week_trainee_id_week`), and a seat that is
kept without being owned has an end (`ck_booking_hold`).
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    FetchedValue,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Composite, Mapped, mapped_column

from marketplace.booking.rules.frozen import price_lines
from marketplace.booking.states import TIMED, BookingState
from marketplace.core.db import Base, money_column, pk
from marketplace.core.money import Money
from marketplace.payments.rules import PriceLine

STATES = ", ".join(f"'{state.value}'" for state in BookingState)
TIMED_STATES = ", ".join(f"'{state.value}'" for state in BookingState if state in TIMED)


class Booking(Base):
    """One trainee's rotation at one listing, and what was frozen when it was made."""

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES})", name="state"),
        CheckConstraint(
            f"(hold_expires_at IS NOT NULL) = (state IN ({TIMED_STATES}))", name="hold"
        ),
        CheckConstraint("EXTRACT(ISODOW FROM first_day) = 1", name="first_day"),
        CheckConstraint("weeks BETWEEN 1 AND 52", name="weeks"),
        CheckConstraint("last_day = first_day + 7 * weeks - 1", name="last_day"),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("approval IN ('instant', 'request')", name="approval"),
        CheckConstraint("learner_status IN ('student', 'graduate')", name="learner_status"),
        CheckConstraint(
            "deposit_minor BETWEEN 0 AND total_minor AND paid_minor >= 0", name="amounts"
        ),
        CheckConstraint(
            "deposit_currency = total_currency AND paid_currency = total_currency",
            name="one_currency",
        ),
        Index("uq_booking_payment_id", "payment_id", unique=True),
        Index("ix_booking_trainee_id", "trainee_id", "id"),
        Index("ix_booking_listing_id", "listing_id"),
        Index("ix_booking_site_id_first_day", "site_id", "first_day"),
        Index(
            "ix_booking_hold_expires_at",
            "hold_expires_at",
            postgresql_where=text("hold_expires_at IS NOT NULL"),
        ),
        Index(
            "ix_booking_due_first_day",
            "first_day",
            postgresql_where=text("state = 'confirmed'"),
        ),
        Index(
            "ix_booking_open_last_day",
            "last_day",
            "id",
            postgresql_where=text("state IN ('confirmed', 'in_progress')"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    trainee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    listing_version: Mapped[int]
    listing_title: Mapped[str]
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    site_name: Mapped[str]
    time_zone: Mapped[str]
    first_day: Mapped[date]
    last_day: Mapped[date]
    weeks: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str]
    version: Mapped[int]
    hold_expires_at: Mapped[datetime | None]
    # Until when an approved application can be paid; none where no approval was needed.
    pay_by: Mapped[datetime | None]
    approval: Mapped[str]
    # What the trainee wrote to the host with the application.
    message: Mapped[str | None]
    # {"lines": […], "deposit": […], "balance": […]}: the last two are the first in two parts.
    price: Mapped[dict[str, Any]] = mapped_column(JSONB)
    total: Composite[Money] = money_column("total")
    deposit: Composite[Money] = money_column("deposit")
    # What has settled, refunds not taken off: the ledger of payments knows those.
    paid: Composite[Money] = money_column("paid")
    balance_due_on: Mapped[date | None]
    # {"own": terms, "always": [terms, …]} as catalog.rules.policies reads them.
    policy: Mapped[dict[str, Any]] = mapped_column(JSONB)
    tier: Mapped[str]
    classifier_version: Mapped[str]
    learner_status: Mapped[str]
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment.id"))
    # Where it is one of several that are held and paid together.
    itinerary_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("itinerary.id"))
    # Where a school books and pays it with others.
    cohort_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("cohort.id"))
    # The trainee's school, where its word is needed: see `SchoolRequest`.
    school_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("school.id"))
    held_at: Mapped[datetime]
    # What was asked for when it was made: set by the database as the row is inserted, and kept.
    site_requirements_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("requirement_version.id"), server_default=FetchedValue()
    )
    agreement_needed: Mapped[bool] = mapped_column(server_default=text("false"))
    listing_requirements_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("requirement_version.id"), server_default=FetchedValue()
    )

    @property
    def price_lines(self) -> list[PriceLine]:
        return price_lines(self.price)

    @property
    def replaces_id(self) -> uuid.UUID | None:
        """The booking that this one takes over from, if it does."""
        found = self.price.get("replaces")
        return None if found is None else uuid.UUID(found)

    @property
    def policy_key(self) -> str:
        return str(self.policy["own"]["key"])

    @property
    def policy_summary(self) -> str:
        return str(self.policy["own"]["summary"])


class BookingWeek(Base):
    """A seat in one week, from when it was taken to when it was given up.

    A seat that was lost and taken again has two rows: the first is history.
    """

    __tablename__ = "booking_week"
    __table_args__ = (
        CheckConstraint("EXTRACT(ISODOW FROM week) = 1", name="week"),
        Index(
            "uq_booking_week_trainee_id_week",
            "trainee_id",
            "week",
            unique=True,
            postgresql_where=text("released_at IS NULL"),
        ),
        Index(
            "ix_booking_week_listing_id_week",
            "listing_id",
            "week",
            postgresql_where=text("released_at IS NULL"),
        ),
        Index("ix_booking_week_booking_id", "booking_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"))
    trainee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    week: Mapped[date]
    taken_at: Mapped[datetime]
    released_at: Mapped[datetime | None]


class BookingTransition(Base):
    """One step of a booking's history; `number` is the booking's version after the step.

    A booking's state changes only together with its row here: a trigger refuses all else.
    """

    __tablename__ = "booking_transition"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        Index(
            "uq_booking_transition_extension",
            "booking_id",
            unique=True,
            postgresql_where=text(
                "from_state = 'held' AND to_state = 'held' AND actor_id IS NOT NULL"
            ),
        ),
    )

    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    at: Mapped[datetime]
    # Empty where no person did it: a deadline, or a payment that settled.
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str]
    # Until when the seat is kept from this step on; none in states that keep it for no time.
    kept_until: Mapped[datetime | None]
    # The reason as one of a controlled list, where there is one.
    code: Mapped[str | None]


class BookingCancellation(Base):
    """The quote that was committed to, and the refunds that were asked for with it, if any."""

    __tablename__ = "booking_cancellation"
    __table_args__ = (
        CheckConstraint(
            "paid_minor = kept_minor + refund_minor AND kept_minor >= 0 AND refund_minor >= 0",
            name="amounts",
        ),
        CheckConstraint(
            "kept_currency = paid_currency AND refund_currency = paid_currency",
            name="one_currency",
        ),
        CheckConstraint("(refund_minor > 0) = (jsonb_array_length(refunds) > 0)", name="refund"),
    )

    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    event: Mapped[str]
    option: Mapped[str]
    pays_back_as: Mapped[str]
    policy_key: Mapped[str]
    days_before: Mapped[int]
    lines: Mapped[list[Any]] = mapped_column(JSONB)
    paid: Composite[Money] = money_column("paid")
    kept: Composite[Money] = money_column("kept")
    refund: Composite[Money] = money_column("refund")
    quote: Mapped[str]
    # The refunds that were asked for, one for each payment that gives back.
    refunds: Mapped[list[Any]] = mapped_column(JSONB)
    actor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    at: Mapped[datetime]


class AttendanceMark(Base):
    """Present or absent on a day; the highest revision of a day counts, the others stay."""

    __tablename__ = "attendance_mark"
    __table_args__ = (
        UniqueConstraint("booking_id", "day", "revision"),
        CheckConstraint("mark IN ('present', 'absent')", name="mark"),
        CheckConstraint("revision >= 1", name="revision"),
    )

    id: Mapped[uuid.UUID] = pk()
    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"))
    day: Mapped[date]
    revision: Mapped[int] = mapped_column(SmallInteger)
    mark: Mapped[str]
    note: Mapped[str | None]
    marked_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    marked_at: Mapped[datetime]


class BookingReminder(Base):
    """A reminder that was sent, so that a job that runs twice sends it once."""

    __tablename__ = "booking_reminder"

    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime]


class CalendarFeed(Base):
    """A private address at which somebody subscribes to a calendar.

    `digest` is the SHA-256 of its secret: the address itself can't be read again. Whose days it
    shows: the account's own as a trainee, a site's, or one preceptor's there.
    """

    __tablename__ = "calendar_feed"
    __table_args__ = (
        ForeignKeyConstraint(["preceptor_id", "site_id"], ["preceptor.id", "preceptor.site_id"]),
        UniqueConstraint("digest"),
        CheckConstraint("kind IN ('trainee', 'site', 'preceptor')", name="kind"),
        CheckConstraint(
            "(site_id IS NULL) = (kind = 'trainee')"
            " AND (preceptor_id IS NOT NULL) = (kind = 'preceptor')",
            name="whose",
        ),
        CheckConstraint("octet_length(digest) = 32", name="digest"),
        Index("ix_calendar_feed_account_id", "account_id"),
        Index("ix_calendar_feed_site_id", "site_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    kind: Mapped[str]
    site_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("site.id"))
    preceptor_id: Mapped[uuid.UUID | None]
    name: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_on: Mapped[date | None]


class BookingWaiver(Base):
    """A requirement that an operator lets a booking begin without, and why. Append-only."""

    __tablename__ = "booking_waiver"
    __table_args__ = (CheckConstraint("reason <> ''", name="reason"),)

    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    requirement: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    waived_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    waived_at: Mapped[datetime]
