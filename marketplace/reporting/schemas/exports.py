"""What the routes of exports take and give."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marshmallow import ValidationError, fields, validate

from marketplace.outcomes.schemas.match import EARLIEST, LATEST
from marketplace.reporting.rules.codebook import PROFILES
from marketplace.reporting.schemas.runs import match_year
from marketplace.reporting.service.exports import FORMATS
from marketplace.web.schemas import StrictSchema, Text

REASON = validate.Length(8, 500)
# Read alike by Python and by JSON Schema: no line break after the end.
FOLDER = r"^[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?$(?!\n)"


def _formats() -> fields.List[str]:
    return fields.List(
        fields.String(validate=validate.OneOf(FORMATS)),
        load_default=lambda: ["csv"],
        validate=validate.Length(max=len(FORMATS)),
        metadata={"description": "CSV is always among them; the codebook comes with all."},
    )


def _year() -> fields.Integer:
    return match_year(
        load_default=None, allow_none=True, metadata={"description": "All years, if left out."}
    )


def _reason() -> Text:
    return Text(
        load_default=None,
        allow_none=True,
        validate=REASON,
        metadata={"description": "What an identified export is for; it is recorded."},
    )


class ExportArgs(StrictSchema):
    match_year = _year()
    profile = fields.String(load_default="pii_free", validate=validate.OneOf(list(PROFILES)))
    formats = _formats()
    reason = _reason()
    as_of = fields.AwareDateTime(
        load_default=None,
        allow_none=True,
        validate=validate.Range(EARLIEST, LATEST),
        metadata={"description": "A moment that is past; now, if it is left out."},
    )
    compared_with = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "An earlier export; the difference from it comes as files."},
    )


class ExportFileSchema(StrictSchema):
    """A file; where it is kept is nobody's business."""

    name = fields.String()
    media_type = fields.String()
    size = fields.Integer()
    sha256 = fields.String()
    texts_cut = fields.Integer(
        dump_default=0, metadata={"description": "Texts longer than the format has room for."}
    )


class ExportSchema(StrictSchema):
    id = fields.UUID()
    match_year = fields.Integer(allow_none=True)
    profile = fields.String()
    formats = fields.List(fields.String())
    reason = fields.String(allow_none=True)
    compared_with = fields.UUID(allow_none=True)
    as_of = fields.AwareDateTime()
    state = fields.String()
    step = fields.String(allow_none=True, metadata={"description": "What is being made now."})
    rows_done = fields.Integer(metadata={"description": "Rows of the step that are written."})
    row_count = fields.Integer(allow_none=True)
    files = fields.List(fields.Nested(ExportFileSchema), allow_none=True)
    asked_at = fields.AwareDateTime()
    finished_at = fields.AwareDateTime(allow_none=True)
    failure = fields.String(allow_none=True)


class RightArgs(StrictSchema):
    account_id = fields.UUID(required=True)
    reason = Text(required=True, validate=REASON)
    expires_at = fields.AwareDateTime(required=True, validate=validate.Range(EARLIEST, LATEST))


class RightSchema(StrictSchema):
    id = fields.UUID()
    account_id = fields.UUID()
    reason = fields.String()
    granted_by = fields.UUID()
    granted_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime()
    revoked_at = fields.AwareDateTime(allow_none=True)


def _known_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    # Unknown; no name at all; a folder of zones.
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError("Expected a time zone such as America/New_York.") from error


class ScheduleArgs(StrictSchema):
    name = fields.String(
        required=True,
        validate=validate.Regexp(FOLDER, error="Expected a-z, 0-9 and -, such as weekly-2027."),
        metadata={
            "description": "Also the folder that it delivers into.",
            "example": "weekly-2027",
        },
    )
    cron = fields.String(
        required=True,
        validate=validate.Length(9, 100),
        metadata={"description": "Minute, hour, day, month, weekday: 0 6 * * 1 is Mondays at 6."},
    )
    time_zone = fields.String(load_default="UTC", validate=_known_zone)
    match_year = _year()
    profile = fields.String(load_default="pii_free", validate=validate.OneOf(list(PROFILES)))
    formats = _formats()
    reason = _reason()


class ScheduleSchema(StrictSchema):
    id = fields.UUID()
    name = fields.String()
    cron = fields.String()
    time_zone = fields.String()
    match_year = fields.Integer(allow_none=True)
    profile = fields.String()
    formats = fields.List(fields.String())
    reason = fields.String(allow_none=True)
    next_at = fields.AwareDateTime()
    created_by = fields.UUID()
    created_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)


class DeliverySchema(StrictSchema):
    id = fields.UUID()
    schedule_id = fields.UUID()
    export_id = fields.UUID(allow_none=True)
    due_at = fields.AwareDateTime()
    state = fields.String()
    folder = fields.String()
    failure = fields.String(allow_none=True)
    delivered_at = fields.AwareDateTime(allow_none=True)


class AttemptSchema(StrictSchema):
    at = fields.AwareDateTime()
    failure = fields.String(allow_none=True)


class DeliveryDetailSchema(DeliverySchema):
    attempts = fields.List(fields.Nested(AttemptSchema))
