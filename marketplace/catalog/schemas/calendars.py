"""What hosts send and read of their calendars: pools, edits, their history, holidays."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from marketplace.catalog.rules.edits import MOST_SEATS, MOST_WEEKS, Action
from marketplace.catalog.schemas.words import REACH
from marketplace.catalog.states import EditKind
from marketplace.web.schemas import PageArgs, StrictSchema, Text, page_of

WHY = {"description": "Kept in the history.", "example": "Dr. Okafor is away in July."}


def a_week(**kwargs: Any) -> fields.Date:
    """A Monday, within the reach of calendars that people keep; the service refuses other days."""
    return fields.Date(validate=REACH, **kwargs)


class WeeksArgs(StrictSchema):
    """Which weeks: so many from the one that `first_week` lies in, or from this one."""

    first_week = a_week(load_default=None)
    weeks = fields.Integer(load_default=26, validate=validate.Range(0, MOST_WEEKS))


class PoolsArgs(PageArgs, WeeksArgs):
    """A page of pools, each with its weeks."""


class CalendarArgs(WeeksArgs):
    """One pool, one listing, or the whole site where neither is named."""

    pool_id = fields.UUID(load_default=None)
    listing_id = fields.UUID(load_default=None)

    @validates_schema
    def one_of(self, data: dict[str, Any], **_: Any) -> None:
        _not_both(data)


class EditsArgs(PageArgs):
    """The edits of one pool, of one listing, or of the whole site."""

    pool_id = fields.UUID(load_default=None)
    listing_id = fields.UUID(load_default=None)

    @validates_schema
    def one_of(self, data: dict[str, Any], **_: Any) -> None:
        _not_both(data)


class EditSchema(StrictSchema):
    """An edit over weeks of one pool, one listing, or the whole site where neither is named.

    Nothing is changed unless `commit` is true.
    """

    pool_id = fields.UUID(load_default=None, allow_none=True)
    listing_id = fields.UUID(load_default=None, allow_none=True)
    first_week = a_week(
        load_default=None, metadata={"description": "A Monday.", "example": "2027-06-07"}
    )
    last_week = a_week(
        load_default=None, metadata={"description": "A Monday.", "example": "2027-08-30"}
    )
    every = fields.Integer(
        load_default=1,
        strict=True,
        validate=validate.Range(1, MOST_WEEKS),
        metadata={"description": "Every n-th week from `first_week` on."},
    )
    weeks = fields.List(
        a_week(),
        load_default=None,
        validate=validate.Length(1, MOST_WEEKS),
        metadata={"description": "These Mondays, instead of a range."},
    )
    action = fields.String(
        required=True,
        validate=validate.OneOf([action.value for action in Action]),
        metadata={
            "description": "Set the number of seats, add to it (or take off), close, or open.",
            "example": "set",
        },
    )
    seats = fields.Integer(
        load_default=None,
        strict=True,
        validate=validate.Range(-MOST_SEATS, MOST_SEATS),
        metadata={"description": "For `set` and `add`.", "example": 2},
    )
    why = Text(load_default="", validate=validate.Length(max=500), metadata=WHY)
    commit = fields.Boolean(load_default=False, truthy={True}, falsy={False})

    @validates_schema
    def fits_together(self, data: dict[str, Any], **_: Any) -> None:
        _not_both(data)
        named = data.get("weeks") is not None
        ends = [data.get("first_week"), data.get("last_week")]
        if named == any(ends) or (not named and not all(ends)):
            raise ValidationError("Name first_week and last_week, or weeks.", "weeks")
        counted = data.get("action") in (Action.SET, Action.ADD)
        if counted != (data.get("seats") is not None):
            raise ValidationError("Give seats with `set` and `add`, and only there.", "seats")
        if data.get("action") == Action.SET and data["seats"] < 0:
            raise ValidationError("From 0 on.", "seats")


class UndoSchema(StrictSchema):
    """Undo an edit; nothing is changed unless `commit` is true."""

    why = Text(load_default="", validate=validate.Length(max=500), metadata=WHY)
    commit = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class WeekStateSchema(Schema):
    """`seats` are those that the week has when it is open."""

    seats = fields.Integer(required=True)
    closed = fields.Boolean(required=True)


class WeekRunSchema(Schema):
    """Consecutive weeks that are changed alike."""

    first_week = fields.Date(required=True)
    last_week = fields.Date(required=True)
    before = fields.Nested(WeekStateSchema, required=True)
    after = fields.Nested(WeekStateSchema, required=True)


class PoolChangeSchema(Schema):
    """What becomes of a pool's weeks."""

    pool_id = fields.UUID(required=True)
    name = fields.String(required=True)
    runs = fields.List(fields.Nested(WeekRunSchema), required=True)


class ClosingSchema(Schema):
    """Which weeks are closed and opened for one listing."""

    listing_id = fields.UUID(required=True)
    external_id = fields.String(required=True)
    title = fields.String(required=True)
    closed = fields.List(fields.Date(), required=True)
    opened = fields.List(fields.Date(), required=True)


class ObstacleSchema(Schema):
    """A week that can't become what was asked, and how many seats are taken in it."""

    code = fields.String(required=True, metadata={"example": "capacity_below_taken"})
    pool_id = fields.UUID(required=True, allow_none=True)
    listing_id = fields.UUID(required=True, allow_none=True)
    week = fields.Date(required=True)
    taken = fields.Integer(required=True)


