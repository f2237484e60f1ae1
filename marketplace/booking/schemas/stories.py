"""A booking's whole story, as operators read it."""

from marshmallow import fields, validate

from marketplace.booking.schemas import STATES, BookingSchema
from marketplace.web.schemas import StrictSchema

KINDS = (
    "step", "seat_taken", "seat_given_up", "payment_asked", "payment_settled", "refund_asked",
    "refund_settled", "posting", "said_submitted", "said_more_asked", "said_answered",
    "document_released", "document_taken_back", "requirement_waived", "cancellation_agreed",
    "took_over", "taken_over",
)  # fmt: skip


class BookingHappenedSchema(StrictSchema):
    at = fields.AwareDateTime(format="iso")
    kind = fields.String(validate=validate.OneOf(KINDS))
    text = fields.String()
    actor_id = fields.UUID(allow_none=True)
    actor_name = fields.String(allow_none=True)
    detail = fields.Dict(keys=fields.String(), metadata={"description": "By the kind."})


class BookingReplaySchema(StrictSchema):
    """Where the history leads when it is folded from its first row."""

    agrees = fields.Boolean(metadata={"description": "State, seats and money are as stored."})
    state = fields.String(
        attribute="replayed.state.value", allow_none=True, validate=validate.OneOf(STATES)
    )
    kept_until = fields.AwareDateTime(
        attribute="replayed.kept_until", format="iso", allow_none=True
    )
    weeks_in_use = fields.Function(
        lambda verdict: sorted(week.isoformat() for week in verdict.replayed.seats),
        metadata={"type": "array", "items": {"type": "string", "format": "date"}},
    )
    disagreements = fields.List(fields.String())


class BookingStorySchema(StrictSchema):
    booking = fields.Nested(BookingSchema)
    events = fields.List(fields.Nested(BookingHappenedSchema))
    replay = fields.Nested(BookingReplaySchema, attribute="verdict")
