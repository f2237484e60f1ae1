"""What happened to bookings: found and read whole by operators, and the money by who paid it."""

from marshmallow import fields, validate

from marketplace.booking.schemas import STATES, BookingsArgs, BookingSchema, a_day
from marketplace.web.schemas import MoneyField, StrictSchema

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


class BookingSearchArgs(BookingsArgs):
    """Which bookings an operator looks for; all that is named has to fit."""

    trainee_id = fields.UUID(load_default=None)
    site_id = fields.UUID(load_default=None)
    listing_id = fields.UUID(load_default=None)
    first_day_from = a_day(load_default=None)
    first_day_to = a_day(load_default=None)
    overdue = fields.Boolean(
        load_default=False,
        metadata={"description": "Only those whose balance was due before today and is not paid."},
    )


class BookingPaymentRefundSchema(StrictSchema):
    amount = MoneyField()
    state = fields.String()
    requested_at = fields.AwareDateTime(format="iso")
    settled_at = fields.AwareDateTime(format="iso", allow_none=True)


class BookingPaymentSchema(StrictSchema):
    """What was asked and paid for the booking, by one payment or this booking's part of it."""

    payment_id = fields.UUID(
        attribute="id",
        metadata={"description": "Whoever paid reads `/payments/{payment_id}` and its receipt."},
    )
    payer_id = fields.UUID()
    purpose = fields.String(metadata={"description": "deposit, balance or whole."})
    state = fields.String()
    amount = MoneyField()
    requested_at = fields.AwareDateTime(format="iso")
    settled_at = fields.AwareDateTime(format="iso", allow_none=True)
    refunded = MoneyField(
        attribute="granted", metadata={"description": "What goes or went back of it."}
    )
    carried_on = MoneyField(
        metadata={"description": "What is kept for the booking that took over from this one."}
    )
    refunds = fields.List(fields.Nested(BookingPaymentRefundSchema))


class BookingPaymentsSchema(StrictSchema):
    items = fields.List(fields.Nested(BookingPaymentSchema))
