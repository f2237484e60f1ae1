"""What a school decides on and sees, and what a booking waits for."""

from marshmallow import fields, validate

from marketplace.booking.schemas import STATES
from marketplace.web.schemas import MoneyField, PageArgs, StrictSchema, Text

REQUEST_STATES = ["waiting", "approved", "declined"]


class SchoolRequestArgs(StrictSchema):
    message = Text(load_default="", validate=validate.Length(max=2000))


class SchoolRequestSchema(StrictSchema):
    """What was asked of the school, and what it said."""

    booking_id = fields.UUID()
    school_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(REQUEST_STATES))
    message = fields.String()
    asked_at = fields.AwareDateTime(format="iso")
    decide_by = fields.AwareDateTime(
        format="iso", metadata={"description": "The seat is kept until then."}
    )
    decided_at = fields.AwareDateTime(format="iso", allow_none=True)
    reason = fields.String()


class SchoolRequestsArgs(PageArgs):
    waiting = fields.Boolean(
        load_default=True,
        truthy={"true", True},
        falsy={"false", False},
        metadata={"description": "Only those that wait for a decision."},
    )


class AskedSchoolSchema(StrictSchema):
    """A student's request with what it is about."""

    request = fields.Nested(SchoolRequestSchema)
    student_name = fields.String()
    booking_state = fields.String(attribute="booking.state", validate=validate.OneOf(STATES))
    listing_id = fields.UUID(attribute="booking.listing_id")
    listing_title = fields.String(attribute="booking.listing_title")
    site_name = fields.String(attribute="booking.site_name")
    first_day = fields.Date(attribute="booking.first_day")
    last_day = fields.Date(attribute="booking.last_day")
    weeks = fields.Integer(attribute="booking.weeks")
    tier = fields.String(attribute="booking.tier")
    total = MoneyField(attribute="booking.total")


class SchoolDeclineArgs(StrictSchema):
    reason = Text(required=True, validate=validate.Length(1, 2000))


class SchoolBookingsArgs(PageArgs):
    state = fields.List(fields.String(validate=validate.OneOf(STATES)), load_default=list)


class SchoolClearanceSchema(StrictSchema):
    may_start = fields.Boolean()
    missing = fields.List(fields.String(), metadata={"description": "Titles of what is missing."})


class SchoolBookingSchema(StrictSchema):
    """A student's booking, as far as the student lets the school see it."""

    booking_id = fields.UUID()
    student_name = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    listing_title = fields.String()
    site_name = fields.String()
    first_day = fields.Date(allow_none=True)
    last_day = fields.Date(allow_none=True)
    clearance = fields.Nested(SchoolClearanceSchema, allow_none=True)


class WaitsForSchema(StrictSchema):
    code = fields.String(metadata={"example": "school_approval_needed"})
    text = fields.String()


class WaitingForSchema(StrictSchema):
    """What stands between a booking and its confirmation, besides the host and the money."""

    booking_id = fields.UUID()
    items = fields.List(fields.Nested(WaitsForSchema))
