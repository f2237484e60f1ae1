"""What the routes of reports and benchmarks take and give."""

from typing import Any

from marshmallow import fields, validate

from marketplace.outcomes.schemas.match import EARLIEST, FIRST_YEAR, LAST_YEAR, LATEST
from marketplace.web.schemas import StrictSchema


def match_year(**kwargs: Any) -> fields.Integer:
    """A year of the Match; the first was held in 1952."""
    return fields.Integer(strict=True, validate=validate.Range(FIRST_YEAR, LAST_YEAR), **kwargs)


class RunArgs(StrictSchema):
    as_of = fields.AwareDateTime(
        load_default=None,
        validate=validate.Range(EARLIEST, LATEST),
        metadata={"description": "A moment that is past; now, if it is left out."},
    )
    public = fields.Boolean(
        load_default=False,
        metadata={"description": "Published, with small counts hidden."},
    )


class RunSchema(StrictSchema):
    """A frozen report without its figures; the hashes are null until a job has worked it out."""

    id = fields.UUID()
    match_year = fields.Integer()
    as_of = fields.AwareDateTime()
    public = fields.Boolean()
    k = fields.Integer(metadata={"description": "Counts below it are hidden if public."})
    asked_at = fields.AwareDateTime()
    asked_by = fields.UUID(allow_none=True, metadata={"description": "Who answers for it."})
    frozen_at = fields.AwareDateTime(allow_none=True)
    method_version = fields.String(allow_none=True)
    inputs_sha256 = fields.Function(
        lambda row: _hex(row.inputs_sha256), metadata={"type": ["string", "null"]}
    )
    result_sha256 = fields.Function(
        lambda row: _hex(row.result_sha256), metadata={"type": ["string", "null"]}
    )
    failure = fields.String(allow_none=True)


class YearsSchema(StrictSchema):
    match_years = fields.List(fields.Integer(), required=True)


class BenchmarkSchema(StrictSchema):
    match_year = fields.Integer()
    population = fields.String()
    metric = fields.String()
    specialty = fields.String(allow_none=True)
    numerator = fields.Integer(allow_none=True)
    denominator = fields.Integer(allow_none=True)
    denominator_counts = fields.String(allow_none=True)
    value = fields.Decimal(as_string=True)
    half_width = fields.Decimal(as_string=True)
    unit = fields.String()
    status = fields.String()
    source = fields.String()
    note = fields.String()


class BenchmarksSchema(StrictSchema):
    items = fields.List(fields.Nested(BenchmarkSchema), required=True)


class FramedSchema(StrictSchema):
    joined = fields.Integer(metadata={"description": "Trainees who were not in the frame yet."})


class WaveResponseSchema(StrictSchema):
    wave = fields.Integer()
    sent = fields.Integer(metadata={"description": "Links of this wave."})
    first_sent_at = fields.AwareDateTime(allow_none=True)
    interviews = fields.Integer(metadata={"description": "Disposition I, answered to this wave."})
    partials = fields.Integer(metadata={"description": "Disposition P, answered to this wave."})
    refusals = fields.Integer(metadata={"description": "Disposition R, answered to this wave."})


class DayResponseSchema(StrictSchema):
    day = fields.Date(metadata={"description": "In UTC."})
    responded = fields.Integer(metadata={"description": "First answered what counts then."})


class ResponseSchema(StrictSchema):
    """How a campaign is answered now."""

    match_year = fields.Integer()
    at = fields.AwareDateTime()
    closes_on = fields.String()
    frame = fields.Integer()
    eligible = fields.Integer()
    responded = fields.Integer(metadata={"description": "Dispositions I and P."})
    broken_off = fields.Integer(
        metadata={"description": "Saved something, but nothing that counts as an answer yet."}
    )
    dispositions = fields.Dict(keys=fields.String(), values=fields.Integer())
    rates = fields.Dict(
        keys=fields.String(), metadata={"description": "AAPOR's rates; null is 0/0."}
    )
    waves = fields.List(fields.Nested(WaveResponseSchema))
    days = fields.List(fields.Nested(DayResponseSchema))
    cumulative = fields.List(
        fields.Integer(), metadata={"description": "Responded by the end of each of `days`."}
    )


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()
