"""What the routes of changes take and give: other weeks, transfers, rescues."""

from marshmallow import fields, validate

from marketplace.booking.schemas import BookingSchema, a_day, a_quote
from marketplace.booking.schemas.applying import SubmitArgs
from marketplace.booking.schemas.cancelling import CancellationQuoteLineSchema
from marketplace.booking.schemas.itineraries import StaySchema
from marketplace.web.schemas import MoneyField, StrictSchema, Text


def a_way_to_approve() -> fields.String:
    return fields.String(
        validate=validate.OneOf(["instant", "request"]),
        dump_default="instant",
        metadata={"description": "`request`: its host decides on each trainee."},
    )


class WeeksArgs(StrictSchema):
    """Which weeks instead."""

    first_day = a_day(
        required=True, metadata={"description": "A Monday at the site.", "example": "2027-04-05"}
    )
    weeks = fields.Integer(required=True, strict=True, validate=validate.Range(1, 52))


class RescheduleArgs(WeeksArgs):
    quote = a_quote()
    message = Text(
        load_default="",
        validate=validate.Length(max=2000),
        metadata={"description": "What the host reads, where it has to agree."},
    )


class TransferQuoteArgs(StrictSchema):
    email = Text(
        required=True,
        validate=validate.Length(3, 254),
        metadata={"description": "The address of a trainee of your school."},
    )


class TransferArgs(TransferQuoteArgs):
    quote = a_quote()
    message = Text(load_default="", validate=validate.Length(max=2000))


class ChangeQuoteSchema(StrictSchema):
    """What a change means in money; `quote` is sent back to commit to exactly this."""

    quote = fields.String(attribute="mark")
    kind = fields.String(validate=validate.OneOf(["reschedule", "transfer", "rescue"]))
    listing_id = fields.UUID()
    first_day = fields.Date()
    weeks = fields.Integer()
    lines = fields.List(fields.Nested(CancellationQuoteLineSchema))
    price_before = MoneyField()
    price = MoneyField()
    paid = MoneyField()
    carried = MoneyField(metadata={"description": "Of what was paid, what pays for the change."})
    refund = MoneyField()
    due = MoneyField()
    due_on = fields.Date(allow_none=True)
    kept_at_least = MoneyField(
        metadata={"description": "What cancelling keeps from now on, whatever the terms say."}
    )
    policies = fields.List(
        fields.String(), metadata={"description": "Of these terms the better ones hold."}
    )
    stays = fields.List(
        fields.Nested(StaySchema),
        metadata={"description": "Of a rotation of an itinerary: its stays after the change."},
    )
    asks_host = fields.Boolean(
        metadata={"description": "The host decides on each trainee, and so on this first."}
    )


class ProposalSchema(StrictSchema):
    """A change that somebody has to agree to first; it keeps no seat."""

    id = fields.UUID()
    booking_id = fields.UUID()
    kind = fields.String(validate=validate.OneOf(["reschedule", "transfer"]))
    first_day = fields.Date()
    weeks = fields.Integer()
    message = fields.String()
    needs_host = fields.Boolean()
    state = fields.String(
        validate=validate.OneOf(["open", "done", "declined", "withdrawn", "expired"])
    )
    made_at = fields.AwareDateTime(format="iso")
    expires_at = fields.AwareDateTime(format="iso")
    trainee_agreed_at = fields.AwareDateTime(format="iso", allow_none=True)
    ended_at = fields.AwareDateTime(format="iso", allow_none=True)
    reason = fields.String(allow_none=True)


class ProposalWithQuoteSchema(StrictSchema):
    proposal = fields.Nested(ProposalSchema)
    quote = fields.Nested(ChangeQuoteSchema, allow_none=True)


class ChangedSchema(StrictSchema):
    """The booking that takes over, or the proposal that waits: one of them is there."""

    booking = fields.Nested(BookingSchema, allow_none=True)
    proposal = fields.Nested(ProposalSchema, allow_none=True)


class DeclineProposalArgs(StrictSchema):
    reason = Text(load_default="", validate=validate.Length(max=2000))


class RescueListingSchema(StrictSchema):
    listing_id = fields.UUID()
    title = fields.String()
    site_name = fields.String()
    tier = fields.String()
    approval = a_way_to_approve()
    price = MoneyField()


class RescueSchema(StrictSchema):
    """What is offered in place of a rotation that its host called off."""

    booking_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(["searching", "offered", "accepted", "refunded"]))
    reason = fields.String()
    called_off_at = fields.AwareDateTime(format="iso")
    decide_by = fields.AwareDateTime(
        format="iso", metadata={"description": "After it all that was paid goes back."}
    )
    asked_at = fields.AwareDateTime(
        format="iso",
        allow_none=True,
        metadata={"description": "When you took what its host has still to agree to."},
    )
    agreed_at = fields.AwareDateTime(
        format="iso",
        allow_none=True,
        metadata={"description": "Of a school's place: when its student agreed to what is held."},
    )
    offer = fields.Nested(BookingSchema, allow_none=True)
    quote = fields.Nested(ChangeQuoteSchema, allow_none=True)
    others = fields.List(fields.Nested(RescueListingSchema))


class AcceptRescueArgs(SubmitArgs):
    """The quote; and the application, where the host of what is held decides on each trainee."""

    quote = a_quote()


class SwitchRescueArgs(StrictSchema):
    listing_id = fields.UUID(required=True)
