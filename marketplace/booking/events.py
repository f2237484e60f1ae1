"""What happened to a booking, told to the packages above in the same transaction.

Changes of state are published by `service.transition` and nowhere else; `at` is domain time in UTC.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from marketplace.core.events import Event


@dataclass(frozen=True)
class BookingEvent(Event):
    """The booking, its parties, its weeks, and when it happened.

    `before` is the state that it left, none for a new one; `school_id` whose word it needs or had.
    """

    booking_id: UUID
    trainee_id: UUID
    listing_id: UUID
    site_id: UUID
    first_day: date
    weeks: int
    at: datetime
    itinerary_id: UUID | None = None
    cohort_id: UUID | None = None
    state: str = ""
    before: str | None = None
    school_id: UUID | None = None


class BookingHeld(BookingEvent):
    """A seat is kept for minutes."""


class BookingSubmitted(BookingEvent):
    """The host has an application to decide on, or an answer to what it asked."""


class BookingMoreAsked(BookingEvent):
    """The host wants to know more before it decides: the trainee answers."""


class BookingAwaitingPayment(BookingEvent):
    """The host agreed, or need not be asked: the deposit is due."""


class BookingConfirmed(BookingEvent):
    """The deposit or the whole amount has settled."""


class BookingStarted(BookingEvent):
    """The first day has come."""


class BookingCompleted(BookingEvent):
    """The host says that the rotation was done."""


class BookingReleased(BookingEvent):
    """It ended before it was confirmed: expired, withdrawn or declined."""


class BookingCancelled(BookingEvent):
    """It ended after it was made: cancelled by one of the three sides."""


class BookingNoShow(BookingEvent):
    """The trainee never came."""


@dataclass(frozen=True)
class BookingChanged(Event):
    """A booking has taken over from another, which is told of as cancelled."""

    booking_id: UUID
    site_id: UUID
    replaced_id: UUID
    replaced_site_id: UUID
    kind: str
    first_day: date
    weeks: int
    at: datetime


@dataclass(frozen=True)
class SchoolAsked(Event):
    """A school was asked for its word on a booking, or has given it: `state` says which."""

    booking_id: UUID
    school_id: UUID
    state: str
    decide_by: datetime
    at: datetime


@dataclass(frozen=True)
class DaysMarkedAbsent(Event):
    """Days are about to be marked as absent; whoever knows better refuses it."""

    booking_id: UUID
    days: tuple[date, ...]
