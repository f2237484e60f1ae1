"""Listings that a trainee's own facts hide, and why."""

from marshmallow import Schema, fields

from marketplace.catalog.schemas.eligibility import RuleResultSchema
from marketplace.catalog.schemas.listings import ListingSummarySchema
from marketplace.catalog.schemas.search import SearchArgs
from marketplace.web.schemas import page_of


class HiddenArgs(SearchArgs):
    """The filters of a search; what they find is shown as far as your own facts hide it."""

    class Meta(SearchArgs.Meta):
        exclude = ("sort", "facets", "prerequisites")


class HiddenSchema(Schema):
    """A listing that you don't meet, for a rotation from `first_day`."""

    listing = fields.Nested(ListingSummarySchema, required=True)
    first_day = fields.Date(required=True)
    weeks = fields.Integer(required=True)
    results = fields.List(
        fields.Nested(RuleResultSchema),
        required=True,
        metadata={"description": "Every rule that blocks it: failed, or not known."},
    )
    earliest = fields.Date(
        allow_none=True,
        metadata={"description": "The first day on which none of them would; seats apart."},
    )


HiddenPage = page_of(HiddenSchema)
