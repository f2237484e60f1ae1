"""What hosts and operators send and read: the import's plan, seats, states, reviews."""

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from marketplace.catalog.rules.cells import MOST_SEATS
from marketplace.catalog.schemas.listings import ListingSchema, ReasonSchema
from marketplace.web.schemas import StrictSchema, Text, page_of


class WhySchema(StrictSchema):
    """A reason, kept in the listing's history."""

    why = Text(required=True, validate=validate.Length(min=1, max=500))


class VersionSchema(Schema):
    """A change of a listing: who, when, what."""

    version = fields.Integer(required=True)
    account_id = fields.UUID(allow_none=True)
    recorded_at = fields.AwareDateTime(required=True)
    source = fields.String(required=True)
    difference = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    terms = fields.Dict(keys=fields.String(), values=fields.String())


class VersionsSchema(Schema):
    """The history of a listing's terms, the first one first."""

    items = fields.List(fields.Nested(VersionSchema), required=True)


class SetSeatsSchema(StrictSchema):
    """So many seats in every week from Monday to Monday."""

    first_week = fields.Date(required=True, metadata={"example": "2027-06-07"})
    last_week = fields.Date(required=True, metadata={"example": "2027-08-30"})
    capacity = fields.Integer(
        required=True, strict=True, validate=validate.Range(0, MOST_SEATS), metadata={"example": 2}
    )

    @validates_schema
    def check_order(self, data: dict[str, object], **_: object) -> None:
        first, last = str(data["first_week"]), str(data["last_week"])
        if first > last:
            raise ValidationError("Not before first_week.", "last_week")


class SeatsSchema(Schema):
    """A listing's calendar for its host; the ETag changes with every edit of capacity."""

    listing_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    weeks = fields.List(fields.Dict(), required=True)


class ReviewSchema(Schema):
    """A listing whose words contradict its duties, waiting for an operator."""

    id = fields.UUID(required=True)
    listing_id = fields.UUID(required=True)
    listing_version = fields.Integer(required=True)
    state = fields.String(required=True)
    conflicts = fields.List(fields.Nested(ReasonSchema), required=True)
    requested_by = fields.UUID(allow_none=True)
    requested_at = fields.AwareDateTime(required=True)
    listing = fields.Nested(ListingSchema, required=True)


class DecisionSchema(StrictSchema):
    """Approve these very words and duties, or send them back with a reason."""

    approve = fields.Boolean(required=True, truthy={True}, falsy={False})
    reason = Text(load_default="", validate=validate.Length(max=2000))


ListingPage = page_of(ListingSchema)
