"""Itineraries: several rotations of one trainee, held together and paid together."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.booking.rules.itineraries import ItineraryState
from marketplace.core.db import Base, pk

STATES = ", ".join(f"'{state.value}'" for state in ItineraryState)


class Itinerary(Base):
    """A basket of rotations. What became of each is its booking's to say."""

    __tablename__ = "itinerary"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES})", name="state"),
        CheckConstraint("held_at IS NOT NULL OR state IN ('draft', 'ended')", name="held"),
        CheckConstraint("leave_on >= arrive_on", name="stay"),
        CheckConstraint("version >= 1", name="version"),
        Index("ix_itinerary_trainee_id", "trainee_id", "id"),
        Index("ix_itinerary_payment_id", "payment_id"),
    )

    id: Mapped[uuid.UUID] = pk()
    trainee_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    name: Mapped[str]
    state: Mapped[str]
    version: Mapped[int]
    # The days of arrival and departure, where the trainee knows them.
    arrive_on: Mapped[date | None]
    leave_on: Mapped[date | None]
    # The payment that is waited for, or that confirmed it.
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment.id"))
    # Until when it can be paid once every host has answered; none where none had to be asked.
    pay_by: Mapped[datetime | None]
    created_at: Mapped[datetime]
    held_at: Mapped[datetime | None]


class ItineraryItem(Base):
    """A rotation of an itinerary, and its booking once it is held."""

    __tablename__ = "itinerary_item"
    __table_args__ = (
        CheckConstraint("place >= 1", name="place"),
        CheckConstraint("EXTRACT(ISODOW FROM first_day) = 1", name="first_day"),
        CheckConstraint("weeks BETWEEN 1 AND 52", name="weeks"),
        UniqueConstraint("booking_id"),
        Index("ix_itinerary_item_listing_id", "listing_id"),
    )

    itinerary_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("itinerary.id"), primary_key=True)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    listing_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("listing.id"))
    first_day: Mapped[date]
    weeks: Mapped[int] = mapped_column(SmallInteger)
    booking_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("booking.id"))
