"""Letters. No schema names anything of a letter's content, not even its size."""

from datetime import date
from typing import Any

from marshmallow import EXCLUDE, ValidationError, fields, validate, validates_schema

from marketplace.catalog.rules.specialties import BY_CODE
from marketplace.identity.rules import LOCALES
from marketplace.outcomes.rules.evaluation_form import COMPETENCIES
from marketplace.outcomes.rules.letters import PROGRAM_CODE
from marketplace.web.schemas import PageArgs, StrictSchema, Text

DRAFTED_BY = ("author", "trainee", "both")
FIRST_SEASON, LAST_SEASON = 2000, 2100


class PacketSchema(StrictSchema):
    """What the author is given to write from; the rotation's evaluations are added by themselves."""

    case_summary = Text(
        load_default="",
        validate=validate.Length(max=8000),
        metadata={"description": "Cases that you saw together; no patient can be recognised."},
    )
    personal_statement = Text(load_default="", validate=validate.Length(max=28000))
    document_ids = fields.List(
        fields.UUID(),
        load_default=list,
        validate=validate.Length(max=20),
        metadata={"description": "Documents of yours, such as the CV: the author may read them."},
    )


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
    author_locale = fields.String(
        load_default=None,
        validate=validate.OneOf(LOCALES),
        metadata={"description": "The author's language, if the author has no account to say so."},
    )
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


class AuthorArgs(StrictSchema):
    """Who writes it now, and how strong it will be."""

    strong = fields.Boolean(
        required=True, metadata={"description": "Whether it will be a strong letter."}
    )
    author_name = Text(required=True, validate=validate.Length(1, 200))
    author_email = fields.Email(required=True, validate=validate.Length(max=254))
    author_locale = fields.String(
        load_default=None,
        validate=validate.OneOf(LOCALES),
        metadata={"description": "The author's language, if the author has no account to say so."},
    )


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
    draft_number = fields.Integer(
        allow_none=True, metadata={"description": "The draft of yours that the words come from."}
    )
    author_strong = fields.Boolean(
        allow_none=True,
        metadata={"description": "The author's own answer; `strong` is the site's."},
    )
    author_answered_at = fields.AwareDateTime(allow_none=True)
    refusal_reason = fields.String(allow_none=True)
    due_on = fields.Date(allow_none=True)
    asked_at = fields.AwareDateTime()
    answered_at = fields.AwareDateTime(allow_none=True)
    uploaded_at = fields.AwareDateTime(allow_none=True)
    confirmed_at = fields.AwareDateTime(allow_none=True)


class PacketFileSchema(StrictSchema):
    document_id = fields.UUID()
    kind = fields.String()
    filename = fields.String()
    media_type = fields.String()
    size = fields.Integer(metadata={"description": "Bytes."})


class DraftArgs(StrictSchema):
    words = Text(required=True, validate=validate.Length(1, 20000))


class DraftSchema(StrictSchema):
    """What the trainee offers the author; every one is kept."""

    number = fields.Integer()
    words = fields.String()
    written_at = fields.AwareDateTime()


class DraftsSchema(StrictSchema):
    items = fields.List(fields.Nested(DraftSchema))


class PacketEvaluationSchema(StrictSchema):
    """What the site's people said of the rotation."""

    scores = fields.Function(
        lambda row: {name: getattr(row, name) for name in COMPETENCIES},
        metadata={"type": "object", "additionalProperties": {"type": "integer"}},
    )
    comments = fields.String()
    recorded_at = fields.AwareDateTime()


class ShownPacketSchema(StrictSchema):
    """What the author has to write from."""

    case_summary = fields.String()
    personal_statement = fields.String()
    documents = fields.List(fields.Nested(PacketFileSchema))
    evaluations = fields.List(fields.Nested(PacketEvaluationSchema))
    drafts = fields.List(fields.Nested(DraftSchema))


class UploadSchema(StrictSchema):
    """What an author sees by the link."""

    letter_code = fields.String()
    state = fields.String()
    waived = fields.Boolean()
    author_name = fields.String()
    author_strong = fields.Boolean(allow_none=True)
    message = fields.String()
    due_on = fields.Date(allow_none=True)
    uploaded_at = fields.AwareDateTime(allow_none=True)
    confirmed_at = fields.AwareDateTime(allow_none=True)


class RequestSchema(UploadSchema):
    """The same with the packet, for an author who looks."""

    packet = fields.Nested(ShownPacketSchema)


class UploadArgs(StrictSchema):
    drafted_by = fields.String(
        load_default="author",
        validate=validate.OneOf(DRAFTED_BY),
        metadata={"description": "Who drafted the words."},
    )
    draft_number = fields.Integer(
        load_default=None,
        validate=validate.Range(1, 32767),
        metadata={"description": "The trainee's draft that they come from, if they do."},
    )
    waived = fields.Boolean(
        load_default=None,
        metadata={"description": "What you were told; 409 `waiver_changed` if it is no longer so."},
    )

    @validates_schema
    def check(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("draft_number") is not None and data.get("drafted_by") == "author":
            raise ValidationError({"drafted_by": ["Says `trainee` or `both` with a draft."]})


class AuthorAnswerArgs(StrictSchema):
    agreed = fields.Boolean(
        required=True, metadata={"description": "Whether you will write the letter."}
    )
    strong = fields.Boolean(
        required=True,
        metadata={"description": "Whether you know the work well enough for a strong letter."},
    )
    reason = Text(
        load_default=None,
        validate=validate.Length(1, 2000),
        metadata={"description": "For the trainee, if you will not write it."},
    )


class EndRemindersArgs(StrictSchema):
    class Meta(StrictSchema.Meta):
        # A mail program adds parameters of its own.
        unknown = EXCLUDE

    token = Text(required=True, validate=validate.Length(1, 200))


class AssignmentArgs(StrictSchema):
    match_year = fields.Integer(
        required=True, strict=True, validate=validate.Range(FIRST_SEASON, LAST_SEASON)
    )
    program_code = fields.String(
        required=True,
        validate=validate.Regexp(rf"\A{PROGRAM_CODE}\Z", error="The ten digits of the ACGME's ID."),
        metadata={"description": "The ACGME program ID: ten digits.", "example": "1403521234"},
    )
    program_name = Text(required=True, validate=validate.Length(1, 200))


class AssignmentsArgs(PageArgs):
    match_year = fields.Integer(
        load_default=None, validate=validate.Range(FIRST_SEASON, LAST_SEASON)
    )
    program_code = fields.String(load_default=None, validate=validate.Length(max=10))


class AssignmentSchema(StrictSchema):
    id = fields.UUID()
    letter_id = fields.UUID()
    match_year = fields.Integer()
    program_code = fields.String()
    program_name = fields.String()
    slot = fields.Integer(metadata={"description": "Which of the program's four."})
    assigned_at = fields.AwareDateTime()


class ListedAssignmentSchema(AssignmentSchema):
    letter_code = fields.String()
    author_name = fields.String(allow_none=True)


class ContentArgs(StrictSchema):
    reason = Text(
        load_default=None,
        validate=validate.Length(1, 2000),
        metadata={"description": "An operator says why; it is recorded."},
    )
