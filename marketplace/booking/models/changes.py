"""Bookings that take over from others, what is proposed, and rescues. `booking_change` is a
history: append-only by trigger.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Composite, Mapped, mapped_column

from marketplace.core.db import Base, money_column, pk
from marketplace.core.money import Money


class BookingChange(Base):
    """One booking took over from another: the quote that was committed to, and its refunds."""

    __tablename__ = "booking_change"
    __table_args__ = (
        UniqueConstraint("replaced_id"),
        CheckConstraint("kind IN ('reschedule', 'transfer', 'rescue')", name="kind"),
        CheckConstraint("booking_id <> replaced_id", name="two"),
        CheckConstraint("carried_minor >= 0 AND refund_minor >= 0", name="amounts"),
        CheckConstraint("refund_currency = carried_currency", name="one_currency"),
        CheckConstraint("(refund_minor > 0) = (jsonb_array_length(refunds) > 0)", name="refund"),
    )

    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    replaced_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"))
    kind: Mapped[str]
    lines: Mapped[list[Any]] = mapped_column(JSONB)
    carried: Composite[Money] = money_column("carried")
    refund: Composite[Money] = money_column("refund")
    refunds: Mapped[list[Any]] = mapped_column(JSONB)
    quote: Mapped[str]
    actor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    at: Mapped[datetime]


class BookingProposal(Base):
    """A change that others have to agree to first: the host, or the trainee who would come.

    Where a school proposes it for one of its places, the trainee whose place it is or would be.
    It keeps no seat. The terms are those of `quote`, or it can't take effect.
    """

    __tablename__ = "booking_proposal"
    __table_args__ = (
        CheckConstraint("kind IN ('reschedule', 'transfer')", name="kind"),
        CheckConstraint(
            "state IN ('open', 'done', 'declined', 'withdrawn', 'expired')", name="state"
        ),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        CheckConstraint(
            "(kind = 'transfer' OR proposed_by IS NOT NULL) = (to_trainee_id IS NOT NULL)",
            name="to",
        ),
        CheckConstraint("EXTRACT(ISODOW FROM first_day) = 1", name="first_day"),
        Index(
            "uq_booking_proposal_booking_id",
            "booking_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "ix_booking_proposal_to_trainee_id",
            "to_trainee_id",
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_booking_proposal_site_id", "site_id", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[uuid.UUID] = pk()
    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"))
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str]
    to_trainee_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    # The coordinator of the school whose place it is; empty where the trainee proposes.
    proposed_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    first_day: Mapped[date]
    weeks: Mapped[int] = mapped_column(SmallInteger)
    quote: Mapped[str]
    message: Mapped[str]
    needs_host: Mapped[bool]
    state: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    trainee_agreed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str | None]


class Rescue(Base):
    """A host called a paid rotation off: what else is offered, until when, and what was chosen.

    The offer is a booking that is held until `decide_by`; the seats are its own.
    """

    __tablename__ = "rescue"
    __table_args__ = (
        CheckConstraint("state IN ('searching', 'offered', 'accepted', 'refunded')", name="state"),
        CheckConstraint(
            "(state IN ('accepted', 'refunded')) = (ended_at IS NOT NULL)", name="ended"
        ),
        CheckConstraint(
            "(state IN ('offered', 'accepted')) <= (offer_id IS NOT NULL)", name="offer"
        ),
        CheckConstraint("(asked_at IS NULL) = (asked_quote IS NULL)", name="asked"),
        CheckConstraint("(agreed_at IS NULL) = (agreed_quote IS NULL)", name="agreed"),
        Index(
            "ix_rescue_decide_by",
            "decide_by",
            postgresql_where=text("state IN ('searching', 'offered')"),
        ),
        Index("uq_rescue_offer_id", "offer_id", unique=True),
    )

    booking_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("booking.id"), primary_key=True)
    state: Mapped[str]
    called_off_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    called_off_at: Mapped[datetime]
    reason: Mapped[str]
    decide_by: Mapped[datetime]
    offer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("booking.id"))
    # Taken under this quote, and waiting for its host to agree.
    asked_at: Mapped[datetime | None]
    asked_quote: Mapped[str | None]
    # Of a school's place: its student agrees to this quote, and the school can take it.
    agreed_at: Mapped[datetime | None]
    agreed_quote: Mapped[str | None]
    # Listings besides the one that is held, best first: [{"listing_id": …}, …].
    others: Mapped[list[Any]] = mapped_column(JSONB)
    ended_at: Mapped[datetime | None]
    # Empty where the deadline, or nothing to offer, decided.
    ended_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
