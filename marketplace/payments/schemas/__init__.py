"""What payments says and hears over HTTP."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.payments.rules import PURPOSES, Earner
from marketplace.payments.service import suspense
from marketplace.payments.states import PaymentState, RefundState
from marketplace.web.schemas import MoneyField, StrictSchema, Text


class PayableSchema(StrictSchema):
    """What is paid for."""

    kind = fields.String(metadata={"example": "booking"})
    id = fields.UUID()


class PriceLineSchema(StrictSchema):
    kind = fields.String(metadata={"example": "weeks"})
    description = fields.String()
    quantity = fields.Integer()
    amount = MoneyField()
    earner = fields.String(validate=validate.OneOf([earner.value for earner in Earner]))


class PaymentPartSchema(StrictSchema):
    """What a payment for several things at once pays for one of them."""

    payable_id = fields.UUID()
    payable_kind = fields.String(metadata={"example": "booking"})
    amount = MoneyField()
    refundable = MoneyField()


class RefundSchema(StrictSchema):
    """Money that goes back; `failed` means that it is still owed."""

    id = fields.UUID(dump_only=True)
    amount = MoneyField()
    means = fields.String(
        metadata={"description": "Where it goes: card (the way of payment), or credit, at once."}
    )
    reason = fields.String()
    status = fields.String(
        attribute="state", validate=validate.OneOf([state.value for state in RefundState])
    )
    requested_at = fields.AwareDateTime()
    settled_at = fields.AwareDateTime(allow_none=True)
    failure = fields.String(allow_none=True)


class PaymentSchema(StrictSchema):
    """One amount asked of one payer. `checkout_url` is there while it can be paid."""

    id = fields.UUID()
    payable = fields.Nested(PayableSchema)
    purpose = fields.String(validate=validate.OneOf(PURPOSES))
    amount = MoneyField()
    means = fields.String(metadata={"description": "card, or credit."})
    credit = MoneyField(metadata={"description": "What credit pays besides, once this is paid."})
    refunded = MoneyField()
    description = fields.String()
    status = fields.String(validate=validate.OneOf([state.value for state in PaymentState]))
    checkout_url = fields.Url(allow_none=True)
    last_decline = fields.String(
        allow_none=True, metadata={"description": "Why the last try to pay was declined."}
    )
    decline_code = fields.String(
        allow_none=True, metadata={"description": "The same as the payment company's code."}
    )
    card_id = fields.UUID(
        allow_none=True, metadata={"description": "The kept card that is charged."}
    )
    requested_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime()
    settled_at = fields.AwareDateTime(allow_none=True)
    receipt_ready = fields.Boolean()
    lines = fields.List(fields.Nested(PriceLineSchema))
    parts = fields.List(
        fields.Nested(PaymentPartSchema),
        metadata={"description": "Empty where the payment is for one thing."},
    )
    refunds = fields.List(fields.Nested(RefundSchema))


class ReturnArgs(StrictSchema):
    """What the payment page sends the payer back with."""

    session_id = fields.String(load_default=None, validate=validate.Length(1, 255))
    payment_intent = fields.String(
        load_default=None,
        validate=validate.Length(1, 255),
        metadata={"description": "What is charged to a kept card, after the bank's own page."},
    )
    payment_intent_client_secret = fields.String(load_default=None, load_only=True)
    redirect_status = fields.String(load_default=None, load_only=True)

    @validates_schema
    def names_something(self, data: dict[str, Any], **_: Any) -> None:
        if not data.get("session_id") and not data.get("payment_intent"):
            raise ValidationError("Say what you come back from.", "session_id")


class ReturnSchema(StrictSchema):
    payment_id = fields.UUID()
    status = fields.String()


class ReceivedSchema(StrictSchema):
    received = fields.Boolean()


class RefundRequestSchema(StrictSchema):
    """Grant a refund by hand."""

    amount = MoneyField(required=True)
    reason = Text(required=True, validate=validate.Length(3, 500))
    part_id = fields.UUID(
        load_default=None,
        metadata={"description": "Which of several things that were paid at once gives back."},
    )
    as_credit = fields.Boolean(
        load_default=False,
        metadata={"description": "Make it credit of the payer, for ever, instead of paying out."},
    )


class AccountBalanceSchema(StrictSchema):
    """An account's totals; `balance` is debits less credits, so what we owe is negative."""

    account = fields.String(attribute="kind")
    owner_id = fields.UUID(allow_none=True)
    debits = MoneyField()
    credits_ = MoneyField(attribute="credits", data_key="credits")
    balance = MoneyField()
    entries = fields.Integer()


class TrialBalanceSchema(StrictSchema):
    """All accounts; `sums` are of all balances by currency, and zero."""

    accounts = fields.List(fields.Nested(AccountBalanceSchema))
    sums = fields.List(MoneyField())


class PostingSchema(StrictSchema):
    """One entry of the ledger: a debit is positive, a credit negative."""

    transaction_id = fields.UUID()
    source = fields.String()
    reason = fields.String()
    occurred_at = fields.AwareDateTime()
    account = fields.String()
    owner_id = fields.UUID(allow_none=True)
    amount = MoneyField()


class PostingsSchema(StrictSchema):
    items = fields.List(fields.Nested(PostingSchema))


class QuarantineSchema(StrictSchema):
    """Something about money that does not fit and waits for a person."""

    id = fields.UUID()
    processor_object = fields.String()
    reason = fields.String()
    details = fields.Dict(keys=fields.String(), values=fields.String())
    payment_id = fields.UUID(allow_none=True)
    found_at = fields.AwareDateTime()


class QuarantinesSchema(StrictSchema):
    items = fields.List(fields.Nested(QuarantineSchema))


class ResolutionSchema(StrictSchema):
    """What was found out and done."""

    resolution = Text(required=True, validate=validate.Length(3, 2000))


class EventAgainArgs(StrictSchema):
    """Why an event is handled again."""

    reason = Text(required=True, validate=validate.Length(1, 500))


class SuspenseArgs(StrictSchema):
    """A line of suspense, the account that it belongs to, and what was found out."""

    source = fields.String(required=True, validate=validate.Length(1, 255))
    account = fields.String(
        required=True, validate=validate.OneOf([kind.value for kind in suspense.MOVED])
    )
    reason = Text(required=True, validate=validate.Length(3, 2000))


class ReconcileArgs(StrictSchema):
    """From which day on the books are compared."""

    since = fields.Date(load_default=None, allow_none=True)
