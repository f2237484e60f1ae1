"""Hours, incident notes, safety reports, and the form of an evaluation."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from marketplace.outcomes.rules.hours import MOST_MINUTES, QUARTER
from marketplace.web.schemas import StrictSchema, Text

MOST_DAYS = 366
LONGEST_NOTE = 8000


def by_the_quarter(minutes: Any) -> None:
    if minutes % QUARTER:
        raise ValidationError(f"A multiple of {QUARTER} minutes.")


class WorkedArgs(StrictSchema):
    day = fields.Date(required=True)
    minutes = fields.Integer(
        required=True,
        strict=True,
        validate=[validate.Range(0, MOST_MINUTES), by_the_quarter],
        metadata={"multipleOf": QUARTER, "example": 480},
    )
    activity = Text(
        load_default="",
        validate=validate.Length(max=500),
        metadata={"description": "What was done, without anything about a patient."},
    )


class HoursArgs(StrictSchema):
    days = fields.List(
        fields.Nested(WorkedArgs), required=True, validate=validate.Length(1, MOST_DAYS)
    )


class SignArgs(StrictSchema):
    entries = fields.List(
        fields.UUID(),
        required=True,
        validate=validate.Length(1, MOST_DAYS),
        metadata={"description": "The ids of the entries as you read them."},
    )


class WithdrawArgs(SignArgs):
    reason = Text(
        required=True,
        validate=validate.Length(1, 1000),
        metadata={"description": "For the trainee, who is told."},
    )


class LoggedDaySchema(StrictSchema):
    id = fields.UUID(required=True)
    day = fields.Date(required=True)
    revision = fields.Integer(required=True)
    minutes = fields.Integer(required=True)
    activity = fields.String(required=True)
    logged_at = fields.AwareDateTime(required=True)
    signed_at = fields.AwareDateTime(required=True, allow_none=True)
    withdrawn_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "When the signature was withdrawn: it counts no more."},
    )


class WeekOfHoursSchema(StrictSchema):
    week = fields.Date(required=True)
    minutes = fields.Integer(required=True)
    signed_minutes = fields.Integer(required=True)


class HoursSchema(StrictSchema):
    booking_id = fields.UUID(required=True)
    days = fields.List(fields.Nested(LoggedDaySchema), required=True)
    weeks = fields.List(fields.Nested(WeekOfHoursSchema), required=True)
    minutes = fields.Integer(required=True)
    signed_minutes = fields.Integer(required=True)


class HappenedArgs(StrictSchema):
    happened_on = fields.Date(required=True)
    body = Text(
        required=True,
        validate=validate.Length(1, LONGEST_NOTE),
        metadata={"description": "What happened, without anything that names a patient."},
    )


class IncidentSchema(StrictSchema):
    id = fields.UUID(required=True)
    booking_id = fields.UUID(required=True)
    author_id = fields.UUID(required=True)
    happened_on = fields.Date(required=True)
    body = fields.String(required=True)
    recorded_at = fields.AwareDateTime(required=True)


class IncidentsSchema(StrictSchema):
    items = fields.List(fields.Nested(IncidentSchema), required=True)


class SafetyReportSchema(StrictSchema):
    id = fields.UUID(required=True)
    booking_id = fields.UUID(required=True)
    site_id = fields.UUID(required=True)
    trainee_id = fields.UUID(required=True)
    happened_on = fields.Date(required=True)
    body = fields.String(required=True)
    recorded_at = fields.AwareDateTime(required=True)


class SafetyReportsSchema(StrictSchema):
    items = fields.List(fields.Nested(SafetyReportSchema), required=True)


class CompetencySchema(StrictSchema):
    name = fields.String(required=True)
    title = fields.String(required=True)
    anchors = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "What one, three and five points mean."},
    )


class EvaluationFormSchema(StrictSchema):
    items = fields.List(fields.Nested(CompetencySchema), required=True)
