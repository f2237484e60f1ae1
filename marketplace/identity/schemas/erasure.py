"""The erasure of one's own account."""

from marshmallow import Schema, fields


class HindranceSchema(Schema):
    """What has to end first: `booking`, by its id, or `role`."""

    kind = fields.String()
    reference = fields.String()
    title = fields.String()
    state = fields.String()


class ErasureSchema(Schema):
    """Whether the account is to be erased, when, and what stands against it."""

    asked_at = fields.AwareDateTime(allow_none=True, metadata={"description": "None if it is not."})
    due_at = fields.AwareDateTime(
        allow_none=True, metadata={"description": "Until then it can be stopped."}
    )
    waiting_days = fields.Integer(metadata={"description": "From asking to erasing."})
    blocked_by = fields.List(fields.Nested(HindranceSchema))
