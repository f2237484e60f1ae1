"""Cohorts as schools send and read them."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from marketplace.booking.rules.cohorts import MOST_STUDENTS, CohortState
from marketplace.booking.schemas import STATES, a_day
from marketplace.web.schemas import MoneyField, StrictSchema, Text, page_of

COHORT_STATES = [state.value for state in CohortState]
ANSWERS = ["waiting", "agreed", "declined"]


class CohortArgs(StrictSchema):
    """Places in the same weeks of one listing, for students who are linked to the school."""

    name = Text(
        required=True, validate=validate.Length(1, 200), metadata={"example": "Sixth year, March"}
    )
    listing_id = fields.UUID(required=True)
    first_day = a_day(
        required=True,
        metadata={"description": "A Monday at the site.", "example": "2027-02-01"},
    )
    weeks = fields.Integer(required=True, strict=True, validate=validate.Range(1, 52))
    student_ids = fields.List(
        fields.UUID(), required=True, validate=validate.Length(1, MOST_STUDENTS)
    )

    @validates_schema
    def each_once(self, data: dict[str, Any], **_: Any) -> None:
        if len(set(data["student_ids"])) < len(data["student_ids"]):
            raise ValidationError("A student is named twice.", "student_ids")


class CohortSubmitArgs(StrictSchema):
    """What is said to the host with each application."""

    message = Text(load_default=None, validate=validate.Length(max=4000))
    answers = fields.Dict(keys=fields.String(), load_default=dict)
    questions_version = fields.Integer(load_default=None, strict=True, allow_none=True)


class CohortInvoiceArgs(StrictSchema):
    without = fields.List(
        fields.UUID(),
        load_default=list,
        validate=validate.Length(max=MOST_STUDENTS),
        metadata={"description": "Bookings of students who have not answered: given up."},
    )


class CohortAnswerArgs(StrictSchema):
    agreed = fields.Boolean(required=True, truthy={True}, falsy={False})


class CohortReasonArgs(StrictSchema):
    reason = Text(required=True, validate=validate.Length(1, 1000))


class CohortSchema(StrictSchema):
    id = fields.UUID()
    name = fields.String()
    school_id = fields.UUID()
    listing_id = fields.UUID()
    first_day = fields.Date()
    weeks = fields.Integer()
    state = fields.String(validate=validate.OneOf(COHORT_STATES))
    answer_by = fields.AwareDateTime(format="iso")
    made_at = fields.AwareDateTime(format="iso")
    invoice_id = fields.UUID(
        allow_none=True, metadata={"description": "The newest one, whatever became of it."}
    )


class CohortPlaceSchema(StrictSchema):
    student_id = fields.UUID(attribute="place.student_id")
    student_name = fields.String()
    answer = fields.String(attribute="place.answer", validate=validate.OneOf(ANSWERS))
    booking_id = fields.UUID(attribute="booking.id")
    replaces_id = fields.UUID(
        attribute="place.replaces_id",
        allow_none=True,
        metadata={"description": "The booking that it took over from, if it did."},
    )
    state = fields.String(attribute="booking.state", validate=validate.OneOf(STATES))
    listing_title = fields.String(attribute="booking.listing_title")
    site_name = fields.String(attribute="booking.site_name")
    first_day = fields.Date(attribute="booking.first_day")
    last_day = fields.Date(attribute="booking.last_day")
    hold_expires_at = fields.AwareDateTime(
        attribute="booking.hold_expires_at", format="iso", allow_none=True
    )
    total = MoneyField(attribute="booking.total")
    paid = MoneyField(attribute="booking.paid")
    policy = fields.String(attribute="booking.policy_key")


class CohortDetailSchema(StrictSchema):
    cohort = fields.Nested(CohortSchema)
    places = fields.List(fields.Nested(CohortPlaceSchema))


CohortPage = page_of(CohortSchema)
