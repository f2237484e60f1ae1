"""A trainee's applicant facts."""

from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates

from marketplace.identity.rules import (
    COUNTRIES,
    ApplicantType,
    Citizenship,
    Step1Result,
    VisaType,
)
from marketplace.identity.schemas.fields import (
    LONGEST_NAME,
    values_of,
)
from marketplace.web.schemas import StrictSchema, Text, page_of


class EnglishSchema(StrictSchema):
    """A test of English and its scores by part, such as OET's reading 380."""

    test = fields.String(
        required=True, validate=validate.OneOf(["oet", "toefl_ibt", "ielts", "native"])
    )
    taken_on = fields.String(
        load_default=None,
        allow_none=True,
        metadata={"format": "date", "description": "Kept as text, in a JSON column."},
    )
    scores = fields.Dict(
        keys=fields.String(
            validate=validate.OneOf(["overall", "listening", "reading", "writing", "speaking"])
        ),
        values=fields.Float(validate=validate.Range(0, 500)),
        load_default=dict,
        metadata={"example": {"listening": 370, "reading": 380, "writing": 350, "speaking": 360}},
    )

    @validates("taken_on")
    def _a_day(self, value: str | None, **_: Any) -> None:
        try:
            date.fromisoformat(value or "2000-01-01")
        except ValueError as error:
            raise ValidationError("Not a day such as 2026-03-31.") from error


class ProfileSchema(StrictSchema):
    """A trainee's applicant facts. Country of school, citizenship and visa are three questions."""

    school_name = Text(
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1, max=LONGEST_NAME),
        metadata={"example": "Grant Medical College"},
    )
    school_country = fields.String(
        required=True,
        validate=validate.OneOf(sorted(COUNTRIES), error="Not an ISO 3166-1 alpha-2 code."),
        metadata={"description": "Where the medical school is (ISO 3166-1).", "example": "IN"},
    )
    citizenship = fields.String(
        required=True,
        validate=values_of(Citizenship),
        metadata={
            "description": "As the NRMP asks: U.S. citizen, permanent resident of the United "
            "States (green card), or other.",
            "example": Citizenship.OTHER.value,
        },
    )
    needs_visa = fields.Boolean(required=True, truthy={True}, falsy={False})
    visa_type = fields.String(load_default=None, allow_none=True, validate=values_of(VisaType))
    graduation_date = fields.Date(
        required=True,
        metadata={"description": "Day of graduation, past or expected.", "example": "2025-03-31"},
    )
    step1_result = fields.String(
        load_default=Step1Result.NOT_TAKEN.value, validate=values_of(Step1Result)
    )
    step2_ck_score = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 300)
    )
    english = fields.Nested(EnglishSchema, load_default=None, allow_none=True)
    ecfmg_certified = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    target_specialty = Text(
        load_default=None, allow_none=True, validate=validate.Length(min=1, max=LONGEST_NAME)
    )
    match_year = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(2000, 2100)
    )

    applicant_type = fields.String(
        dump_only=True,
        validate=values_of(ApplicantType),
        metadata={
            "description": "As the NRMP counts. A permanent resident with a school abroad is "
            "non_us_img."
        },
    )
    version = fields.Integer(dump_only=True)
    updated_at = fields.AwareDateTime(dump_only=True)

    @validates("graduation_date")
    def _in_range(self, value: Any, **_: Any) -> None:
        if not 1950 <= value.year <= 2099:  # noqa: PLR2004 - the years are in the message
            raise ValidationError("Between 1950 and 2099.")


class ProfileRevisionSchema(Schema):
    """A profile as it was saved."""

    version = fields.Integer(required=True)
    recorded_at = fields.AwareDateTime(required=True)
    recorded_by = fields.UUID(required=True)
    data = fields.Dict(required=True)


ProfileRevisionPage = page_of(ProfileRevisionSchema)
