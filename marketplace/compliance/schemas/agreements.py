"""Affiliation agreements as both sides, signers and operators send and read them."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from marketplace.compliance.rules.agreements import MOST_SIGNERS, Side
from marketplace.compliance.states import AgreementState
from marketplace.web.schemas import PageArgs, StrictSchema, Text, page_of

STATES = [state.value for state in AgreementState]
KEY = validate.Regexp(r"[a-z][a-z0-9_]{0,39}\Z", error="Small letters, digits and _.")
SIDES = [side.value for side in Side]


class TemplateFieldSchema(StrictSchema):
    key = Text(required=True, validate=KEY, metadata={"example": "liability"})
    label = Text(required=True, validate=validate.Length(1, 200))


class AgreementTemplateArgs(StrictSchema):
    """A new version of a template; a name that is new begins one."""

    name = Text(required=True, validate=KEY, metadata={"example": "affiliation"})
    title = Text(required=True, validate=validate.Length(1, 200))
    body = Text(
        required=True,
        validate=validate.Length(1, 100_000),
        metadata={
            "description": "Paragraphs with `{{key}}` for each field; school_name, site_name,"
            " starts_on and ends_on are filled in by us.",
            "example": "{{school_name}} and {{site_name}} agree on {{liability}}.",
        },
    )
    fields_ = fields.List(
        fields.Nested(TemplateFieldSchema),
        load_default=list,
        data_key="fields",
        attribute="fields",
        validate=validate.Length(max=50),
    )


class AgreementTemplateSchema(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    number = fields.Integer(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    fields_ = fields.List(
        fields.Nested(TemplateFieldSchema), required=True, data_key="fields", attribute="fields"
    )
    made_at = fields.AwareDateTime(required=True)


class AgreementTemplatesSchema(Schema):
    items = fields.List(fields.Nested(AgreementTemplateSchema), required=True)


class AgreementSignerArgs(StrictSchema):
    side = fields.String(required=True, validate=validate.OneOf(SIDES))
    name = Text(
        required=True,
        validate=[
            validate.Length(1, 200),
            validate.Regexp(r"[^\x00-\x1f\x7f<>/@]+\Z", error="No line breaks, links or <>/@."),
        ],
    )
    email = fields.Email(required=True, validate=validate.Length(max=254))
    role = Text(required=True, validate=validate.Length(1, 200), metadata={"example": "Dean"})


class AgreementArgs(StrictSchema):
    """An agreement to draft; the signers sign in the order in which they are named."""

    school_id = fields.UUID(required=True)
    site_id = fields.UUID(required=True)
    template_id = fields.UUID(required=True)
    values = fields.Dict(
        keys=fields.String(validate=KEY),
        values=Text(validate=validate.Length(max=5000)),
        load_default=dict,
    )
    signers = fields.List(
        fields.Nested(AgreementSignerArgs),
        required=True,
        validate=validate.Length(2, MOST_SIGNERS),
        metadata={
            "example": [
                {
                    "side": "school",
                    "name": "Dean Rao",
                    "email": "dean@grant.example",
                    "role": "Dean",
                },
                {
                    "side": "site",
                    "name": "Dr. Chief",
                    "email": "chief@mercy.example",
                    "role": "Medical director",
                },
            ]
        },
    )
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True)


class AgreementsArgs(PageArgs):
    """Of a school or of a site; operators may leave both out."""

    school_id = fields.UUID(load_default=None)
    site_id = fields.UUID(load_default=None)


class AgreementSignatureSchema(Schema):
    """A signer, and when they signed."""

    place = fields.Integer(required=True)
    side = fields.String(required=True, validate=validate.OneOf(SIDES))
    name = fields.String(required=True)
    email = fields.String(required=True)
    role = fields.String(required=True)
    asked_at = fields.AwareDateTime(required=True, allow_none=True)
    signed_at = fields.AwareDateTime(required=True, allow_none=True)
    typed_name = fields.String(required=True, allow_none=True)


class AgreementStepSchema(Schema):
    from_state = fields.String(required=True, allow_none=True)
    to_state = fields.String(required=True)
    at = fields.AwareDateTime(required=True)
    reason = fields.String(required=True)


class AgreementSchema(Schema):
    id = fields.UUID(required=True)
    school_id = fields.UUID(required=True)
    school_name = fields.String(required=True)
    site_id = fields.UUID(required=True)
    site_name = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    title = fields.String(required=True)
    sha256 = fields.String(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True)
    made_at = fields.AwareDateTime(required=True)
    sent_at = fields.AwareDateTime(required=True, allow_none=True)
    signed_at = fields.AwareDateTime(required=True, allow_none=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)


class AgreementDetailSchema(AgreementSchema):
    """With its text, its signers and its history."""

    body = fields.String(required=True)
    signers = fields.List(fields.Nested(AgreementSignatureSchema), required=True)
    history = fields.List(fields.Nested(AgreementStepSchema), required=True)


AgreementPage = page_of(AgreementSchema)


class AgreementReasonArgs(StrictSchema):
    reason = Text(required=True, validate=validate.Length(1, 1000))


class AgreementToSignSchema(Schema):
    """What a link is to sign: send `sha256` and `wording` back to sign this very text."""

    title = fields.String(required=True)
    body = fields.String(required=True)
    school_name = fields.String(required=True)
    site_name = fields.String(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    side = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    sha256 = fields.String(required=True)
    consent = fields.String(required=True)
    wording = fields.String(required=True)


class AgreementSignArgs(StrictSchema):
    typed_name = Text(required=True, validate=validate.Length(1, 200))
    consent = fields.Boolean(required=True, truthy={True}, falsy={False})
    sha256 = Text(required=True, validate=validate.Length(64, 64))
    wording = Text(required=True, validate=validate.Length(1, 50))

    @validates_schema
    def must_consent(self, data: dict[str, Any], **_: Any) -> None:
        if not data["consent"]:
            raise ValidationError("Nobody signs without agreeing to it.", "consent")


class AgreementRuleArgs(StrictSchema):
    required = fields.Boolean(required=True, truthy={True}, falsy={False})
    listing_id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "One listing; null is the whole site."},
    )


class AgreementRulesSchema(Schema):
    site_id = fields.UUID(required=True)
    whole_site = fields.Boolean(required=True)
    listing_ids = fields.List(fields.UUID(), required=True)
