"""Documents: what their holders send and read, and what reviewers decide."""

from datetime import date
from typing import Any

from marshmallow import fields, post_load, validate

from marketplace.compliance.rules.files import LARGEST, LONGEST_NAME, MAGIC
from marketplace.compliance.rules.kinds import KINDS
from marketplace.compliance.rules.validity import Facts
from marketplace.compliance.states import DocumentState, ScanState, UploadState
from marketplace.web.schemas import PageArgs, StrictSchema, Text

STATES = [state.value for state in DocumentState]
A_DAY = validate.Range(date(1950, 1, 1), date(2100, 1, 1))
PARTS = ("listening", "reading", "speaking", "writing")


def scanned() -> fields.String:
    """What is known of viruses in a file."""
    return fields.String(
        validate=validate.OneOf([state.value for state in ScanState]),
        metadata={
            "description": "What the virus scanner said; until it has, where there is one, nobody"
            " reads the file."
        },
    )


class DocumentFactsSchema(StrictSchema):
    """What a document says of itself: its dates, its doses, its scores by part."""

    issued_on = fields.Date(load_default=None, allow_none=True, validate=A_DAY)
    expires_on = fields.Date(load_default=None, allow_none=True, validate=A_DAY)
    dose_dates = fields.List(
        fields.Date(validate=A_DAY), load_default=list, validate=validate.Length(max=20)
    )
    scores = fields.Dict(
        keys=fields.String(validate=validate.OneOf(PARTS)),
        values=fields.Float(validate=validate.Range(0, 1000)),
        load_default=dict,
        metadata={"description": "By part.", "example": {"listening": 370, "reading": 350}},
    )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Facts:
        return Facts(**{**data, "dose_dates": tuple(sorted(set(data["dose_dates"])))})


class FileUploadArgs(StrictSchema):
    kind = fields.String(
        required=True, validate=validate.OneOf(KINDS), metadata={"example": "tb_test"}
    )
    filename = Text(
        required=True,
        validate=validate.Length(1, 4 * LONGEST_NAME),
        metadata={"description": "A name without a path.", "example": "tb-test.pdf"},
    )
    media_type = fields.String(
        required=True,
        validate=validate.Length(max=200),
        metadata={
            "description": f"One of {', '.join(sorted(MAGIC))}.",
            "example": "application/pdf",
        },
    )
    size = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(0, 2**50),
        metadata={"description": f"Bytes, at most {LARGEST}.", "example": 48213},
    )
    facts = fields.Nested(DocumentFactsSchema, load_default=Facts)
    document_id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "The document that this is a newer version of."},
    )


class FileFaultSchema(StrictSchema):
    code = fields.String()
    text = fields.String()


class FileUploadSchema(StrictSchema):
    """An upload as it stands; `document_id` is its document's once it is taken."""

    id = fields.UUID()
    state = fields.String(validate=validate.OneOf([state.value for state in UploadState]))
    kind = fields.String()
    filename = fields.String()
    expires_at = fields.AwareDateTime(format="iso")
    document_id = fields.UUID(allow_none=True)
    fault = fields.Nested(FileFaultSchema, allow_none=True)


class FileAddressSchema(StrictSchema):
    upload = fields.Nested(FileUploadSchema)
    url = fields.String(
        metadata={"description": "Send the file here by PUT, once, with the media type announced."}
    )
    direct = fields.Boolean(
        metadata={
            "description": "The address is the file store's own: tell us afterwards, by `completion`."
        }
    )


class DocumentDecisionSchema(StrictSchema):
    decision = fields.String(validate=validate.OneOf(["accepted", "rejected"]))
    reason = fields.String()
    site_id = fields.UUID(
        allow_none=True, metadata={"description": "For which site; null: for all."}
    )
    number = fields.Integer()
    facts = fields.Nested(DocumentFactsSchema)
    decided_at = fields.AwareDateTime(format="iso")


class DocumentVersionSchema(StrictSchema):
    number = fields.Integer()
    scan = scanned()
    filename = fields.String()
    media_type = fields.String()
    size = fields.Integer()
    facts = fields.Nested(DocumentFactsSchema)
    uploaded_at = fields.AwareDateTime(format="iso")
    decisions = fields.List(fields.Nested(DocumentDecisionSchema))


