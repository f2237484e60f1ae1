"""The calendar of a Match season."""

from datetime import date

from marshmallow import fields, validate

from marketplace.web.schemas import StrictSchema


class SeasonsSchema(StrictSchema):
    match_years = fields.List(fields.Integer())


class SeasonArgs(StrictSchema):
    as_of = fields.Date(
        load_default=None,
        validate=validate.Range(date(2000, 1, 1), date(2100, 1, 1)),
        metadata={"description": "The calendar as it was known on this day; today if left out."},
    )


class SaidSchema(StrictSchema):
    """What one source says."""

    kind = fields.String()
    first_day = fields.Date(allow_none=True)
    last_day = fields.Date(allow_none=True)
    status = fields.String(
        metadata={"description": "`primary`: the publisher's own; `disputed` counts for nothing."}
    )
    source = fields.String()
    recorded_on = fields.Date()
    note = fields.String()


class SeasonDateSchema(StrictSchema):
    kind = fields.String(attribute="entry.kind")
    title = fields.String()
    first_day = fields.Date()
    last_day = fields.Date()
    exact = fields.Boolean(
        metadata={"description": "False: a span within which the day lies that nobody has named."}
    )
    at = fields.AwareDateTime(allow_none=True)
    status = fields.String(attribute="entry.status")
    source = fields.String(attribute="entry.source")
    recorded_on = fields.Date(attribute="entry.recorded_on")
    note = fields.String(attribute="entry.note")
    others = fields.List(
        fields.Nested(SaidSchema), metadata={"description": "Sources that say otherwise."}
    )


class SeasonSchema(StrictSchema):
    match_year = fields.Integer()
    time_zone = fields.String()
    dates = fields.List(fields.Nested(SeasonDateSchema))
    disputed = fields.List(fields.Nested(SaidSchema))
    not_known = fields.List(
        fields.String(), metadata={"description": "Kinds of which no source named a date."}
    )
    not_announced = fields.List(
        fields.Nested(SaidSchema),
        metadata={"description": "Of those: which page was looked at in vain, and on which day."},
    )
