"""Why a trainee may or may not book, rule by rule."""

from marshmallow import Schema, fields, validate

from marketplace.catalog.rules.cells import MOST_WEEKS
from marketplace.catalog.rules.eligibility import Source
from marketplace.catalog.schemas.words import REACH
from marketplace.web.schemas import StrictSchema


class EligibilityArgs(StrictSchema):
    """For which rotation: by default the earliest possible and shortest one."""

    first_day = fields.Date(load_default=None, validate=REACH, metadata={"example": "2027-03-01"})
    weeks = fields.Integer(load_default=None, validate=validate.Range(1, MOST_WEEKS))


class EvidenceSchema(Schema):
    """A fact that an answer rests on, and where it is from."""

    fact = fields.String(required=True, metadata={"example": "step2_ck_score"})
    value = fields.String(
        required=True, allow_none=True, metadata={"description": "Null: not known."}
    )
    source = fields.String(
        required=True,
        metadata={
            "enum": [source.value for source in Source],
            "description": "`document`: told by you, and proven by an accepted document.",
        },
    )


class NeededSchema(Schema):
    """What to fill in or upload, and where."""

    kind = fields.String(required=True, metadata={"enum": ["profile_field", "document"]})
    name = fields.String(required=True, metadata={"example": "step2_ck_score"})
    where = fields.String(required=True, metadata={"example": "/api/v1/me/profile"})


class RuleResultSchema(Schema):
    """One rule's answer."""

    rule = fields.String(required=True, metadata={"example": "step2_ck"})
    outcome = fields.String(required=True, metadata={"enum": ["pass", "fail", "unknown"]})
    blocks = fields.Boolean(
        required=True,
        metadata={"description": "False: worth knowing, but nobody is refused by it."},
    )
    sentence = fields.String(required=True)
    evidence = fields.List(fields.Nested(EvidenceSchema), required=True)
    action = fields.String(allow_none=True, metadata={"description": "What to do about it."})
    needed = fields.List(
        fields.Nested(NeededSchema),
        required=True,
        metadata={"description": "What is missing, and where it goes."},
    )
    earliest = fields.Date(
        allow_none=True,
        metadata={
            "description": "The next first day that would pass, or else an earlier one; null where"
            " no other day would."
        },
    )


class EligibilitySchema(Schema):
    """Whether the signed-in trainee may book, rule by rule."""

    listing_id = fields.UUID(required=True)
    first_day = fields.Date(required=True)
    weeks = fields.Integer(required=True)
    may_book = fields.Boolean(required=True)
    learner_status = fields.String(allow_none=True)
    tier = fields.String(allow_none=True)
    earliest = fields.Date(
        allow_none=True,
        metadata={"description": "The next first day on which all of it would pass."},
    )
    results = fields.List(fields.Nested(RuleResultSchema), required=True)
