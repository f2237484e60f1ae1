"""Schools, their students, and what these let them see."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from marketplace.identity.rules import COUNTRIES, SchoolEvidence, Seen
from marketplace.identity.schemas.fields import email_field, values_of
from marketplace.identity.states import SchoolStep, StudentState
from marketplace.web.schemas import PageArgs, StrictSchema, Text, page_of

STATES = [state.value for state in StudentState]


def seen_field(**kwargs: Any) -> fields.Field[Any]:
    return fields.List(
        fields.String(validate=values_of(Seen)),
        validate=validate.Length(max=len(Seen)),
        metadata={"description": "What the school may see; an empty list is nothing."},
        **kwargs,
    )


class SchoolDetailSchema(Schema):
    """A school as its coordinators and operators see it."""

    id = fields.UUID(required=True)
    name = fields.String(required=True, metadata={"example": "Grant Medical College"})
    country = fields.String(required=True, metadata={"example": "IN"})
    city = fields.String(required=True, allow_none=True)
    email_domain = fields.String(required=True, allow_none=True)
    approves = fields.Boolean(
        required=True,
        metadata={"description": "Each booking of its students needs its word first."},
    )
    verified_at = fields.AwareDateTime(required=True, allow_none=True)
    refused_at = fields.AwareDateTime(required=True, allow_none=True)
    version = fields.Integer(required=True)


SchoolPage = page_of(SchoolDetailSchema)


class SchoolChangeArgs(StrictSchema):
    """What is to change; what is not named stays."""

    approves = fields.Boolean(truthy={True}, falsy={False})
    city = Text(allow_none=True, validate=validate.Length(1, 100))

    @validates_schema
    def check_some(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Name at least one field to change.")


class SchoolOperatorChangeArgs(SchoolChangeArgs):
    email_domain = Text(
        allow_none=True,
        validate=[
            validate.Length(3, 253),
            validate.Regexp(
                r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)+\Z",
                error="Not a domain such as grant.example.",
            ),
        ],
        metadata={"description": "Only addresses in it are invited.", "example": "grant.example"},
    )


class SchoolEvidenceArgs(StrictSchema):
    """By what a school is known to be the one that it says."""

    kind = fields.String(
        required=True, validate=values_of(SchoolEvidence), metadata={"example": "website"}
    )
    reference = Text(
        required=True,
        validate=validate.Length(1, 500),
        metadata={
            "description": "Its number or address, such as a page of the school that names you.",
            "example": "https://grant.example/electives",
        },
    )
    note = Text(load_default="", validate=validate.Length(max=2000))


class SchoolRegisterArgs(SchoolEvidenceArgs):
    """A school that is not here yet, and by what it is known."""

    name = Text(
        required=True,
        validate=validate.Length(1, 200),
        metadata={"example": "Grant Medical College"},
    )
    country = fields.String(
        required=True, validate=validate.OneOf(sorted(COUNTRIES)), metadata={"example": "IN"}
    )
    city = Text(load_default=None, allow_none=True, validate=validate.Length(1, 100))


class SchoolCheckSchema(Schema):
    step = fields.String(required=True, validate=values_of(SchoolStep))
    kind = fields.String(required=True, allow_none=True)
    reference = fields.String(required=True, allow_none=True)
    note = fields.String(required=True)
    recorded_at = fields.AwareDateTime(required=True)


class SchoolVerificationSchema(Schema):
    """Whether a school is verified, and every step towards it, oldest first."""

    verified_at = fields.AwareDateTime(required=True, allow_none=True)
    refused_at = fields.AwareDateTime(required=True, allow_none=True)
    checks = fields.List(fields.Nested(SchoolCheckSchema), required=True)


class SchoolDecisionArgs(StrictSchema):
    """Verified, by which evidence; or refused, and why."""

    verified = fields.Boolean(required=True, truthy={True}, falsy={False})
    kind = fields.String(
        validate=values_of(SchoolEvidence),
        metadata={"description": "Needed to verify.", "example": "directory"},
    )
    reference = Text(
        validate=validate.Length(1, 500),
        metadata={"description": "Needed to verify.", "example": "F0001234"},
    )
    note = Text(
        load_default="",
        validate=validate.Length(max=2000),
        metadata={"description": "Needed to refuse: the school's coordinators read it."},
    )

    @validates_schema
    def check_evidence(self, data: dict[str, Any], **_: Any) -> None:
        if data["verified"]:
            missing = [name for name in ("kind", "reference") if not data.get(name)]
            if missing:
                raise ValidationError({name: ["Needed to verify a school."] for name in missing})
        elif not data["note"]:
            raise ValidationError({"note": ["Say why, so that the school can mend it."]})


class SchoolCoordinatorArgs(StrictSchema):
    email = email_field()


class SchoolMemberSchema(Schema):
    membership_id = fields.UUID(required=True)
    account_id = fields.UUID(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)


class SchoolMembersSchema(Schema):
    items = fields.List(fields.Nested(SchoolMemberSchema), required=True)


class StudentInviteArgs(StrictSchema):
    email = email_field()


class StudentsArgs(PageArgs):
    state = fields.List(fields.String(validate=validate.OneOf(STATES)), load_default=list)


class StudentSchema(Schema):
    """A student as the school sees them; the name is known once they have said yes."""

    id = fields.UUID(required=True)
    email = fields.String(required=True, metadata={"description": "The address that was invited."})
    name = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    sees = fields.List(fields.String(validate=values_of(Seen)), required=True)
    invited_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    linked_at = fields.AwareDateTime(required=True, allow_none=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)


StudentPage = page_of(StudentSchema)


class InvitedStudentSchema(Schema):
    id = fields.UUID(required=True)
    email = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    expires_at = fields.AwareDateTime(required=True, allow_none=True)


class InvitedRowSchema(Schema):
    """What became of a row: invited, or why not."""

    row = fields.Integer(required=True, metadata={"description": "From 1, without the heading."})
    email = fields.String(required=True)
    student_id = fields.UUID(required=True, allow_none=True)
    code = fields.String(required=True, allow_none=True, metadata={"example": "other_domain"})
    problem = fields.String(required=True, allow_none=True)


class InvitedRowsSchema(Schema):
    invited = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    rows = fields.List(fields.Nested(InvitedRowSchema), required=True)


class StudentEndArgs(StrictSchema):
    reason = Text(required=True, validate=validate.Length(1, 1000))


class LeaveSchoolArgs(StrictSchema):
    reason = Text(load_default="", validate=validate.Length(max=1000))


class SeenPurposeSchema(Schema):
    purpose = fields.String(required=True, validate=values_of(Seen))
    text = fields.String(required=True)


class SchoolInvitationSchema(Schema):
    """What a link is for: the school, and each thing that one may let it see."""

    school_name = fields.String(required=True)
    country = fields.String(required=True)
    city = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    wording = fields.String(required=True)
    purposes = fields.List(fields.Nested(SeenPurposeSchema), required=True)


class SeenArgs(StrictSchema):
    sees = seen_field(required=True)
    wording = Text(
        required=True,
        validate=validate.Length(1, 50),
        metadata={"description": "The `wording` that you read.", "example": "2026-11"},
    )


class SchoolConsentSchema(Schema):
    purpose = fields.String(required=True, validate=values_of(Seen))
    given = fields.Boolean(required=True)
    wording = fields.String(required=True)
    at = fields.AwareDateTime(required=True)


class OwnSchoolSchema(Schema):
    """One's own school, what it sees, and every choice that one has made."""

    school_id = fields.UUID(required=True)
    school_name = fields.String(required=True)
    sees = fields.List(fields.String(validate=values_of(Seen)), required=True)
    linked_at = fields.AwareDateTime(required=True, allow_none=True)
    wording = fields.String(required=True)
    purposes = fields.List(fields.Nested(SeenPurposeSchema), required=True)
    history = fields.List(fields.Nested(SchoolConsentSchema), required=True)
