"""What the routes of compliance take and give."""

from marshmallow import fields, validate

from marketplace.compliance.rules import Purpose
from marketplace.web.schemas import PageArgs, StrictSchema, Text


class ConsentArgs(StrictSchema):
    given = fields.Boolean(required=True, metadata={"description": "false withdraws it."})
    wording = Text(
        required=True,
        validate=validate.Length(1, 100),
        metadata={"description": "Version of the words that were read.", "example": "2026-01"},
    )


class ConsentSchema(StrictSchema):
    purpose = fields.String(validate=validate.OneOf([purpose.value for purpose in Purpose]))
    number = fields.Integer()
    given = fields.Boolean()
    wording = fields.String()
    at = fields.AwareDateTime(format="iso")


class AuditArgs(PageArgs):
    subject_kind = Text(load_default=None, validate=validate.Length(1, 100))
    subject_id = fields.UUID(load_default=None)
    actor_id = fields.UUID(load_default=None)


class AuditEntrySchema(StrictSchema):
    id = fields.UUID()
    at = fields.AwareDateTime(format="iso")
    actor_id = fields.UUID(allow_none=True)
    action = fields.String()
    subject_kind = fields.String()
    subject_id = fields.UUID()
    detail = fields.Dict()
