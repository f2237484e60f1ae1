"""Credit notes as payers, schools and operators see them."""

from marshmallow import fields

from marketplace.web.schemas import MoneyField, StrictSchema, page_of


class CreditNoteSchema(StrictSchema):
    """`refers_to` is the number of the invoice or receipt that is taken back, wholly or in part."""

    id = fields.UUID()
    number = fields.String(attribute="content.number")
    legal_entity = fields.String()
    amount = MoneyField()
    refers_to = fields.String(attribute="content.refers_to.number")
    document = fields.String(attribute="content.refers_to.document")
    payment_id = fields.UUID(allow_none=True)
    refund_id = fields.UUID(allow_none=True)
    invoice_id = fields.UUID(allow_none=True)
    issued_at = fields.AwareDateTime()
    ready = fields.Function(
        lambda note: note.stored_at is not None,
        metadata={"type": "boolean", "description": "Whether the file is there."},
    )


class CreditNotesSchema(StrictSchema):
    items = fields.List(fields.Nested(CreditNoteSchema))


CreditNotePage = page_of(CreditNoteSchema)