class HolderSchema(Schema):
    """A booking that has seats; the trainee is named from the application or payment on."""

    booking_id = fields.UUID(required=True)
    listing_id = fields.UUID(required=True)
    state = fields.String(required=True)
    trainee_name = fields.String(required=True, allow_none=True)
    weeks = fields.List(fields.Date(), required=True)


class EditPlanSchema(Schema):
    """What an edit would change, or did where `committed`; nothing may where there are obstacles.

    `edit_id` is none where there was nothing to change.
    """

    committed = fields.Boolean(required=True)
    edit_id = fields.UUID(required=True, allow_none=True)
    pools = fields.List(fields.Nested(PoolChangeSchema), required=True)
    listings = fields.List(fields.Nested(ClosingSchema), required=True)
    obstacles = fields.List(fields.Nested(ObstacleSchema), required=True)
    bookings = fields.List(fields.Nested(HolderSchema), required=True)


class EditorSchema(Schema):
    """An account that edits."""

    account_id = fields.UUID(required=True)
    name = fields.String(required=True)


class PoolEditSchema(Schema):
    """What an edit made of one pool; `version` is the pool's after it."""

    pool_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    runs = fields.List(fields.Nested(WeekRunSchema), required=True)


class ListingEditSchema(Schema):
    """Which weeks an edit closed and opened for one listing; `version` is the listing's after it."""

    listing_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    closed = fields.List(fields.String(), required=True)
    opened = fields.List(fields.String(), required=True)


class PastEditSchema(Schema):
    """An edit that was made: who, when, why, what was asked and what it changed."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in EditKind]))
    edited_by = fields.Nested(EditorSchema, required=True, allow_none=True)
    recorded_at = fields.AwareDateTime(required=True, format="iso")
    why = fields.String(required=True)
    asked = fields.Dict(required=True)
    undoes = fields.UUID(required=True, allow_none=True)
    undone_by = fields.UUID(required=True, allow_none=True)
    undoable = fields.Boolean(required=True)
    pools = fields.List(fields.Nested(PoolEditSchema), required=True)
    listings = fields.List(fields.Nested(ListingEditSchema), required=True)


class SumWeekSchema(Schema):
    """A week of all the pools together."""

    week = fields.Date(required=True)
    seats = fields.Integer(required=True)
    taken = fields.Integer(required=True)
    free = fields.Integer(required=True)
    closed_pools = fields.Integer(required=True)
    closed_listings = fields.Integer(required=True)


class CalendarSchema(Schema):
    """Calendars as one; the ETag is what an edit of them must send."""

    pools = fields.Integer(required=True, metadata={"description": "How many."})
    listings = fields.Integer(
        required=True,
        metadata={"description": "How many an edit would close weeks of: none, for a pool."},
    )
    edited_at = fields.AwareDateTime(required=True, allow_none=True, format="iso")
    edited_by = fields.UUID(required=True, allow_none=True)
    weeks = fields.List(fields.Nested(SumWeekSchema), required=True)


class NewPoolSchema(StrictSchema):
    """A pool without seats yet; with a preceptor it is for listings that they teach."""

    name = Text(required=True, validate=validate.Length(1, 200), metadata={"example": "Ward 4"})
    preceptor_id = fields.UUID(load_default=None, allow_none=True)


class PoolNameSchema(StrictSchema):
    """Another name of a pool."""

    name = Text(required=True, validate=validate.Length(1, 200), metadata={"example": "Ward 4"})


class ShareSchema(StrictSchema):
    """Listings that are to draw on a pool: besides those that they have, or alone."""

    listing_ids = fields.List(fields.UUID(), required=True, validate=validate.Length(1, 100))
    alone = fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "On this pool instead of those that they have."},
    )
    why = Text(load_default="", validate=validate.Length(max=500), metadata=WHY)


class PoolWeekSchema(WeekStateSchema):
    """A pool's week; `seats` are those that it has when it is open."""

    week = fields.Date(required=True)
    taken = fields.Integer(required=True)
    free = fields.Integer(required=True)


class DrawingSchema(Schema):
    """A listing that draws on a pool."""

    listing_id = fields.UUID(required=True)
    external_id = fields.String(required=True)
    title = fields.String(required=True)
    listing_state = fields.String(required=True)


class PoolSchema(Schema):
    """Seats, and the listings that draw on them."""

    id = fields.UUID(required=True)
    site_id = fields.UUID(required=True)
    preceptor_id = fields.UUID(required=True, allow_none=True)
    name = fields.String(required=True)
    version = fields.Integer(required=True)
    listings = fields.List(fields.Nested(DrawingSchema), required=True)
    weeks = fields.List(fields.Nested(PoolWeekSchema), required=True)


class HolidaySchema(Schema):
    """A day, its name, and whether the whole country has it."""

    day = fields.Date(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["federal", "state"]))


class HolidayWeekSchema(Schema):
    """A week with holidays, and how many of the site's listings are closed in it already."""

    week = fields.Date(required=True)
    holidays = fields.List(fields.Nested(HolidaySchema), required=True)
    closed_listings = fields.Integer(required=True)


class HolidaysSchema(Schema):
    """Suggestions: nothing is closed by them."""

    country = fields.String(required=True)
    state = fields.String(required=True)
    listings = fields.Integer(required=True, metadata={"description": "How many the site has."})
    weeks = fields.List(fields.Nested(HolidayWeekSchema), required=True)


PastEditPage = page_of(PastEditSchema)
PoolPage = page_of(PoolSchema)


def _not_both(data: dict[str, Any]) -> None:
    if data.get("pool_id") and data.get("listing_id"):
        raise ValidationError("Name a pool or a listing, not both.", "listing_id")
