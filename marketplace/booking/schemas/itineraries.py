"""What the routes of itineraries take and give."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.booking.rules.itineraries import MOST_ROTATIONS, ItineraryState
from marketplace.booking.rules.stays import Verdict
from marketplace.booking.schemas import BookingPriceLineSchema, BookingSchema, HoldArgs, a_day
from marketplace.booking.schemas.applying import SubmitArgs
from marketplace.booking.schemas.paying import PayKeepingArgs
from marketplace.web.schemas import MoneyField, StrictSchema, Text

STATES = [state.value for state in ItineraryState]


class ItineraryArgs(StrictSchema):
    """Rotations in the order in which they are shown, each as one would hold it alone."""

    name = Text(load_default="Itinerary", validate=validate.Length(1, 100))
    items = fields.List(
        fields.Nested(HoldArgs), required=True, validate=validate.Length(1, MOST_ROTATIONS)
    )
    arrive_on = a_day(
        load_default=None, allow_none=True, metadata={"description": "The day of arrival."}
    )
    leave_on = a_day(
        load_default=None, allow_none=True, metadata={"description": "The day of departure."}
    )

    @validates_schema
    def in_order(self, data: dict[str, Any], **_: Any) -> None:
        arrive, leave = data.get("arrive_on"), data.get("leave_on")
        if arrive and leave and leave < arrive:
            raise ValidationError("The departure is before the arrival.", "leave_on")


class ItinerarySubmissionSchema(SubmitArgs):
    booking_id = fields.UUID(required=True)


class ItinerarySubmitArgs(StrictSchema):
    applications = fields.List(
        fields.Nested(ItinerarySubmissionSchema),
        load_default=list,
        validate=validate.Length(max=MOST_ROTATIONS),
        metadata={"description": "What each host reads; hosts that are not named read nothing."},
    )


class ItineraryPayLookArgs(PayKeepingArgs):
    """As for one booking: the whole price of each rotation, or its deposit."""


class ItineraryPayArgs(PayKeepingArgs):
    without = fields.List(
        fields.UUID(),
        load_default=list,
        validate=validate.Length(max=MOST_ROTATIONS),
        metadata={"description": "The bookings that have ended, that you go on without."},
    )


class ItineraryReasonArgs(StrictSchema):
    reason = Text(load_default="", validate=validate.Length(max=2000))


class ItineraryProblemSchema(StrictSchema):
    code = fields.String(
        metadata={"description": "As the error of holding it.", "example": "seat_taken"}
    )
    sentence = fields.String()
    extra = fields.Dict(keys=fields.String())


class ItineraryRotationSchema(StrictSchema):
    """A rotation as it would be booked, or was; price and tier are null where it can't be."""

    place = fields.Integer()
    listing_id = fields.UUID()
    first_day = fields.Date()
    last_day = fields.Date()
    weeks = fields.Integer()
    booking_id = fields.UUID(allow_none=True)
    state = fields.String(
        allow_none=True, metadata={"description": "The booking's, once it is held."}
    )
    listing_title = fields.String(allow_none=True)
    site_name = fields.String(allow_none=True)
    approval = fields.String(allow_none=True, validate=validate.OneOf(["instant", "request"]))
    tier = fields.String(allow_none=True)
    hands_on = fields.Boolean()
    price_lines = fields.List(fields.Nested(BookingPriceLineSchema))
    total = MoneyField(allow_none=True)
    deposit = MoneyField(allow_none=True)
    balance_due_on = fields.Date(allow_none=True)
    hold_expires_at = fields.AwareDateTime(format="iso", allow_none=True)
    problems = fields.List(fields.Nested(ItineraryProblemSchema))
    other_starts = fields.List(
        fields.Date(),
        metadata={"description": "Mondays near by on which as many weeks of the listing are free."},
    )


class ItineraryGapSchema(StrictSchema):
    """Days between two rotations, named by their places."""

    after = fields.Integer()
    before = fields.Integer()
    first_day = fields.Date()
    last_day = fields.Date()
    days = fields.Integer()


class StayLimitSchema(StrictSchema):
    """The rule, where it is written, and when that was last looked at."""

    key = fields.String()
    rule = fields.String()
    source = fields.String()
    url = fields.String()
    as_of = fields.Date()


class StaySchema(StrictSchema):
    """A stay in one country against the limit for the trainee's visa; a warning, no legal advice."""

    country = fields.String()
    arrive_on = fields.Date()
    leave_on = fields.Date()
    assumed = fields.Boolean(
        metadata={"description": "The days are taken from the rotations, with a margin."}
    )
    days = fields.Integer()
    last_day = fields.Date(
        allow_none=True, metadata={"description": "The last day that the rule would allow."}
    )
    verdict = fields.Enum(Verdict, by_value=True)
    sentence = fields.String()
    limit = fields.Nested(StayLimitSchema, allow_none=True)


class ExperienceSchema(StrictSchema):
    """Hands-on weeks by the tier for what the learner is on each first day."""

    weeks = fields.Integer(metadata={"description": "In this itinerary."})
    other_weeks = fields.Integer(
        metadata={"description": "In other rotations that are confirmed, under way or done."}
    )
    total_weeks = fields.Integer()
    weeks_respected = fields.Integer(
        metadata={"description": "Three months, counted as rotations of four weeks."}
    )
    weeks_missing = fields.Integer()


class ItinerarySchema(StrictSchema):
    id = fields.UUID()
    name = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    arrive_on = fields.Date(allow_none=True)
    leave_on = fields.Date(allow_none=True)
    payment_id = fields.UUID(allow_none=True)
    pay_by = fields.AwareDateTime(
        format="iso",
        allow_none=True,
        metadata={"description": "Until when it can be paid, once every host has answered."},
    )
    created_at = fields.AwareDateTime(format="iso")
    held_at = fields.AwareDateTime(format="iso", allow_none=True)
    version = fields.Integer()


class ItineraryLookSchema(StrictSchema):
    """An itinerary as a whole: what stands against it, what it costs, where it is close."""

    itinerary = fields.Nested(ItinerarySchema)
    can_be_held = fields.Boolean(metadata={"description": "Of a draft, as far as can be seen now."})
    rotations = fields.List(fields.Nested(ItineraryRotationSchema))
    currencies = fields.List(
        fields.String(), metadata={"description": "One, or it can't be paid at once."}
    )
    total = MoneyField(allow_none=True)
    deposit = MoneyField(allow_none=True)
    due_now = MoneyField(
        allow_none=True,
        metadata={
            "description": "What booking takes: the deposits, and all of a rotation whose balance is"
            " due already."
        },
    )
    gaps = fields.List(fields.Nested(ItineraryGapSchema))
    stays = fields.List(fields.Nested(StaySchema))
    experience = fields.Nested(ExperienceSchema)
    disclaimer = fields.String()


class ItineraryPaymentSchema(StrictSchema):
    payment_id = fields.UUID(
        metadata={"description": "Read `/payments/{payment_id}` for the address of its page."}
    )
    itinerary = fields.Nested(ItinerarySchema)


class ItineraryBookingsSchema(StrictSchema):
    itinerary = fields.Nested(ItinerarySchema)
    bookings = fields.List(fields.Nested(BookingSchema))
