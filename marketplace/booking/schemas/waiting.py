"""What the routes of waiting lists take and give."""

from marshmallow import fields, validate

from marketplace.booking.schemas import a_day
from marketplace.booking.states import OfferState, WaitingState
from marketplace.web.schemas import PageArgs, StrictSchema


class WaitingJoinArgs(StrictSchema):
    listing_id = fields.UUID(required=True)
    first_day = a_day(
        required=True,
        metadata={"description": "A Monday at the site.", "example": "2027-02-01"},
    )
    weeks = fields.Integer(required=True, strict=True, validate=validate.Range(1, 52))


class WaitingListArgs(PageArgs):
    listing_id = fields.UUID(
        load_default=None, metadata={"description": "Only the list of this listing."}
    )


class SeatOfferSchema(StrictSchema):
    """A seat that is kept for you until a time, named in your own zone."""

    id = fields.UUID()
    state = fields.String(validate=validate.OneOf([state.value for state in OfferState]))
    made_at = fields.AwareDateTime(format="iso")
    expires_at = fields.AwareDateTime(format="iso")
    time_zone = fields.String(
        metadata={"description": "The zone of `expires_at_local`.", "example": "Asia/Kolkata"}
    )
    expires_at_local = fields.String(
        metadata={
            "description": "The deadline as your clock shows it, in the zone that it names.",
            "example": "2026-11-26 00:00 Asia/Kolkata",
        }
    )
    booking_id = fields.UUID(allow_none=True)


class WaitingPlaceSchema(StrictSchema):
    """A place in a list, without whose it is."""

    id = fields.UUID()
    state = fields.String(validate=validate.OneOf([state.value for state in WaitingState]))
    position = fields.Integer(
        allow_none=True,
        metadata={
            "description": "One more than those before you who wait for one of the same weeks;"
            " none once the entry has ended."
        },
    )
    listing_id = fields.UUID()
    listing_title = fields.String()
    site_id = fields.UUID()
    site_name = fields.String()
    first_day = fields.Date()
    last_day = fields.Date()
    weeks = fields.Integer()
    joined_at = fields.AwareDateTime(format="iso")
    no_offer_from = fields.AwareDateTime(
        format="iso",
        metadata={
            "description": "From then on no offer is made: the balance is due, the lead time is"
            " over, or a visa takes longer."
        },
    )
    offer = fields.Nested(SeatOfferSchema, allow_none=True)


class WaitingEntrySchema(WaitingPlaceSchema):
    trainee_id = fields.UUID()


class WaitingStepSchema(StrictSchema):
    number = fields.Integer()
    from_state = fields.String(allow_none=True)
    to_state = fields.String()
    at = fields.AwareDateTime(format="iso")
    actor_id = fields.UUID(allow_none=True)
    reason = fields.String()


class WaitingHistorySchema(StrictSchema):
    entry = fields.Nested(WaitingEntrySchema)
    steps = fields.List(fields.Nested(WaitingStepSchema))
