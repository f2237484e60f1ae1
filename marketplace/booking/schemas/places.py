"""What a school does with one of its places, and what it reads of it."""

from typing import Any

from marshmallow import fields, validate

from marketplace.booking.schemas import STATES, CancellationQuoteArgs, a_quote
from marketplace.booking.schemas.cancelling import CancellationQuoteSchema
from marketplace.booking.schemas.changes import AcceptRescueArgs, RescueSchema, WeeksArgs
from marketplace.web.schemas import MoneyField, StrictSchema, Text


def a_message() -> fields.String:
    return Text(
        load_default="",
        validate=validate.Length(max=2000),
        metadata={"description": "What the student reads, and the host where it has to agree."},
    )


def a_reason(**kwargs: Any) -> fields.String:
    return Text(required=True, validate=validate.Length(1, 1000), **kwargs)


class PlaceWeeksArgs(WeeksArgs):
    quote = a_quote()
    message = a_message()


class PlaceStudentArgs(StrictSchema):
    student_id = fields.UUID(required=True, metadata={"description": "A student of your school."})


class PlaceTransferArgs(PlaceStudentArgs):
    quote = a_quote()
    message = a_message()


class PlaceGiveUpArgs(StrictSchema):
    reason = a_reason(metadata={"description": "The student reads it."})


class PlaceCancelArgs(CancellationQuoteArgs):
    quote = a_quote()
    reason = a_reason(metadata={"description": "The student reads it."})


class PlaceSchema(StrictSchema):
    """One of your places as it stands."""

    booking_id = fields.UUID(attribute="id")
    cohort_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(STATES))
    listing_title = fields.String()
    site_name = fields.String()
    first_day = fields.Date()
    last_day = fields.Date()
    weeks = fields.Integer()
    approval = fields.String(validate=validate.OneOf(["instant", "request"]))
    hold_expires_at = fields.AwareDateTime(format="iso", allow_none=True)
    total = MoneyField()
    paid = MoneyField()
    policy = fields.String(attribute="policy_key")
    policy_summary = fields.String()
    replaces_id = fields.UUID(
        allow_none=True, metadata={"description": "The booking that this one took over from."}
    )


class PlaceCancelledSchema(StrictSchema):
    place = fields.Nested(PlaceSchema)
    quote = fields.Nested(CancellationQuoteSchema)


class PlaceRescueSchema(RescueSchema):
    """What is held in place of one that its host called off, and whether its student agrees."""

    offer = fields.Nested(PlaceSchema, allow_none=True)


class TakeRescueArgs(AcceptRescueArgs):
    """The quote that your student has agreed to; the application where that host decides."""
