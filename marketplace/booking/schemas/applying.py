"""Applications: what hosts ask, what trainees answer, and how it is decided."""

from typing import Any

from marshmallow import fields, validate

from marketplace.booking.rules import reasons
from marketplace.booking.rules.questions import KINDS, LONGEST_TEXT
from marketplace.booking.schemas import STATES, a_day
from marketplace.booking.states import UNDECIDED
from marketplace.web.schemas import PageArgs, StrictSchema, Text

A_KEY = r"^[a-z][a-z0-9_]{0,59}\Z"
TIERS = ("observership", "externship", "elective")


def answers(**kwargs: Any) -> fields.Dict:
    """Answers by the keys of the questions; each is checked against its question."""
    return fields.Dict(
        keys=Text(validate=validate.Length(1, 60)),
        values=fields.Raw(),
        validate=validate.Length(max=60),
        metadata={
            "description": "By the keys of the questions: a text, an option (or a list of them),"
            " or a number.",
            "example": {"why_here": "I want to see a county hospital.", "on_call": "yes"},
        },
        **kwargs,
    )


class SubmitArgs(StrictSchema):
    message = Text(
        load_default=None,
        validate=validate.Length(max=4000),
        metadata={"description": "What the host reads beside your profile."},
    )
    answers = answers(load_default=dict)
    questions_version = fields.Integer(
        load_default=None,
        strict=True,
        validate=validate.Range(min=0),
        metadata={
            "description": "The version of the host's questions that you have read; 0 if it asked none."
        },
    )


class DeclineArgs(StrictSchema):
    code = fields.String(
        load_default=reasons.OTHER,
        validate=validate.OneOf(list(reasons.DECLINE)),
        metadata={"description": "`other` needs your own words."},
    )
    reason = Text(load_default="", validate=validate.Length(max=2000))


class AskForMoreArgs(StrictSchema):
    text = Text(
        required=True,
        validate=validate.Length(1, 4000),
        metadata={"example": "Please add which months you spent on a ward."},
    )


class ApplicationAnswerArgs(StrictSchema):
    text = Text(required=True, validate=validate.Length(1, 4000))
    answers = answers(load_default=dict)


class ApplicationsArgs(PageArgs):
    state = fields.List(
        fields.String(validate=validate.OneOf(sorted(UNDECIDED))),
        load_default=list,
        data_key="state",
        attribute="states",
    )
    listing_id = fields.UUID(load_default=None)
    tier = fields.String(load_default=None, validate=validate.OneOf(TIERS))
    learner_status = fields.String(
        load_default=None, validate=validate.OneOf(["student", "graduate"])
    )
    first_day_from = a_day(load_default=None)
    first_day_to = a_day(load_default=None)


class HostQuestionSchema(StrictSchema):
    """What a host asks; `options` are of choices, `least`, `most`, `whole` of numbers."""

    key = Text(
        required=True,
        validate=validate.Regexp(A_KEY),
        metadata={"description": "Names it within the set.", "example": "why_here"},
    )
    text = Text(required=True, validate=validate.Length(1, 500))
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    required = fields.Boolean(load_default=True)
    help = Text(load_default="", validate=validate.Length(max=1000))
    options = fields.List(
        Text(validate=validate.Length(1, 200)),
        load_default=list,
        validate=validate.Length(max=50),
    )
    several = fields.Boolean(
        load_default=False, metadata={"description": "More than one option may be chosen."}
    )
    least = fields.Float(load_default=None, allow_none=True, allow_nan=False)
    most = fields.Float(load_default=None, allow_none=True, allow_nan=False)
    whole = fields.Boolean(load_default=False)
    longest = fields.Integer(
        load_default=LONGEST_TEXT, strict=True, validate=validate.Range(1, LONGEST_TEXT)
    )


class HostQuestionsArgs(StrictSchema):
    questions = fields.List(
        fields.Nested(HostQuestionSchema), required=True, validate=validate.Length(max=30)
    )
    note = Text(load_default="", validate=validate.Length(max=2000))


class HostQuestionSetSchema(StrictSchema):
    """A whole set; version 0 is the empty one before the first."""

    version = fields.Integer(attribute="number")
    questions = fields.List(fields.Nested(HostQuestionSchema))
    note = fields.String()
    made_by = fields.UUID(allow_none=True)
    made_at = fields.AwareDateTime(format="iso", allow_none=True)


class AskedQuestionsSchema(StrictSchema):
    """What applicants are asked now; its version is sent back with the answers."""

    listing_id = fields.UUID()
    version = fields.Integer(attribute="number")
    questions = fields.List(fields.Nested(HostQuestionSchema))


class ApplicationAnswerSchema(StrictSchema):
    key = fields.String()
    question = fields.String()
    answer = fields.Raw(allow_none=True)


class ApplicationSchema(StrictSchema):
    """An application with what the trainee has told that bears on the decision."""

    booking_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(sorted(UNDECIDED)))
    listing_id = fields.UUID()
    listing_title = fields.String()
    first_day = fields.Date()
    last_day = fields.Date()
    weeks = fields.Integer()
    decide_by = fields.AwareDateTime(
        format="iso",
        metadata={"description": "In more_asked: until when the trainee can answer."},
    )
    message = fields.String(allow_none=True)
    questions_version = fields.Integer(allow_none=True)
    answers = fields.List(fields.Nested(ApplicationAnswerSchema))
    trainee_id = fields.UUID()
    trainee_name = fields.String()
    tier = fields.String()
    learner_status = fields.String()
    school_name = fields.String(allow_none=True)
    school_country = fields.String()
    graduation_date = fields.Date()
    needs_visa = fields.Boolean()
    visa_type = fields.String(allow_none=True)
    step1_result = fields.String()
    step2_ck_score = fields.Integer(allow_none=True)
    target_specialty = fields.String(allow_none=True)


class ApplicationEntrySchema(StrictSchema):
    """What was said with a step of the booking, `number` being the step's."""

    number = fields.Integer()
    kind = fields.String(validate=validate.OneOf(["submitted", "more_asked", "answered"]))
    text = fields.String(attribute="body")
    answers = fields.List(fields.Nested(ApplicationAnswerSchema))
    questions_version = fields.Integer(allow_none=True)
    actor_id = fields.UUID()
    at = fields.AwareDateTime(format="iso")


class ApplicationConversationSchema(StrictSchema):
    booking_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(STATES))
    entries = fields.List(fields.Nested(ApplicationEntrySchema))


class DeclineReasonSchema(StrictSchema):
    code = fields.String()
    text = fields.String(metadata={"description": "What the trainee reads."})
