"""What paying for bookings takes and gives."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from marketplace.booking.rules.by_card import CardWish
from marketplace.booking.rules.less import Less
from marketplace.booking.schemas import BookingPriceLineSchema, BookingSchema
from marketplace.payments.rules.cards import MandateKind
from marketplace.payments.schemas.cards import AGREED_WORDS
from marketplace.web.schemas import MoneyField, StrictSchema, Text


class PayTogetherArgs(StrictSchema):
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


class PayKeepingArgs(PayTogetherArgs):
    """And whether the card that the page takes is kept."""

    keep_card = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf([kind.value for kind in MandateKind]),
        metadata={
            "description": "keep: the card that you pay with is kept. balance: and what is left "
            "of the price is charged to it on its day."
        },
    )
    agreed_words = AGREED_WORDS

    @post_load
    def gather_card(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        card_id = data.pop("card_id", None)
        wish = CardWish(card_id, data.pop("keep_card"), data.pop("agreed_words"))
        return {**data, "wish": wish}


class PayArgs(PayKeepingArgs):
    card_id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "A kept card of yours that pays the balance at once."},
    )

    @validates_schema
    def check_card(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("card_id") and data.get("keep_card"):
            raise ValidationError("Pay with a card that is kept, or have one kept.", "keep_card")


class CardWordsSchema(StrictSchema):
    """What you would agree to; send the words that you agree to as `agreed_words`."""

    keep = fields.String()
    balance = fields.String(
        allow_none=True, metadata={"description": "Where a balance is left for a later day."}
    )


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
    card_words = fields.Nested(CardWordsSchema)


class PaymentStartedSchema(StrictSchema):
    payment_id = fields.UUID(
        metadata={"description": "Read `/payments/{payment_id}` for the address of its page."}
    )
    booking = fields.Nested(BookingSchema)
