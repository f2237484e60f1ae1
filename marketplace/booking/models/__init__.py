"""Tables of booking, a file a subject."""

from marketplace.booking.models.applications import ApplicationEntry, QuestionVersion
from marketplace.booking.models.bookings import (
    STATES,
    TIMED_STATES,
    AttendanceMark,
    Booking,
    BookingCancellation,
    BookingReminder,
    BookingTransition,
    BookingWaiver,
    BookingWeek,
    CalendarFeed,
)
from marketplace.booking.models.changes import BookingChange, BookingProposal, Rescue
from marketplace.booking.models.cohorts import Cohort, CohortPlace
from marketplace.booking.models.endings import ForceMajeure, ForceMajeureBooking, NoShow
from marketplace.booking.models.itineraries import Itinerary, ItineraryItem
from marketplace.booking.models.messages import (
    BookingMessage,
    MessageAttachment,
    MessageFile,
    MessageFileLink,
    MessageReader,
)
from marketplace.booking.models.rounds import (
    AllocationRound,
    RoundOrder,
    RoundPlace,
    RoundRanking,
    RoundRun,
    RoundStep,
)
from marketplace.booking.models.schools import SchoolReminder, SchoolRequest
from marketplace.booking.models.stays import StayRuleVersion
from marketplace.booking.models.waiting import KeptSeat, SeatOffer, WaitingEntry, WaitingStep

__all__ = [
    "STATES",
    "TIMED_STATES",
    "AllocationRound",
    "ApplicationEntry",
    "AttendanceMark",
    "Booking",
    "BookingCancellation",
    "BookingChange",
    "BookingMessage",
    "BookingProposal",
    "BookingReminder",
    "BookingTransition",
    "BookingWaiver",
    "BookingWeek",
    "CalendarFeed",
    "Cohort",
    "CohortPlace",
    "ForceMajeure",
    "ForceMajeureBooking",
    "Itinerary",
    "ItineraryItem",
    "KeptSeat",
    "MessageAttachment",
    "MessageFile",
    "MessageFileLink",
    "MessageReader",
    "NoShow",
    "QuestionVersion",
    "Rescue",
    "RoundOrder",
    "RoundPlace",
    "RoundRanking",
    "RoundRun",
    "RoundStep",
    "SchoolReminder",
    "SchoolRequest",
    "SeatOffer",
    "StayRuleVersion",
    "WaitingEntry",
    "WaitingStep",
]
