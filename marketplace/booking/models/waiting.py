"""Waiting lists: who waits for which weeks, what was offered, and seats kept to be offered.

Promises held here: one live entry a trainee, listing and run of weeks; one open offer an entry; an
order that is a sequence. An offer has one seat in each of its weeks, counted as taken in the pools.
History (`waiting_step`) is append-only by trigger, and so is an offer that has ended.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.booking.states import OfferState, WaitingState
from marketplace.core.db import Base, created_at, pk

WAITING_STATES = ", ".join(f"'{state.value}'" for state in WaitingState)
OFFER_STATES = ", ".join(f"'{state.value}'" for state in OfferState)
LIVE = text("state IN ('waiting', 'offered')")


class WaitingEntry(Base):
    """A trainee's wish for a run of weeks at a listing; `number` is the order of all entries.

    No offer is made from `no_offer_from` on, an instant.
    """

    __tablename__ = "waiting_entry"
    __table_args__ = (
        CheckConstraint(f"state IN ({WAITING_STATES})", name="state"),
        CheckConstraint("EXTRACT(ISODOW FROM first_day) = 1", name="first_day"),
        CheckConstraint("weeks BETWEEN 1 AND 52", name="weeks"),
        CheckConstraint("last_day = first_day + 7 * weeks - 1", name="last_day"),
        UniqueConstraint("number"),
        Index(
            "uq_waiting_entry_live",
            "trainee_id",
            "listing_id",
            "first_day",
            "weeks",
            unique=True,
            postgresql_where=LIVE,
        ),
        Index("ix_waiting_entry_live", "listing_id", "number", postgresql_where=LIVE),
        Index("ix_waiting_entry_trainee_id", "trainee_id", "id"),
        Index("ix_waiting_entry_site_id", "site_id", "number", postgresql_where=LIVE),
        Index(
            "ix_waiting_entry_no_offer_from",
            "no_offer_from",
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[uuid.UUID] = pk()
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    trainee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    listing_title: Mapped[str]
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    site_name: Mapped[str]
    # The site's.
    time_zone: Mapped[str]
    first_day: Mapped[date]
    last_day: Mapped[date]
    weeks: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str]
    version: Mapped[int]
    joined_at: Mapped[datetime]
    no_offer_from: Mapped[datetime]


class WaitingStep(Base):
    """One step of an entry's history; `number` is the entry's version after it. Append-only."""

    __tablename__ = "waiting_step"

    entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("waiting_entry.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    at: Mapped[datetime]
    # Empty where no person did it: a seat that came free, a deadline.
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str]


class SeatOffer(Base):
    """A seat in each of its weeks, kept for one trainee until `expires_at`.

    `time_zone` is the trainee's, in which the deadline is the end of a day.
    """

    __tablename__ = "seat_offer"
    __table_args__ = (
        CheckConstraint(f"state IN ({OFFER_STATES})", name="state"),
        CheckConstraint("EXTRACT(ISODOW FROM first_day) = 1", name="first_day"),
        CheckConstraint("weeks BETWEEN 1 AND 52", name="weeks"),
        CheckConstraint("(ended_at IS NULL) = (state = 'open')", name="ended"),
        CheckConstraint("(booking_id IS NOT NULL) = (state = 'accepted')", name="booking"),
        CheckConstraint("num_nonnulls(entry_id, place_id) = 1", name="source"),
        Index(
            "uq_seat_offer_place_id",
            "place_id",
            "trainee_id",
            unique=True,
            postgresql_where=text("place_id IS NOT NULL"),
        ),
        Index(
            "uq_seat_offer_entry_id",
            "entry_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_seat_offer_entry_id", "entry_id"),
        Index("ix_seat_offer_booking_id", "booking_id"),
        Index("ix_seat_offer_open", "listing_id", postgresql_where=text("state = 'open'")),
        Index("ix_seat_offer_expires_at", "expires_at", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[uuid.UUID] = pk()
    # Where it came of: a waiting list or a round.
    entry_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("waiting_entry.id"))
    place_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("round_place.id"))
    trainee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    first_day: Mapped[date]
    weeks: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    time_zone: Mapped[str]
    ended_at: Mapped[datetime | None]
    booking_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("booking.id"))


class KeptSeat(Base):
    """Seats of a pool in a week that came free and are nobody else's until the list was asked."""

    __tablename__ = "kept_seat"
    __table_args__ = (CheckConstraint("seats > 0", name="seats"),)

    pool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("seat_pool.id"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True)
    seats: Mapped[int] = mapped_column(SmallInteger)
    kept_at: Mapped[datetime] = created_at()
