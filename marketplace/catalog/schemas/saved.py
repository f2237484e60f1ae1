"""Saved searches: the filters of a search, validated as a search's are, under a name."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates

from marketplace.catalog.models.saved import MOST_SAVED
from marketplace.catalog.schemas.search import SearchArgs
from marketplace.web.schemas import StrictSchema, Text

LONGEST_NAME = 80


class SavedFiltersSchema(SearchArgs):
    """What `GET /listings` takes, without order and page: words as there, lists by commas."""

    class Meta(SearchArgs.Meta):
        exclude = ("limit", "cursor", "sort", "facets")


class SaveSearchSchema(StrictSchema):
    """A search to be told about."""

    name = Text(
        required=True,
        validate=validate.Length(min=1, max=LONGEST_NAME),
        metadata={"example": "Neurology in Illinois, four weeks in spring"},
    )
    filters = fields.Nested(
        SavedFiltersSchema,
        required=True,
        metadata={"example": {"specialty": "neurology", "state": "IL", "weeks": 4}},
    )

    @validates("name")
    def _one_line(self, value: str, **_: Any) -> None:
        if not value.isprintable():
            raise ValidationError("One line of text.")


def written(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Stored filters as they are sent: lists by commas."""
    return {
        name: ",".join(value) if isinstance(value, list) else value
        for name, value in filters.items()
    }


class SavedSearchSchema(Schema):
    """A saved search."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    filters = fields.Function(
        lambda row: written(row.filters),
        metadata={
            "type": "object",
            "description": "As they can be sent again.",
            "example": {"specialty": "neurology", "state": "IL", "weeks": 4},
        },
    )
    results = fields.Function(
        lambda row: f"/api/v1/listings?{urlencode(sorted(written(row.filters).items()))}",
        metadata={"type": "string", "description": "What it finds now."},
    )
    paused = fields.Boolean(required=True)
    newly_published_only = fields.Boolean(
        required=True,
        attribute="broad",
        metadata={
            "description": "It fitted too many listings to know each: you are told of those only"
            " that are first published later."
        },
    )
    since = fields.AwareDateTime(
        required=True, metadata={"description": "What fitted then is no news."}
    )
    version = fields.Integer(required=True)


class SavedSearchesSchema(Schema):
    """An account's saved searches, oldest first."""

    items = fields.List(fields.Nested(SavedSearchSchema), required=True)
    limit = fields.Integer(required=True, metadata={"example": MOST_SAVED})


class UnsubscribeArgs(StrictSchema):
    """The token of the mailed link; a mail program adds parameters of its own."""

    class Meta(StrictSchema.Meta):
        unknown = EXCLUDE

    token = fields.String(required=True, validate=validate.Length(min=20, max=100))


class UnsubscribedSchema(Schema):
    """What was done, or would be."""

    message = fields.String(required=True)
