"""Letters. No schema names anything of a letter's content, not even its size."""

from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.catalog.rules.specialties import BY_CODE
from marketplace.web.schemas import StrictSchema, Text

DRAFTED_BY = ("author", "trainee", "both")


class PacketSchema(StrictSchema):
    """What the author is given to write from."""

    case_summary = Text(load_default="", validate=validate.Length(max=8000))
    document_ids = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=20))


class LetterArgs(StrictSchema):
    booking_id = fields.UUID(required=True)
    waived = fields.Boolean(
        required=True,
        metadata={"description": "Waive reading the letter: for good, once it is uploaded."},
    )
    message = Text(load_default="", validate=validate.Length(max=4000))
    packet = fields.Nested(PacketSchema, load_default=dict)
    specialty = fields.String(load_default=None, validate=validate.OneOf(sorted(BY_CODE)))
    due_on = fields.Date(
        load_default=None, validate=validate.Range(date(2000, 1, 1), date(2100, 1, 1))
    )


class WaiverArgs(StrictSchema):
    waived = fields.Boolean(required=True)


class AnswerArgs(StrictSchema):
    agreed = fields.Boolean(required=True)
    strong = fields.Boolean(
        load_default=None,
        allow_none=True,
        metadata={"description": "Whether it will be a strong letter."},
    )
    author_name = Text(load_default=None, validate=validate.Length(1, 200))
    author_email = fields.Email(load_default=None, validate=validate.Length(max=254))
    reason = Text(load_default=None, validate=validate.Length(1, 2000))

    @validates_schema
    def check(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("agreed"):
            needed = [name for name in ("author_name", "author_email") if not data.get(name)]
            if data.get("strong") is None:
                needed.append("strong")
        else:
            needed = [] if data.get("reason") else ["reason"]
        if needed:
            raise ValidationError({name: ["Needed for this answer."] for name in needed})


class LetterSchema(StrictSchema):
    id = fields.UUID()
    letter_code = fields.String(metadata={"description": "The Letter ID."})
    booking_id = fields.UUID()
    trainee_id = fields.UUID()
    site_id = fields.UUID()
    state = fields.String()
    waived = fields.Boolean()
    strong = fields.Boolean(allow_none=True)
    specialty = fields.String(allow_none=True)
    packet = fields.Dict()
    message = fields.String()
    author_name = fields.String(allow_none=True)
    drafted_by = fields.String(allow_none=True)
    refusal_reason = fields.String(allow_none=True)
    due_on = fields.Date(allow_none=True)
    asked_at = fields.AwareDateTime()
    answered_at = fields.AwareDateTime(allow_none=True)
    uploaded_at = fields.AwareDateTime(allow_none=True)
    confirmed_at = fields.AwareDateTime(allow_none=True)


class UploadSchema(StrictSchema):
    """What an author sees by the link."""

    letter_code = fields.String()
    state = fields.String()
    waived = fields.Boolean()
    author_name = fields.String()
    packet = fields.Dict()
    message = fields.String()
    due_on = fields.Date(allow_none=True)
    uploaded_at = fields.AwareDateTime(allow_none=True)
    confirmed_at = fields.AwareDateTime(allow_none=True)


class UploadArgs(StrictSchema):
    drafted_by = fields.String(
        load_default="author",
        validate=validate.OneOf(DRAFTED_BY),
        metadata={"description": "Who drafted the words."},
    )


class ContentArgs(StrictSchema):
    reason = Text(
        load_default=None,
        validate=validate.Length(1, 2000),
        metadata={"description": "An operator says why; it is recorded."},
    )
