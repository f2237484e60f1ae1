"""Match outcomes."""

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.outcomes.rules.match import (
    FIELDS,
    LONGEST_NAME,
    MOST_INTERVIEWS,
    REJECTED,
    VERIFIED,
    MainResult,
    Provenance,
    SoapResult,
    result,
)
from marketplace.web.schemas import PageArgs, StrictSchema, Text

FIRST_YEAR, LAST_YEAR = 1952, 2100
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class ValuesSchema(StrictSchema):
    """Fields of an outcome; what is left out stays as it is."""

    registered = fields.Boolean()
    certified_rol = fields.Boolean()
    main_result = fields.String(validate=validate.OneOf([word.value for word in MainResult]))
    soap_result = fields.String(validate=validate.OneOf([word.value for word in SoapResult]))
    outside_match = fields.Boolean()
    program = Text(validate=validate.Length(1, LONGEST_NAME))
    specialty = Text(validate=validate.Length(1, LONGEST_NAME))
    interviews = fields.Integer(strict=True, validate=validate.Range(0, MOST_INTERVIEWS))

    @validates_schema
    def check(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Name at least one field.")


class OutcomeEntryArgs(StrictSchema):
    values = fields.Nested(ValuesSchema, required=True)
    source = fields.String(
        required=True,
        validate=validate.OneOf([source.value for source in Provenance]),
        metadata={"description": "How it is known now."},
    )
    evidence = Text(
        required=True,
        validate=validate.Length(1, 2000),
        metadata={"description": "What was seen, where and by whom."},
    )


class DecisionArgs(StrictSchema):
    """What a verifier says of entries that count: how they are known, or that they are taken back."""

    entries = fields.List(fields.UUID(), required=True, validate=validate.Length(1, len(FIELDS)))
    decision = fields.String(
        required=True,
        validate=validate.OneOf([*sorted(VERIFIED), Provenance.DISPUTED.value, REJECTED]),
    )
    evidence = Text(required=True, validate=validate.Length(1, 2000))


class RetractionArgs(StrictSchema):
    reason = Text(required=True, validate=validate.Length(1, 2000))


class OutcomeArgs(StrictSchema):
    as_of = fields.AwareDateTime(
        load_default=None,
        validate=validate.Range(EARLIEST, LATEST),
        metadata={"description": "As it was known then; now, if it is left out."},
    )


class RecordsArgs(PageArgs):
    match_year = fields.Integer(required=True, validate=validate.Range(FIRST_YEAR, LAST_YEAR))
    external_id = Text(load_default=None, validate=validate.Length(1, 100))
    source = fields.String(
        load_default=None,
        validate=validate.OneOf([source.value for source in Provenance]),
        metadata={"description": "How the result of the algorithm is known: what to verify."},
    )


class OutcomeEntrySchema(StrictSchema):
    id = fields.UUID()
    field = fields.String()
    old_value = fields.String(allow_none=True)
    new_value = fields.String(allow_none=True)
    provenance = fields.String()
    evidence = fields.String()
    retracts_id = fields.UUID(allow_none=True)
    recorded_at = fields.AwareDateTime()


class OutcomeSchema(StrictSchema):
    id = fields.UUID()
    person_id = fields.UUID()
    match_year = fields.Integer()
    registered = fields.Boolean(allow_none=True)
    certified_rol = fields.Boolean(allow_none=True)
    main_result = fields.String(allow_none=True)
    soap_result = fields.String(allow_none=True)
    outside_match = fields.Boolean(allow_none=True)
    program = fields.String(allow_none=True)
    specialty = fields.String(allow_none=True)
    interviews = fields.Integer(allow_none=True)
    result = fields.Function(
        lambda row: result({name: getattr(row, name) for name in FIELDS}).value,
        metadata={"type": "string", "description": "The outcome in one word, for people."},
    )
    provenance = fields.Dict(keys=fields.String(), values=fields.String())
    changed_at = fields.AwareDateTime()


class LikelyNameSchema(StrictSchema):
    """What a text may stand for: the words are alike, no more is known."""

    code = fields.String()
    name = fields.String()
    score = fields.Float(metadata={"description": "Likeness of the words: 100 is the same."})


class WrittenNameSchema(StrictSchema):
    text = fields.String(allow_none=True, metadata={"description": "As it was written."})
    listed = fields.Boolean()
    proposals = fields.List(fields.Nested(LikelyNameSchema))


class WrittenNamesSchema(StrictSchema):
    program = fields.Nested(WrittenNameSchema)
    specialty = fields.Nested(WrittenNameSchema)


class ProgramsArgs(StrictSchema):
    q = Text(required=True, validate=validate.Length(2, LONGEST_NAME))


class LikelyProgramsSchema(StrictSchema):
    items = fields.List(fields.Nested(LikelyNameSchema))


class OutcomesSchema(StrictSchema):
    items = fields.List(fields.Nested(OutcomeSchema), required=True)


class KnownSchema(StrictSchema):
    """A value and how it was known."""

    value = fields.Raw(allow_none=True)
    provenance = fields.String()


class HistorySchema(StrictSchema):
    outcome = fields.Nested(OutcomeSchema)
    as_of = fields.AwareDateTime()
    known = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(KnownSchema),
        metadata={"description": "What was known at `as_of`."},
    )
    entries = fields.List(fields.Nested(OutcomeEntrySchema))
