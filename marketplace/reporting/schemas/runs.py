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


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()
