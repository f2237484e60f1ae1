"""Evaluations and attestations."""

from marshmallow import fields, validate

from marketplace.catalog.rules.vocabulary import Duty
from marketplace.outcomes.rules.evaluation_form import COMPETENCIES
from marketplace.web.schemas import StrictSchema, Text

ScoresSchema = StrictSchema.from_dict(
    {
        name: fields.Integer(required=True, strict=True, validate=validate.Range(1, 5))
        for name in COMPETENCIES
    },
    name="ScoresSchema",
)


class EvaluationArgs(StrictSchema):
    scores = fields.Nested(
        ScoresSchema,
        required=True,
        metadata={"description": "One to five for each core competency of the ACGME."},
    )
    comments = Text(load_default="", validate=validate.Length(max=8000))
    shown_to_trainee = fields.Boolean(required=True)


class EvaluationSchema(StrictSchema):
    id = fields.UUID()
    booking_id = fields.UUID()
    revision = fields.Integer()
    scores = fields.Function(
        lambda row: {name: getattr(row, name) for name in COMPETENCIES},
        metadata={"type": "object", "additionalProperties": {"type": "integer"}},
    )
    comments = fields.String()
    shown_to_trainee = fields.Boolean()
    recorded_at = fields.AwareDateTime()


class EvaluationsSchema(StrictSchema):
    items = fields.List(fields.Nested(EvaluationSchema), required=True)


class AttestationArgs(StrictSchema):
    duties = fields.List(
        fields.String(validate=validate.OneOf([duty.value for duty in Duty])),
        required=True,
        validate=validate.Length(1, len(Duty)),
        metadata={"description": "What you really performed, whatever the listing said."},
    )
    in_person = fields.Boolean(required=True)
    remarks = Text(load_default="", validate=validate.Length(max=4000))


class AttestationSchema(StrictSchema):
    id = fields.UUID()
    booking_id = fields.UUID()
    duties = fields.List(fields.String())
    direct_contact = fields.Boolean()
    remarks = fields.String()
    recorded_at = fields.AwareDateTime()
