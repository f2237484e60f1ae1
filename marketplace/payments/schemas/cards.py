"""What kept cards give."""

from marshmallow import fields, validate

from marketplace.web.schemas import StrictSchema, Text

AGREED_WORDS = Text(
    load_default=None,
    allow_none=True,
    validate=validate.Length(1, 2000),
    metadata={"description": "The words that you were shown, and agree to, as they are."},
)


class SavedCardSchema(StrictSchema):
    """A card of yours that the payment company keeps; we know what is printed here."""

    id = fields.UUID()
    brand = fields.String(metadata={"example": "visa"})
    last4 = fields.String(metadata={"example": "4242"})
    exp_month = fields.Integer()
    exp_year = fields.Integer()
    kept_at = fields.AwareDateTime()


class SavedCardsSchema(StrictSchema):
    items = fields.List(fields.Nested(SavedCardSchema))
