"""Invoices as schools and operators see them, and bank transfers as operators write them down."""

from datetime import date

from marshmallow import fields, validate

from marketplace.payments.schemas import RefundSchema
from marketplace.payments.states import InvoiceState
from marketplace.web.schemas import MoneyField, PageArgs, StrictSchema, Text, page_of

INVOICE_STATES = [state.value for state in InvoiceState]
DAYS = validate.Range(date(2000, 1, 1), date(2100, 1, 1))


class InvoiceSchema(StrictSchema):
    id = fields.UUID()
    number = fields.String(attribute="content.number")
    school_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(INVOICE_STATES))
    amount = MoneyField()
    description = fields.String()
    issued_on = fields.Date()
    due_on = fields.Date()
    payment_id = fields.UUID(allow_none=True)


class InvoiceLineSchema(StrictSchema):
    description = fields.String()
    quantity = fields.Integer()
    amount = MoneyField()
    part_id = fields.UUID(metadata={"description": "The booking that it pays for."})


class InvoiceStepSchema(StrictSchema):
    before = fields.String(allow_none=True)
    after = fields.String()
    reason = fields.String()
    at = fields.AwareDateTime(format="iso")


class InvoiceDetailSchema(StrictSchema):
    """With its lines and its history."""

    invoice = fields.Nested(InvoiceSchema)
    lines = fields.List(fields.Nested(InvoiceLineSchema))
    history = fields.List(fields.Nested(InvoiceStepSchema))


InvoicePage = page_of(InvoiceSchema)


class InvoicesArgs(PageArgs):
    state = fields.List(fields.String(validate=validate.OneOf(INVOICE_STATES)), load_default=list)


class InvoicePaymentSchema(StrictSchema):
    payment_id = fields.UUID(
        metadata={"description": "Read `/payments/{payment_id}` for the address of its page."}
    )


class BankTransferArgs(StrictSchema):
    """A transfer as the statement of our account has it."""

    reference = Text(
        required=True, validate=validate.Length(1, 140), metadata={"example": "INV 000017 GRANT"}
    )
    received_on = fields.Date(required=True, validate=DAYS)
    amount = MoneyField(required=True)


class BankRefundSchema(RefundSchema):
    """What is to go back by bank: to whom, and of which transfer."""

    payment_id = fields.UUID()
    payer = fields.String(metadata={"description": "The school's name."})
    school_id = fields.UUID()
    invoice_number = fields.String()
    description = fields.String()
    came_as = fields.String(
        allow_none=True, metadata={"description": "The reference of the transfer that paid it."}
    )


class BankRefundArgs(StrictSchema):
    reference = Text(required=True, validate=validate.Length(1, 140))
    sent_on = fields.Date(required=True, validate=DAYS)
