"""Papers, links to their files, and checks of their codes."""

from marshmallow import fields, validate

from marketplace.outcomes.rules.papers import PaperKind, Standing
from marketplace.web.schemas import StrictSchema, Text

OF_BOOKINGS = [PaperKind.ACCEPTANCE.value, PaperKind.VISA.value, PaperKind.COMPLETION.value]


class PaperArgs(StrictSchema):
    kind = fields.String(required=True, validate=validate.OneOf(OF_BOOKINGS))


class PaperRevocationArgs(StrictSchema):
    reason = Text(
        required=True,
        validate=validate.Length(1, 1000),
        metadata={"description": "Kept, and shown to whose paper it is; not on the check page."},
    )


class PaperSchema(StrictSchema):
    id = fields.UUID()
    kind = fields.String(validate=validate.OneOf([kind.value for kind in PaperKind]))
    booking_id = fields.UUID(allow_none=True)
    number = fields.String(metadata={"example": "C-000042"})
    revision = fields.Integer()
    standing = fields.String(validate=validate.OneOf([one.value for one in Standing]))
    issued_at = fields.AwareDateTime()
    ready = fields.Boolean(metadata={"description": "Whether the file can be read yet."})
    has_credential = fields.Boolean()
    check_address = fields.String(metadata={"description": "The page that confirms it."})
    revoked_at = fields.AwareDateTime(allow_none=True)
    revocation_reason = fields.String(allow_none=True)


class PapersSchema(StrictSchema):
    items = fields.List(fields.Nested(PaperSchema), required=True)


class PaperLinkSchema(StrictSchema):
    url = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)


class PaperRowSchema(StrictSchema):
    label = fields.String(required=True)
    value = fields.String(required=True)


class PaperCheckSchema(StrictSchema):
    """Empty but for `standing` where no paper carries the code."""

    standing = fields.String(required=True, validate=validate.OneOf([s.value for s in Standing]))
    title = fields.String(required=True)
    number = fields.String(required=True)
    issuer = fields.String(required=True)
    issued_on = fields.String(required=True)
    rows = fields.List(fields.Nested(PaperRowSchema), required=True)


class TeachingArgs(StrictSchema):
    start = fields.Date(required=True, data_key="from")
    end = fields.Date(required=True, data_key="to")
