"""Readiness, and the letter rate of a listing."""

from marshmallow import fields

from marketplace.web.schemas import StrictSchema


class AdviceSchema(StrictSchema):
    """What somebody published, and how far it can be trusted."""

    answer = fields.String()
    statement = fields.String()
    published_by = fields.String()
    interest = fields.String(
        allow_none=True, metadata={"description": "What its publisher sells to applicants."}
    )
    source = fields.String()
    status = fields.String(
        metadata={"description": "As in the registry of benchmarks: `primary` … `seed_only`."}
    )
    population = fields.String()
    specialty = fields.String(allow_none=True)
    year = fields.Integer(allow_none=True)
    low = fields.Float(allow_none=True)
    high = fields.Float(allow_none=True)
    unit = fields.String(allow_none=True)
    note = fields.String()


class PublishedAdviceSchema(StrictSchema):
    advice = fields.Nested(AdviceSchema)
    own = fields.Float(allow_none=True, metadata={"description": "Your figure, in its unit."})
    difference = fields.Float(
        allow_none=True,
        metadata={
            "description": "How far your figure is below (negative) or above the limits it names;"
            " 0 within them. No verdict: see who says it."
        },
    )


class ContradictionSchema(StrictSchema):
    question = fields.String()
    answers = fields.List(fields.Nested(AdviceSchema))


class ReadinessTopicSchema(StrictSchema):
    topic = fields.String()
    own = fields.Dict(metadata={"description": "Your own record, as docs/trainees/readiness.md."})
    published = fields.List(fields.Nested(PublishedAdviceSchema))
    contradictions = fields.List(fields.Nested(ContradictionSchema))
    missing = fields.List(fields.String(), metadata={"description": "What is not known here."})


class ReadinessSchema(StrictSchema):
    as_of = fields.AwareDateTime()
    applicant_type = fields.String()
    learner_status = fields.String()
    target_specialty = fields.String(allow_none=True)
    match_year = fields.Integer()
    topics = fields.List(fields.Nested(ReadinessTopicSchema))
    no_score = fields.String()


def _shown(kind: str, about: str) -> fields.Raw:
    """A figure, or `*` where it is hidden."""
    return fields.Raw(metadata={"type": [kind, "string"], "description": f"{about}; `*`: hidden."})


class LetterRateSchema(StrictSchema):
    listing_id = fields.UUID()
    as_of = fields.AwareDateTime(allow_none=True)
    completed = _shown("integer", "Completed rotations")
    with_letter = _shown("integer", "Those with a confirmed letter")
    rate = _shown("number", "The one over the other")
    lower = _shown("number", "The interval's lower limit")
    upper = _shown("number", "Its upper limit")
    method = fields.String()
    meaning = fields.String()
