"""What a payer's statement looks like over HTTP."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.web.schemas import MoneyField, StrictSchema


class PayerStatementArgs(StrictSchema):
    """From which day (UTC) to which; whose, for operators."""

    since = fields.Date(load_default=None, metadata={"description": "The first day in it."})
    until = fields.Date(
        load_default=None, metadata={"description": "The first day that is not in it."}
    )
    account_id = fields.UUID(
        load_default=None, metadata={"description": "Whose: for operators; else your own."}
    )

    @validates_schema
    def check(self, data: dict[str, Any], **_: Any) -> None:
        if data["since"] and data["until"] and data["until"] <= data["since"]:
            raise ValidationError("Must be after `since`.", "until")


class PayerStatementLineSchema(StrictSchema):
    at = fields.AwareDateTime()
    kind = fields.String(metadata={"example": "payment_settled"})
    text = fields.String()
    payment_id = fields.UUID(allow_none=True)
    receipt = fields.String(
        allow_none=True, metadata={"description": "The number of the payment's receipt."}
    )
    amount = MoneyField()


class PayerStatementAccountSchema(StrictSchema):
    """What you have paid, less what went back; or your credit. Opening and lines add up to closing."""

    kind = fields.String(validate=validate.OneOf(["paid", "credit"]))
    currency = fields.String()
    opening = MoneyField()
    lines = fields.List(fields.Nested(PayerStatementLineSchema))
    closing = MoneyField()


class PayerStatementSchema(StrictSchema):
    since = fields.Date(allow_none=True)
    until = fields.Date(allow_none=True)
    accounts = fields.List(fields.Nested(PayerStatementAccountSchema))
