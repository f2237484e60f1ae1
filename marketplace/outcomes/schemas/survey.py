"""The survey."""

from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.identity.service import bounces
from marketplace.outcomes.schemas.match import FIRST_YEAR, LAST_YEAR
from marketplace.web.schemas import StrictSchema, Text

# Days within the reach of calendars that people keep.
KEPT = validate.Range(date(2000, 1, 1), date(2100, 1, 1))


class CampaignArgs(StrictSchema):
    """The three days of a campaign, in their order."""

    match_year = fields.Integer(
        required=True, strict=True, validate=validate.Range(FIRST_YEAR, LAST_YEAR)
    )
    opens_on = fields.Date(required=True, validate=KEPT)
    closes_on = fields.Date(required=True, validate=KEPT)
    freeze_on = fields.Date(required=True, validate=KEPT)

    @validates_schema
    def check(self, data: dict[str, Any], **_: Any) -> None:
        if not data["opens_on"] <= data["closes_on"] <= data["freeze_on"]:
            raise ValidationError("Opens, closes and freezes in this order.", "freeze_on")


class CampaignSchema(StrictSchema):
    id = fields.UUID()
    match_year = fields.Integer()
    questionnaire_version = fields.String()
    opens_on = fields.Date()
    closes_on = fields.Date()
    freeze_on = fields.Date()
    framed_at = fields.AwareDateTime(allow_none=True)


class WaveSchema(StrictSchema):
    wave = fields.Integer(metadata={"description": "Which wave is being sent."})


class BouncesArgs(StrictSchema):
    emails = fields.List(
        fields.String(validate=validate.Length(min=3, max=254)),
        required=True,
        validate=validate.Length(min=1, max=100),
    )


class BouncedSchema(StrictSchema):
    recorded = fields.Integer(metadata={"description": "Members who are bounced from now on."})
    not_found = fields.List(fields.String())


class BounceSchema(StrictSchema):
    """What became of a mail that was handed on."""

    outcome = fields.String(
        required=True,
        validate=validate.OneOf([one.value for one in bounces.Outcome]),
        metadata={
            "description": "`ignored`: late or arrived; `not_ours`: it names no message of ours."
        },
    )


WHOM = "By the e-mail address of the account, its id, or the person's id in an export."


class MarkArgs(StrictSchema):
    trainee_id = Text(
        required=True, validate=validate.Length(1, 254), metadata={"description": WHOM}
    )
    flag = fields.String(
        required=True,
        validate=validate.OneOf(["deceased", "duplicate", "ok"]),
        metadata={"description": "`ok` takes back what was recorded before."},
    )
    duplicate_of = Text(
        load_default=None,
        validate=validate.Length(1, 254),
        metadata={"description": f"The row that goes on to count. {WHOM}"},
    )
    reason = Text(
        required=True,
        validate=validate.Length(1, 2000),
        metadata={"description": "How it is known."},
    )


class MarkSchema(StrictSchema):
    id = fields.UUID()
    person_id = fields.UUID(metadata={"description": "As in an export."})
    account_id = fields.UUID(allow_none=True)
    flag = fields.String()
    duplicate_of = fields.UUID(
        allow_none=True, metadata={"description": "The person whose row goes on to count."}
    )
    reason = fields.String()
    recorded_by = fields.UUID()
    recorded_at = fields.AwareDateTime()


class QuestionSchema(StrictSchema):
    name = fields.String()
    text = fields.String()
    texts = fields.Dict(
        keys=fields.String(), metadata={"description": "The question by language: en, es."}
    )
    kind = fields.String()
    options = fields.List(fields.String())
    page = fields.Integer(metadata={"description": "The page that it stands on, from 1."})


class SheetSchema(StrictSchema):
    match_year = fields.Integer()
    questionnaire_version = fields.String()
    closes_at = fields.AwareDateTime()
    version = fields.Integer(metadata={"description": "Send it back when you save."})
    answers = fields.Dict(keys=fields.String())
    complete = fields.Boolean()
    questions = fields.List(fields.Nested(QuestionSchema))


class AnswersArgs(StrictSchema):
    version = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(0, 1_000_000),
        metadata={"description": "The version that these answers were made from."},
    )
    answers = fields.Dict(
        keys=fields.String(validate=validate.Length(max=60)),
        required=True,
        metadata={"description": "All answers so far; `refused` where one is not given."},
    )
    complete = fields.Boolean(required=True)
