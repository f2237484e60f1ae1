"""What the routes of allocation rounds take and give."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.booking.schemas import a_day
from marketplace.booking.schemas.waiting import SeatOfferSchema
from marketplace.booking.states import RoundState
from marketplace.web.schemas import PageArgs, StrictSchema, Text

MOST_PLACES = 200
MOST_CHOICES = 50
MOST_RANKED = 5000
OUTCOMES = ("given", "filled", "refused", "left_out", "not_needed")


class RoundPlaceArgs(StrictSchema):
    listing_id = fields.UUID(required=True)
    first_day = a_day(required=True, metadata={"description": "A Monday at the site."})
    weeks = fields.Integer(required=True, strict=True, validate=validate.Range(1, 52))
    quota = fields.Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=validate.Range(1, 500),
        metadata={"description": "How many the round gives; none: all that are free each week."},
    )


class RoundOpenArgs(StrictSchema):
    title = Text(required=True, validate=validate.Length(1, 200))
    rank_by = fields.AwareDateTime(
        required=True, metadata={"description": "Until when trainees rank."}
    )
    run_at = fields.AwareDateTime(
        required=True, metadata={"description": "When it is run; hosts rank until then."}
    )
    decide_by = fields.AwareDateTime(
        required=True, metadata={"description": "Until when offers are answered."}
    )
    places = fields.List(
        fields.Nested(RoundPlaceArgs), required=True, validate=validate.Length(1, MOST_PLACES)
    )


class RoundsArgs(PageArgs):
    open = fields.Boolean(load_default=False, metadata={"description": "Only those to be ranked."})


class RoundPlaceSchema(StrictSchema):
    id = fields.UUID()
    listing_id = fields.UUID()
    listing_title = fields.String()
    site_id = fields.UUID()
    site_name = fields.String()
    first_day = fields.Date()
    weeks = fields.Integer()
    quota = fields.Integer()


class RoundSchema(StrictSchema):
    """A round; the seed of its lottery is told once it is decided, its SHA-256 from the start."""

    id = fields.UUID()
    title = fields.String()
    site_id = fields.UUID(allow_none=True)
    state = fields.String(validate=validate.OneOf([state.value for state in RoundState]))
    opened_at = fields.AwareDateTime(format="iso")
    rank_by = fields.AwareDateTime(format="iso")
    run_at = fields.AwareDateTime(format="iso")
    decide_by = fields.AwareDateTime(format="iso")
    seed_hash = fields.String()
    seed = fields.String(allow_none=True)
    places = fields.List(fields.Nested(RoundPlaceSchema))


class RankArgs(StrictSchema):
    choices = fields.List(
        fields.UUID(),
        required=True,
        validate=validate.Length(max=MOST_CHOICES),
        metadata={"description": "Ids of places, the best first; none takes you out."},
    )
    wait_if_unmatched = fields.Boolean(
        load_default=False,
        metadata={"description": "Join the waiting lists of your choices if you get none."},
    )


class RankingSchema(StrictSchema):
    round_id = fields.UUID()
    revision = fields.Integer()
    choices = fields.List(fields.UUID())
    wait_if_unmatched = fields.Boolean()
    ranked_at = fields.AwareDateTime(format="iso")


class ScoreArgs(StrictSchema):
    trainee_id = fields.UUID(required=True)
    score = fields.Integer(required=True, strict=True, validate=validate.Range(0, 1_000_000))


class OrderArgs(StrictSchema):
    """Tiers of equals, the best first; or scores, the highest first."""

    tiers = fields.List(
        fields.List(fields.UUID(), validate=validate.Length(1, MOST_RANKED)),
        load_default=None,
        validate=validate.Length(max=MOST_RANKED),
    )
    scores = fields.List(
        fields.Nested(ScoreArgs), load_default=None, validate=validate.Length(max=MOST_RANKED)
    )
    refused = fields.List(
        fields.UUID(),
        load_default=list,
        validate=validate.Length(max=MOST_RANKED),
        metadata={"description": "Who is not to come, though a seat stays empty."},
    )

    @validates_schema
    def one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if (data["tiers"] is None) == (data["scores"] is None):
            raise ValidationError("Give tiers or scores, one of the two.", "tiers")
        ids = [one["trainee_id"] for one in data["scores"] or ()]
        if len(set(ids)) != len(ids):
            raise ValidationError("A trainee has one score.", "scores")


class OrderSchema(StrictSchema):
    place_id = fields.UUID()
    revision = fields.Integer()
    tiers = fields.List(fields.List(fields.UUID()))
    refused = fields.List(fields.UUID())
    ordered_at = fields.AwareDateTime(format="iso")


class RoundApplicantSchema(StrictSchema):
    trainee_id = fields.UUID()
    name = fields.String()
    school_name = fields.String(allow_none=True)
    school_country = fields.String(allow_none=True)
    graduation_date = fields.Date(allow_none=True)
    needs_visa = fields.Boolean(allow_none=True)
    visa_type = fields.String(allow_none=True)
    step1_result = fields.String(allow_none=True)
    step2_ck_score = fields.Integer(allow_none=True)
    target_specialty = fields.String(allow_none=True)


class RoundApplicantsSchema(StrictSchema):
    place = fields.Nested(RoundPlaceSchema)
    applicants = fields.List(fields.Nested(RoundApplicantSchema))
    order = fields.Nested(OrderSchema, allow_none=True)


class RoundChoiceSchema(StrictSchema):
    """One of your choices, and why you got it or did not; nobody is named."""

    place = fields.Nested(RoundPlaceSchema)
    rank = fields.Integer()
    outcome = fields.String(validate=validate.OneOf(OUTCOMES))
    ahead = fields.Integer(metadata={"description": "How many were given it before you."})
    by_lottery = fields.Integer(
        metadata={"description": "How many of them the host had ranked the same as you."}
    )
    sentence = fields.String()


class RoundResultSchema(StrictSchema):
    round_id = fields.UUID()
    choices = fields.List(fields.Nested(RoundChoiceSchema))
    offer = fields.Nested(SeatOfferSchema, allow_none=True)
    ticket = fields.String(
        metadata={"description": "Your lot: SHA-256 of seed, colon and your id; the lowest first."}
    )


class RoundReasonArgs(StrictSchema):
    reason = Text(required=True, validate=validate.Length(1, 2000))


class DryRunArgs(StrictSchema):
    replays = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "Use what this run recorded, instead of what stands now."},
    )


class RoundRunSchema(StrictSchema):
    """A run: hashes of all that went in and of what came out, and the proof."""

    id = fields.UUID()
    dry = fields.Boolean()
    replays = fields.UUID(allow_none=True)
    method = fields.String()
    inputs_hash = fields.String()
    result_hash = fields.String()
    blocking_pairs = fields.Integer()
    trainees = fields.Integer()
    matched = fields.Integer()
    left_out = fields.Integer()
    ran_at = fields.AwareDateTime(format="iso")


class RoundRunAskedSchema(StrictSchema):
    round_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(["asked"]))
