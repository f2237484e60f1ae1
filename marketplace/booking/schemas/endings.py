"""What the routes of no-shows and of force majeure take and give."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.booking.schemas import a_day
from marketplace.catalog.rules.places import STATES
from marketplace.web.schemas import MoneyField, PageArgs, StrictSchema, Text

DECISIONS = ["upheld", "reinstated", "refunded"]
RUN_STATES = ["planned", "running", "done"]
ITEM_STATES = ["pending", "done", "skipped", "failed"]


class DisputeArgs(StrictSchema):
    words = Text(
        required=True,
        validate=validate.Length(1, 4000),
        metadata={"description": "What happened, for the host and our staff."},
    )


class DecideNoShowArgs(StrictSchema):
    decision = fields.String(
        required=True,
        validate=validate.OneOf(DECISIONS),
        metadata={
            "description": "`upheld`: the terms apply. `reinstated`: the rotation goes on."
            " `refunded`: all that was paid goes back."
        },
    )
    reason = Text(required=True, validate=validate.Length(1, 2000))


class NoShowSchema(StrictSchema):
    """A mark that a trainee never came, and what became of it."""

    booking_id = fields.UUID()
    marked_at = fields.AwareDateTime(format="iso")
    host_says = fields.String(metadata={"description": "The host's words at the mark."})
    dispute_until = fields.AwareDateTime(format="iso")
    disputed_at = fields.AwareDateTime(format="iso", allow_none=True)
    dispute = fields.String(allow_none=True)
    decision = fields.String(allow_none=True, validate=validate.OneOf(DECISIONS))
    decided_at = fields.AwareDateTime(format="iso", allow_none=True)
    reason = fields.String(allow_none=True)


class ForceMajeureArgs(StrictSchema):
    """Days, and the places that they concern: states, sites, or both."""

    first_day = a_day(required=True)
    last_day = a_day(required=True)
    states = fields.List(
        fields.String(validate=validate.OneOf(sorted(STATES))),
        load_default=list,
        validate=validate.Length(max=60),
        metadata={"description": "Postal codes of states.", "example": ["TX", "LA"]},
    )
    site_ids = fields.List(fields.UUID(), load_default=list, validate=validate.Length(max=1000))
    reason = Text(
        required=True,
        validate=validate.Length(1, 1000),
        metadata={"description": "What trainees and hosts read."},
    )

    @validates_schema
    def fits_together(self, data: dict[str, Any], **_: Any) -> None:
        if data["last_day"] < data["first_day"]:
            raise ValidationError("The last day is before the first.", "last_day")
        if not data["states"] and not data["site_ids"]:
            raise ValidationError("Name states or sites.", "states")


class RunForceMajeureArgs(StrictSchema):
    code = Text(
        required=True,
        validate=validate.Length(1, 40),
        metadata={"description": "The code of the dry run that you looked at."},
    )


class ForceMajeureListArgs(PageArgs):
    state = fields.List(
        fields.String(validate=validate.OneOf(RUN_STATES)),
        load_default=list,
        metadata={"description": "Only these, `state=running&state=done`; all without it."},
    )


class ForceMajeureBookingsArgs(PageArgs):
    state = fields.List(
        fields.String(validate=validate.OneOf(ITEM_STATES)),
        load_default=list,
        metadata={"description": "Only these, `state=failed`; all without it."},
    )


class ForceMajeureListedSchema(StrictSchema):
    """What a run would do or has done."""

    id = fields.UUID()
    state = fields.String(validate=validate.OneOf(RUN_STATES))
    first_day = fields.Date()
    last_day = fields.Date()
    states = fields.List(fields.String())
    site_ids = fields.List(fields.UUID())
    reason = fields.String()
    bookings = fields.Integer(metadata={"description": "How many live bookings are touched."})
    refunds = fields.List(MoneyField(), metadata={"description": "What goes back, by currency."})
    notices = fields.Integer(metadata={"description": "How many e-mails are sent."})
    planned_at = fields.AwareDateTime(format="iso")
    good_until = fields.AwareDateTime(
        format="iso", metadata={"description": "Until when a dry run can be run."}
    )
    planned_by = fields.String(metadata={"description": "The name of who made the dry run."})
    run_by = fields.String(allow_none=True, metadata={"description": "The name of who ran it."})
    run_at = fields.AwareDateTime(format="iso", allow_none=True)
    done_at = fields.AwareDateTime(format="iso", allow_none=True)
    progress = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "Bookings by what became of them, once it runs."},
    )


class ForceMajeureSchema(ForceMajeureListedSchema):
    """What a run would do or has done; `code` confirms exactly this."""

    code = fields.String()


class ForceMajeureSiteSchema(StrictSchema):
    """One site in a run: its bookings by what became of them, and what went back."""

    site_id = fields.UUID()
    site_name = fields.String()
    bookings = fields.Integer()
    progress = fields.Dict(keys=fields.String(), values=fields.Integer())
    refunded = fields.List(MoneyField())


class ForceMajeureReportSchema(StrictSchema):
    """A run in sums: what was planned, what was done, and what needs a person."""

    run = fields.Nested(ForceMajeureListedSchema)
    refunded = fields.List(
        MoneyField(),
        metadata={
            "description": "What has gone back so far, by currency; `run.refunds` is the plan."
        },
    )
    to_do = fields.Integer(metadata={"description": "Bookings that wait for the job."})
    failed = fields.Integer(
        metadata={"description": "Bookings that need a person: `/bookings?state=failed`."}
    )
    sites = fields.List(fields.Nested(ForceMajeureSiteSchema))


class ForceMajeureBookingSchema(StrictSchema):
    booking_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(ITEM_STATES))
    at = fields.AwareDateTime(format="iso", allow_none=True)
    note = fields.String(allow_none=True)
    refund = MoneyField()
