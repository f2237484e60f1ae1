"""What cancelling shows: the quote, its choices, and the record of what was agreed on."""

from marshmallow import fields

from marketplace.booking.schemas import BookingSchema
from marketplace.web.schemas import MoneyField, StrictSchema


class VoucherTermsSchema(StrictSchema):
    """Of what is paid back as credit."""

    good_for_days = fields.Integer(
        allow_none=True, metadata={"description": "Null: for ever.", "example": 365}
    )
    transferable = fields.Boolean()


class CancellationChoiceSchema(StrictSchema):
    """One of the ways to be paid back; name its `option` to get a quote for it."""

    option = fields.String()
    pays_back_as = fields.String(
        metadata={"description": "original_payment, or voucher: credit for a later booking."}
    )
    kept = MoneyField()
    refund = MoneyField()


class CancellationQuoteLineSchema(StrictSchema):
    code = fields.String(metadata={"description": "deposit_paid, balance_paid, kept or refund."})
    text = fields.String()
    amount = MoneyField()


class CancellationQuoteSchema(StrictSchema):
    """What cancelling now pays back; `quote` is sent back to commit to exactly this."""

    quote = fields.String(attribute="mark")
    event = fields.String()
    option = fields.String()
    pays_back_as = fields.String()
    policy = fields.String(attribute="policy_key")
    days_before_start = fields.Integer(attribute="days")
    unchanged_through_days = fields.Integer(
        attribute="valid_through_days",
        allow_none=True,
        metadata={"description": "The last day, counted back from the start, of these terms."},
    )
    lines = fields.List(fields.Nested(CancellationQuoteLineSchema))
    paid = MoneyField()
    kept = MoneyField()
    refund = MoneyField()
    refund_within_days = fields.Integer(attribute="within_days", allow_none=True)
    voucher = fields.Nested(VoucherTermsSchema, attribute="credit", allow_none=True)
    refund_order = fields.String(
        metadata={
            "description": "Where it goes first if card and credit paid: in_proportion, card_first"
            " or credit_first."
        }
    )
    choices = fields.List(fields.Nested(CancellationChoiceSchema))


class CancelledSchema(StrictSchema):
    booking = fields.Nested(BookingSchema)
    quote = fields.Nested(CancellationQuoteSchema)


class RefundAskedSchema(StrictSchema):
    """One of the refunds that a cancellation asked for, and where it went."""

    refund_id = fields.UUID()
    payment_id = fields.UUID()
    amount = fields.Dict(keys=fields.String())
    means = fields.String(metadata={"description": "card, or credit."})


class CreditGivenSchema(StrictSchema):
    """Credit that a cancellation gave."""

    id = fields.UUID()
    amount = MoneyField()
    expires_at = fields.AwareDateTime(format="iso", allow_none=True)
    transferable = fields.Boolean()


class CancellationRecordSchema(StrictSchema):
    """The quote that was agreed on, for good: what was kept and why, and what went where."""

    booking_id = fields.UUID()
    event = fields.String()
    option = fields.String()
    pays_back_as = fields.String()
    policy = fields.String()
    days_before_start = fields.Integer()
    lines = fields.List(fields.Dict(keys=fields.String()))
    paid = MoneyField()
    kept = MoneyField()
    refund = MoneyField()
    refunds = fields.List(fields.Nested(RefundAskedSchema))
    credit = fields.List(fields.Nested(CreditGivenSchema))
    at = fields.AwareDateTime(format="iso")