class DocumentReleaseSchema(StrictSchema):
    site_id = fields.UUID()
    booking_id = fields.UUID(attribute="reference")
    released_at = fields.AwareDateTime(format="iso")
    ends_at = fields.AwareDateTime(format="iso")
    revoked_at = fields.AwareDateTime(format="iso", allow_none=True)


class DocumentSchema(StrictSchema):
    """A document with all of its versions; `state` is the newest one's."""

    id = fields.UUID()
    kind = fields.String()
    title = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    reason = fields.String(metadata={"description": "Why it was rejected."})
    version = fields.Integer()
    facts = fields.Nested(DocumentFactsSchema)
    made_at = fields.AwareDateTime(format="iso")
    deleted_at = fields.AwareDateTime(format="iso", allow_none=True)
    versions = fields.List(fields.Nested(DocumentVersionSchema))
    releases = fields.List(fields.Nested(DocumentReleaseSchema))


class DocumentReviewArgs(PageArgs):
    waiting = fields.Boolean(
        load_default=True, metadata={"description": "Only what waits for your decision."}
    )


class DocumentReviewSchema(StrictSchema):
    """A document's newest version as a reviewer sees it."""

    document_id = fields.UUID()
    kind = fields.String()
    title = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    holder_id = fields.UUID()
    holder_name = fields.String()
    version = fields.Integer()
    filename = fields.String()
    media_type = fields.String()
    size = fields.Integer()
    scan = scanned()
    facts = fields.Nested(DocumentFactsSchema)
    uploaded_at = fields.AwareDateTime(format="iso")
    decisions = fields.List(fields.Nested(DocumentDecisionSchema))
    seen = fields.Integer(
        metadata={"description": "How often your side has decided; send it with your decision."}
    )


class DocumentVerdictArgs(StrictSchema):
    decision = fields.String(required=True, validate=validate.OneOf(["accepted", "rejected"]))
    version = fields.Integer(required=True, strict=True, validate=validate.Range(1, 100_000))
    seen = fields.Integer(
        load_default=0,
        strict=True,
        validate=validate.Range(0, 100_000),
        metadata={"description": "To correct an earlier decision: the `seen` that you read."},
    )
    reason = Text(
        load_default="",
        validate=validate.Length(max=2000),
        metadata={"description": "Needed to reject; the trainee reads it.", "example": "Expired."},
    )
    facts = fields.Nested(
        DocumentFactsSchema,
        load_default=None,
        allow_none=True,
        metadata={"description": "As you read them; left out, those given are confirmed."},
    )


class DocumentLinkArgs(StrictSchema):
    version = fields.Integer(required=True, strict=True, validate=validate.Range(1, 100_000))


class OperatorDocumentLinkArgs(DocumentLinkArgs):
    reason = Text(required=True, validate=validate.Length(1, 500))


class DocumentErasureArgs(StrictSchema):
    reason = Text(required=True, validate=validate.Length(1, 500))


class AlsoErasedSchema(StrictSchema):
    """Files that are no documents."""

    what = fields.String(metadata={"example": "message_files"})
    erased = fields.Integer(metadata={"description": "How many."})
    kept = fields.Integer(metadata={"description": "How many a booking that is under way needs."})


class DocumentsErasedSchema(StrictSchema):
    """What came of erasing somebody's documents, and files that were sent with messages."""

    erased = fields.Integer(metadata={"description": "How many documents."})
    kept = fields.List(
        fields.UUID(), metadata={"description": "Those that a booking needs; take them back first."}
    )
    also = fields.List(fields.Nested(AlsoErasedSchema))


class DocumentLinkSchema(StrictSchema):
    url = fields.String(metadata={"description": "Works once."})
    expires_at = fields.AwareDateTime(format="iso")


class TrailEntrySchema(StrictSchema):
    at = fields.AwareDateTime(format="iso")
    action = fields.String()
    actor_id = fields.UUID(allow_none=True)
    actor_name = fields.String(allow_none=True)
    detail = fields.Dict()
