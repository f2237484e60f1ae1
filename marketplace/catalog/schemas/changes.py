"""The change feed as partners read it."""

from marshmallow import Schema, fields, validate

from marketplace.catalog.states import ChangeKind
from marketplace.web.schemas import StrictSchema, Text

MOST_CHANGES = 1000


class ChangesArgs(StrictSchema):
    """Where to go on."""

    after = Text(
        load_default=None,
        validate=validate.Length(max=500),
        metadata={
            "description": "`next_cursor` of the answer before. Without it nothing is listed:"
            " the answer is where the feed stands now, to begin from."
        },
    )
    limit = fields.Integer(load_default=200, validate=validate.Range(1, MOST_CHANGES))


class ChangeSchema(Schema):
    """A listing changed: read it again."""

    listing_id = fields.UUID(required=True)
    kind = fields.String(
        required=True, metadata={"enum": [kind.value for kind in ChangeKind], "example": "changed"}
    )
    at = fields.AwareDateTime(required=True)


class ChangesSchema(Schema):
    """A part of the feed, in order."""

    items = fields.List(fields.Nested(ChangeSchema), required=True)
    next_cursor = fields.String(
        required=True, metadata={"description": "Keep it, and ask with it as `after`."}
    )
    more = fields.Boolean(
        required=True, metadata={"description": "True: the next page has something already."}
    )
