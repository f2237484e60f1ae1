"""What paying for bookings takes and gives."""

from typing import Any

from marshmallow import fields, post_load, validate

from marketplace.booking.rules.less import Less
from marketplace.booking.schemas import BookingPriceLineSchema, BookingSchema
from marketplace.web.schemas import MoneyField, StrictSchema, Text


class PayArgs(StrictSchema):
    whole = fields.Boolean(
        load_default=False,
        metadata={"description": "Pay the whole price at once instead of the deposit."},
    )

    credit = MoneyField(
        load_default=None,
        allow_none=True,
        metadata={"description": "How much of your credit pays; what it leaves is paid by card."},
    )
    code = Text(
        load_default=None,
        allow_none=True,
        validate=validate.Length(4, 32),
        metadata={"description": "A code that lowers the price.", "example": "SPRING-27"},
    )

    @post_load
    def gather(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        less = Less(data.pop("credit"), data.pop("code"))
        return {**data, "less": less}


class PaymentLookSchema(StrictSchema):
    """What would be paid now. The lines are the whole price, the discount and the credit."""

    purpose = fields.String(metadata={"description": "whole, deposit or balance."})
    lines = fields.List(fields.Nested(BookingPriceLineSchema))
    total = MoneyField(metadata={"description": "The whole price, the discount taken off."})
    discount = MoneyField()
    due = MoneyField(metadata={"description": "What is due now, by credit and by card."})
    credit = MoneyField()
    by_card = MoneyField()
    available = MoneyField(metadata={"description": "The credit that you could use for it."})


class PaymentStartedSchema(StrictSchema):
    payment_id = fields.UUID(
        metadata={"description": "Read `/payments/{payment_id}` for the address of its page."}
    )
    booking = fields.Nested(BookingSchema)
