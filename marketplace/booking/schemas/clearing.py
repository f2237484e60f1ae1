"""Clearance and the critical path of a booking, as both of its sides read them."""

from marshmallow import fields, validate

from marketplace.booking.states import BookingState
from marketplace.compliance.rules.clearance import ItemState
from marketplace.web.schemas import StrictSchema, Text

STATES = [state.value for state in BookingState]
A_KEY = Text(validate=validate.Length(1, 60))


class BookingDocumentsArgs(StrictSchema):
    document_ids = fields.List(fields.UUID(), required=True, validate=validate.Length(1, 100))


class RequirementWaiverArgs(StrictSchema):
    requirements = fields.List(
        A_KEY,
        required=True,
        validate=validate.Length(1, 60),
        metadata={"description": "Keys of the requirements.", "example": ["tb_test"]},
    )
    reason = Text(required=True, validate=validate.Length(1, 2000))


class ClearanceItemSchema(StrictSchema):
    """A requirement as it stands; `blocks` if the rotation would not begin because of it."""

    key = fields.String(attribute="requirement.key")
    title = fields.String(attribute="requirement.title")
    note = fields.String(attribute="requirement.note")
    needs = fields.String(metadata={"description": "What would meet it, in words."})
    state = fields.Enum(ItemState, by_value=True)
    reason = fields.String(metadata={"description": "Why it was rejected."})
    met = fields.Boolean()
    due_on = fields.Date()
    overdue = fields.Boolean()
    blocks_start = fields.Boolean(attribute="requirement.blocks_start")
    blocks = fields.Boolean()
    document_ids = fields.List(fields.UUID())


class ClearanceSchema(StrictSchema):
    """Whether the trainee is cleared; what is missing comes first, the most urgent before."""

    booking_id = fields.UUID()
    complete = fields.Boolean(metadata={"description": "Every requirement is met."})
    may_start = fields.Boolean(
        metadata={"description": "Nothing is missing that blocks the start."}
    )
    next_due_on = fields.Date(allow_none=True)
    items = fields.List(fields.Nested(ClearanceItemSchema))


class ClearanceSummarySchema(StrictSchema):
    booking_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(STATES))
    trainee_id = fields.UUID()
    trainee_name = fields.String()
    listing_title = fields.String()
    first_day = fields.Date()
    last_day = fields.Date()
    complete = fields.Boolean()
    may_start = fields.Boolean()
    next_due_on = fields.Date(allow_none=True)
    missing = fields.List(fields.String(), metadata={"description": "Keys, the most urgent first."})


class PathStepSchema(StrictSchema):
    key = fields.String()
    kind = fields.String(
        validate=validate.OneOf(["visa", "payment", "screening", "document", "rotation"])
    )
    title = fields.String()
    on = fields.Date(metadata={"description": "By this day, at the site."})
    state = fields.String(
        validate=validate.OneOf(["open", "done", "overdue", "passed"]),
        metadata={"description": "passed: the day is over, and only you know whether it is done."},
    )
    blocks = fields.Boolean()
    days_left = fields.Integer()


class PathSchema(StrictSchema):
    """What has to be done by when, by day; the last step is the rotation itself."""

    booking_id = fields.UUID()
    steps = fields.List(fields.Nested(PathStepSchema))
