"""What the routes of booking take and give."""

from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.booking.states import BookingState
from marketplace.catalog.rules.policies import PolicyEvent
from marketplace.web.schemas import MoneyField, PageArgs, Ready, StrictSchema, Text

STATES = [state.value for state in BookingState]
LATEST = date(2100, 1, 1)


def a_day(**kwargs: Any) -> fields.Date:
    """A civil date within the reach of calendars that people keep."""
    return fields.Date(validate=validate.Range(date(2000, 1, 1), LATEST), **kwargs)


def a_quote(description: str = "The `quote` of the terms that you were shown.") -> Text:
    """The mark of a quote, by which whoever was shown it commits to it."""
    return Text(
        required=True,
        validate=validate.Length(equal=64, error="Send the `quote` that you were shown: 64 signs."),
        metadata={"description": description},
    )


class HoldArgs(StrictSchema):
    listing_id = fields.UUID(required=True)
    first_day = a_day(
        required=True,
        metadata={"description": "A Monday at the site.", "example": "2027-02-01"},
    )
    weeks = fields.Integer(required=True, strict=True, validate=validate.Range(1, 52))


class BookingReasonArgs(StrictSchema):
    reason = Text(load_default="", validate=validate.Length(max=2000))


class RequiredBookingReasonArgs(StrictSchema):
    reason = Text(required=True, validate=validate.Length(1, 2000))


class CancelArgs(StrictSchema):
    quote = a_quote()
    option = Text(load_default=None, validate=validate.Length(1, 100))
    reason = Text(load_default="", validate=validate.Length(max=2000))


class CancellationQuoteArgs(StrictSchema):
    option = Text(load_default=None, validate=validate.Length(1, 100))


class OperatorCancellationQuoteArgs(CancellationQuoteArgs):
    event = fields.String(
        required=True, validate=validate.OneOf([event.value for event in PolicyEvent])
    )
    proofs = fields.List(
        Text(validate=validate.Length(1, 100)),
        load_default=list,
        validate=validate.Length(max=10),
        metadata={"description": "Proofs that you have seen and accept, such as visa_denial."},
    )


class OperatorCancelArgs(OperatorCancellationQuoteArgs):
    quote = a_quote()
    reason = Text(required=True, validate=validate.Length(1, 2000))


class BookingsArgs(PageArgs):
    state = fields.List(fields.String(validate=validate.OneOf(STATES)), load_default=list)


class RosterArgs(StrictSchema):
    from_ = a_day(required=True, data_key="from", attribute="start")
    to = a_day(required=True, attribute="end")
    limit = fields.Integer(load_default=200, validate=validate.Range(1, 1000))
    cursor = fields.String(load_default=None, validate=validate.Length(max=1000))

    @validates_schema
    def in_order(self, data: dict[str, Any], **_: Any) -> None:
        if data["end"] < data["start"]:
            raise ValidationError("The last day is before the first.", "to")


class AttendanceDaySchema(StrictSchema):
    day = a_day(required=True)
    mark = fields.String(required=True, validate=validate.OneOf(["present", "absent"]))
    note = Text(load_default=None, allow_none=True, validate=validate.Length(max=1000))


class AttendanceArgs(StrictSchema):
    days = fields.List(
        fields.Nested(AttendanceDaySchema), required=True, validate=validate.Length(1, 366)
    )


class AttendanceMarkSchema(StrictSchema):
    day = fields.Date()
    mark = fields.String()
    note = fields.String(allow_none=True)
    revision = fields.Integer()
    marked_at = fields.AwareDateTime(format="iso")


class AttendanceSchema(StrictSchema):
    booking_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(STATES))
    marks = fields.List(fields.Nested(AttendanceMarkSchema))


class BookingPriceLineSchema(StrictSchema):
    kind = fields.String()
    description = fields.String()
    amount = MoneyField()
    quantity = fields.Integer()


class BookingSchema(StrictSchema):
    """A booking, with what was frozen on it when it was made."""

    id = fields.UUID()
    state = fields.String(validate=validate.OneOf(STATES))
    trainee_id = fields.UUID()
    listing_id = fields.UUID()
    listing_title = fields.String()
    listing_version = fields.Integer()
    site_id = fields.UUID()
    site_name = fields.String()
    time_zone = fields.String()
    first_day = fields.Date()
    last_day = fields.Date()
    weeks = fields.Integer()
    approval = fields.String(validate=validate.OneOf(["instant", "request"]))
    message = fields.String(allow_none=True)
    held_at = fields.AwareDateTime(format="iso")
    hold_expires_at = fields.AwareDateTime(
        format="iso",
        allow_none=True,
        metadata={"description": "Until when the seat is kept; null once it is yours or given up."},
    )
    price_lines = fields.List(fields.Nested(BookingPriceLineSchema))
    total = MoneyField()
    deposit = MoneyField()
    paid = MoneyField()
    balance_due_on = fields.Date(allow_none=True)
    policy = fields.String(
        attribute="policy_key", metadata={"description": "Key of the cancellation terms."}
    )
    policy_summary = fields.String()
    tier = fields.String()
    classifier_version = fields.String()
    learner_status = fields.String(validate=validate.OneOf(["student", "graduate"]))
    payment_id = fields.UUID(allow_none=True)
    itinerary_id = fields.UUID(
        allow_none=True,
        metadata={"description": "The itinerary that it is held and paid with, if any."},
    )
    cohort_id = fields.UUID(
        allow_none=True,
        metadata={"description": "The cohort that a school books and pays it with, if any."},
    )
    school_id = fields.UUID(
        allow_none=True,
        metadata={"description": "The school whose word it needs, if any."},
    )
    replaces_id = fields.UUID(
        allow_none=True, metadata={"description": "The booking that this one took over from."}
    )
    version = fields.Integer()


