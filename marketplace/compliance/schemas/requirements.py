"""Requirement sets as hosts write them, and as trainees read them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.compliance.rules.kinds import KINDS
from marketplace.compliance.rules.requirements import Requirement, describe, to_json
from marketplace.compliance.rules.validity import Rule
from marketplace.web.schemas import StrictSchema, Text

A_KEY = r"[a-z][a-z0-9_]{0,59}"
NEEDS = {
    Rule.WITHIN_MONTHS.value: ("months",),
    Rule.SEASON.value: ("season_from", "season_to", "counts_from"),
}


def a_month(words: str) -> fields.Integer:
    return fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(1, 12),
        metadata={"description": words},
    )


class DocumentValiditySchema(StrictSchema):
    """When a document is good: always, through the last day, within months before, or of a season."""

    rule = fields.String(required=True, validate=validate.OneOf([rule.value for rule in Rule]))
    months = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(1, 600),
        metadata={"description": "For within_months: dated at most so long before the start."},
    )
    season_from = a_month("For season: the month in which it begins.")
    season_to = a_month("For season: the month in which it ends.")
    counts_from = a_month("For season: what is dated from this month on is of the coming season.")

    @validates_schema
    def complete(self, data: Mapping[str, Any], **_: Any) -> None:
        wanted = NEEDS.get(data.get("rule", ""), ())
        missing = [name for name in wanted if data.get(name) is None]
        if missing:
            raise ValidationError(f"The rule {data['rule']} needs it.", missing[0])


class RequiredDocumentSchema(StrictSchema):
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    doses = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 10))
    validity = fields.Nested(DocumentValiditySchema, load_default=lambda: {"rule": "always"})
    least_each_part = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(1, 1000),
        metadata={"description": "Least score in each part, such as 350 for OET."},
    )


class RequirementSchema(StrictSchema):
    """Met by any one of its alternatives, an alternative by all of its documents."""

    key = Text(
        required=True,
        validate=validate.Regexp(rf"^{A_KEY}\Z"),
        metadata={"description": "Names it within the set.", "example": "tb_test"},
    )
    title = Text(required=True, validate=validate.Length(1, 200))
    note = Text(load_default="", validate=validate.Length(max=2000))
    alternatives = fields.List(
        fields.List(fields.Nested(RequiredDocumentSchema), validate=validate.Length(max=10)),
        load_default=list,
        validate=validate.Length(max=10),
        metadata={"example": [[{"kind": "tb_test"}], [{"kind": "chest_xray"}]]},
    )
    due_days = fields.Integer(
        load_default=30,
        strict=True,
        validate=validate.Range(0, 365),
        metadata={"description": "By when it is due, in days before it is needed."},
    )
    blocks_start = fields.Boolean(
        load_default=True, metadata={"description": "Without it the rotation does not begin."}
    )
    omitted = fields.Boolean(
        load_default=False,
        metadata={"description": "In a listing's set: what the site asks for is not asked here."},
    )


class RequirementsArgs(StrictSchema):
    requirements = fields.List(
        fields.Nested(RequirementSchema), required=True, validate=validate.Length(max=60)
    )
    note = Text(load_default="", validate=validate.Length(max=2000))


class AdoptArgs(StrictSchema):
    keys = fields.List(
        Text(validate=validate.Regexp(rf"^{A_KEY}\Z")),
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=60),
        metadata={"description": "Which of the usual ones; all if left out."},
    )


class RequirementSetSchema(StrictSchema):
    """A whole set; version 0 is the empty one before the first."""

    version = fields.Integer(attribute="number")
    requirements = fields.List(fields.Nested(RequirementSchema))
    note = fields.String()
    made_by = fields.UUID(allow_none=True)
    made_at = fields.AwareDateTime(format="iso", allow_none=True)


class AskedSchema(RequirementSchema):
    """A requirement as a trainee reads it."""

    needs = fields.String(metadata={"description": "What would meet it, in words."})


class AskedSetSchema(StrictSchema):
    listing_id = fields.UUID()
    requirements = fields.List(fields.Nested(AskedSchema))


def asked(requirement: Requirement) -> dict[str, Any]:
    """A requirement with what would meet it in words."""
    return {**to_json(requirement), "needs": describe(requirement)}
