"""Tiers: what the classifier is asked and answers, and what it was made of."""

from marshmallow import Schema, fields, validate

from marketplace.catalog.rules import vocabulary
from marketplace.catalog.schemas.listings import TIERS, ReasonSchema
from marketplace.web.schemas import StrictSchema, Text


class ClassifySchema(StrictSchema):
    """What a trainee may do somewhere."""

    duties = fields.List(
        fields.String(validate=validate.OneOf(vocabulary.allowed("duty"))),
        required=True,
        validate=validate.Length(max=len(vocabulary.allowed("duty"))),
        metadata={"example": ["history_taking", "physical_examination", "case_presentation"]},
    )
    setting = fields.String(required=True, validate=validate.OneOf(vocabulary.allowed("setting")))
    title = Text(load_default="", validate=validate.Length(max=200))
    audience = fields.String(
        load_default="both", validate=validate.OneOf(vocabulary.allowed("audience"))
    )
    claimed = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(TIERS))


class TierAnswerSchema(Schema):
    """The tier for one learner status."""

    tier = fields.String(required=True)
    reasons = fields.List(fields.Nested(ReasonSchema), required=True)


class WhatIfSchema(Schema):
    """The fewest changes that make another answer for a learner status."""

    status = fields.String(required=True, metadata={"example": "student"})
    tier = fields.String(required=True, metadata={"example": "elective"})
    add = fields.List(fields.String(), required=True)
    remove = fields.List(fields.String(), required=True)
    setting = fields.String(
        required=True, allow_none=True, metadata={"description": "Null where it stays as it is."}
    )
    text = fields.String(
        required=True,
        metadata={"example": "With clinical notes it would be an elective for students."},
    )


class ClassificationSchema(Schema):
    """The tier for each learner status, why, what contradicts it, and what would change it."""

    version = fields.String(required=True, metadata={"example": "usce-1"})
    direct_contact = fields.Boolean(required=True)
    student = fields.Nested(TierAnswerSchema, required=True)
    graduate = fields.Nested(TierAnswerSchema, required=True)
    open_to = fields.List(fields.String(), required=True)
    conflicts = fields.List(fields.Nested(ReasonSchema), required=True)
    publishable = fields.Boolean(required=True)
    what_if = fields.List(fields.Nested(WhatIfSchema), required=True)


class TierSchema(Schema):
    """A tier: a higher rank is more respected by programs."""

    tier = fields.String(required=True)
    rank = fields.Integer(required=True)
    meaning = fields.String(required=True)


class DutySchema(Schema):
    """A duty of the controlled vocabulary."""

    duty = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": ["contact", "hands_on", "passive"]})


class ClassifierSchema(Schema):
    """The published classifier: its rules in order, its words, and the conflicts it looks for."""

    version = fields.String(required=True, metadata={"example": "usce-1"})
    versions = fields.List(fields.String(), required=True)
    tiers = fields.List(fields.Nested(TierSchema), required=True)
    duties = fields.List(fields.Nested(DutySchema), required=True)
    settings = fields.List(fields.String(), required=True)
    audiences = fields.List(fields.String(), required=True)
    rules = fields.List(fields.String(), required=True)
    conflicts = fields.List(fields.Nested(ReasonSchema), required=True)
    drift = fields.String(required=True)