class BookingTermsSchema(StrictSchema):
    """The listing's terms as they were at the version that the booking was made on."""

    booking_id = fields.UUID(required=True)
    listing_id = fields.UUID(required=True)
    listing_version = fields.Integer(required=True)
    deposit_rule = fields.String(
        required=True, metadata={"description": "Empty is the standard one.", "example": "25%"}
    )
    terms = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "By the columns of the host's sheet."},
    )


class RosterRowSchema(StrictSchema):
    booking_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(STATES))
    trainee_id = fields.UUID()
    trainee_name = fields.String()
    trainee_email = fields.String()
    listing_id = fields.UUID()
    listing_title = fields.String()
    first_day = fields.Date()
    last_day = fields.Date()
    weeks = fields.List(
        fields.Date(), metadata={"description": "Mondays of its weeks within the roster."}
    )
    tier = fields.String()
    learner_status = fields.String()
    present_days = fields.Integer()
    absent_days = fields.Integer()


class RosterSchema(StrictSchema):
    """A site's weeks, and who is there in each."""

    weeks = fields.List(fields.Date(), metadata={"description": "The Mondays that are shown."})
    items = Ready(fields.Nested(RosterRowSchema))
    next_cursor = fields.String(allow_none=True)


class BookingStepSchema(StrictSchema):
    number = fields.Integer()
    from_state = fields.String(allow_none=True)
    to_state = fields.String()
    at = fields.AwareDateTime(format="iso")
    actor_id = fields.UUID(allow_none=True)
    actor_name = fields.String(allow_none=True)
    reason = fields.String()
    code = fields.String(
        allow_none=True, metadata={"description": "The reason as one of a controlled list."}
    )
    kept_until = fields.AwareDateTime(
        format="iso",
        allow_none=True,
        metadata={"description": "Until when the seat is kept from this step on."},
    )


class BookingTookOverSchema(StrictSchema):
    """One booking took over from another, under the quote that was committed to."""

    kind = fields.String(validate=validate.OneOf(["reschedule", "transfer", "rescue"]))
    replaced_id = fields.UUID()
    booking_id = fields.UUID()
    lines = fields.List(fields.Dict(keys=fields.String()))
    carried = MoneyField()
    refund = MoneyField()
    refunds = fields.List(fields.Dict(keys=fields.String()))
    quote = fields.String()
    actor_id = fields.UUID()
    actor_name = fields.String()
    at = fields.AwareDateTime(format="iso")


class BookingHistorySchema(StrictSchema):
    booking = fields.Nested(BookingSchema)
    steps = fields.List(fields.Nested(BookingStepSchema))
    cancellation = fields.Dict(allow_none=True)
    changes = fields.List(
        fields.Nested(BookingTookOverSchema),
        metadata={"description": "From which booking it took over, and which took over from it."},
    )


class NewFeedArgs(StrictSchema):
    """Whose days: one's own as a trainee, a site's, or those of one of its preceptors."""

    kind = fields.String(required=True, validate=validate.OneOf(["trainee", "site", "preceptor"]))
    site_id = fields.UUID(load_default=None, allow_none=True)
    preceptor_id = fields.UUID(load_default=None, allow_none=True)
    name = Text(
        load_default="Rotations",
        validate=validate.Length(1, 100),
        metadata={"description": "What calendar programs call it.", "example": "Rotations"},
    )

    @validates_schema
    def fits_together(self, data: dict[str, Any], **_: Any) -> None:
        kind = data.get("kind")
        for name, wanted in (
            ("site_id", kind in ("site", "preceptor")),
            ("preceptor_id", kind == "preceptor"),
        ):
            if wanted != (data.get(name) is not None):
                raise ValidationError("Needed." if wanted else f"Not for {kind}.", name)


class FeedSchema(StrictSchema):
    """A calendar that is subscribed to at a private address."""

    id = fields.UUID()
    kind = fields.String(validate=validate.OneOf(["trainee", "site", "preceptor"]))
    site_id = fields.UUID(allow_none=True)
    preceptor_id = fields.UUID(allow_none=True)
    name = fields.String()
    created_at = fields.AwareDateTime(format="iso")
    rotated_at = fields.AwareDateTime(format="iso", allow_none=True)
    last_used_on = fields.Date(allow_none=True)


class FeedsSchema(StrictSchema):
    items = fields.List(fields.Nested(FeedSchema))


class FeedAddressSchema(FeedSchema):
    """A feed with its address, which is shown this once: who knows it reads the calendar."""

    address = fields.String(metadata={"description": "For a calendar program to subscribe to."})
