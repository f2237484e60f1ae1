"""What an import is asked and answers: the plan, and how far a job is with it."""

from marshmallow import Schema, fields, validate

from marketplace.catalog.rules.writing import Format
from marketplace.catalog.states import (
    ImportMode,
    ImportPhase,
    ImportState,
    ListingState,
    SheetKind,
    Touched,
)
from marketplace.web.schemas import StrictSchema, Text, page_of


class ImportArgs(StrictSchema):
    """A dry run unless `commit` is given."""

    filename = Text(
        load_default="",
        validate=validate.Length(max=255),
        metadata={"description": "The file's name; its ending must not contradict the file."},
    )

    commit = fields.Boolean(
        load_default=False,
        metadata={"description": "Do what the plan says, refused rows left out."},
    )


class ProblemOfCellSchema(Schema):
    """Why a row is refused."""

    row = fields.Integer(required=True)
    column = fields.String(required=True, allow_none=True)
    value = fields.String(required=True)
    code = fields.String(required=True, metadata={"example": "negative_price"})
    expected = fields.String(required=True)


class FixSchema(Schema):
    """A cell that was understood as something else than it says."""

    row = fields.Integer(required=True)
    column = fields.String(required=True)
    was = fields.String(required=True)
    now = fields.String(required=True)


class CautionSchema(Schema):
    """Accepted, but worth a look."""

    row = fields.Integer(required=True)
    column = fields.String(required=True, allow_none=True)
    value = fields.String(required=True)
    code = fields.String(required=True)
    text = fields.String(required=True)


class EntrySchema(Schema):
    """What happens with one row."""

    row = fields.Integer(required=True)
    external_id = fields.String(
        required=True, metadata={"description": "Of a calendar its name and the week."}
    )
    action = fields.String(
        required=True,
        metadata={"enum": ["created", "changed", "unchanged", "repeated", "refused"]},
    )
    difference = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "Changed columns: what each was, what it becomes."},
    )
    problems = fields.List(fields.Nested(ProblemOfCellSchema), required=True)
    fixes = fields.List(fields.Nested(FixSchema), required=True)
    cautions = fields.List(fields.Nested(CautionSchema), required=True)
    tier_student = fields.String(allow_none=True)
    tier_graduate = fields.String(allow_none=True)
    conflicts = fields.List(fields.String(), required=True)


class RemarkSchema(Schema):
    """Something about the file."""

    code = fields.String(required=True)
    text = fields.String(required=True)


class PlanSchema(Schema):
    """What a sheet would do, or did where `committed`."""

    committed = fields.Boolean(required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    remarks = fields.List(fields.Nested(RemarkSchema), required=True)
    entries = fields.List(fields.Nested(EntrySchema), required=True)


class UploadArgs(ImportArgs):
    """How a large sheet is to be taken."""

    mode = fields.Enum(
        ImportMode,
        by_value=True,
        load_default=ImportMode.ROWS,
        metadata={"description": "`rows` leaves refused rows out, `file` takes all or nothing."},
    )
    sheet = fields.Enum(
        SheetKind,
        by_value=True,
        load_default=SheetKind.LISTINGS,
        metadata={"description": "What its rows are: listings, or weeks of calendars."},
    )


class ExportArgs(StrictSchema):
    """As what kind of file."""

    format = fields.Enum(Format, by_value=True, load_default=Format.CSV)


class FailureSchema(Schema):
    """Why an import ended without its end: a stable code, and what was expected."""

    code = fields.String(required=True)
    row = fields.Integer(required=True, allow_none=True)
    expected = fields.String(required=True)


class FileSchema(Schema):
    """A file that came of an import, below `files/`."""

    name = fields.String(required=True)
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)
    sha256 = fields.String(required=True)


class ImportSchema(Schema):
    """An import by a job. `rows_done` of `rows_total` tell how far the present phase is."""

    id = fields.UUID(required=True)
    state = fields.String(required=True, metadata={"enum": [state.value for state in ImportState]})
    mode = fields.String(required=True, metadata={"enum": [mode.value for mode in ImportMode]})
    sheet = fields.String(required=True, metadata={"enum": [kind.value for kind in SheetKind]})
    commit_wanted = fields.Boolean(required=True)
    file_name = fields.String(required=True)
    size = fields.Integer(required=True)
    recorded_at = fields.AwareDateTime(required=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)
    rows_total = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Known once the file is read."}
    )
    rows_done = fields.Integer(required=True)
    phase = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "enum": [*(phase.value for phase in ImportPhase), None],
            "description": "What the job is doing; null where none is at work.",
        },
    )
    position = fields.Integer(
        required=True, metadata={"description": "Rows that are settled, whatever happens now."}
    )
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    remarks = fields.List(fields.Nested(RemarkSchema), required=True)
    failure = fields.Nested(FailureSchema, required=True, allow_none=True)
    files = fields.List(fields.Nested(FileSchema), required=True)


ImportPage = page_of(ImportSchema)


class TakeBackArgs(StrictSchema):
    """Take an import back; nothing is changed unless `commit` is true."""

    commit = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class KeptSchema(Schema):
    """A listing that the import made and that stays."""

    listing_id = fields.UUID(required=True)
    external_id = fields.String(required=True)
    title = fields.String(required=True)
    state = fields.String(required=True, metadata={"enum": [one.value for one in ListingState]})
    why = fields.String(
        required=True,
        metadata={
            "enum": [one.value for one in Touched],
            "description": "What was done with it since: its state, its terms or its calendar.",
        },
    )


class TakenBackSchema(Schema):
    """What taking an import back would do, or did where `committed`."""

    committed = fields.Boolean(required=True)
    listings = fields.Integer(
        required=True, metadata={"description": "How many are, or were, taken away."}
    )
    kept_in_all = fields.Integer(required=True)
    kept = fields.List(
        fields.Nested(KeptSchema),
        required=True,
        metadata={"description": "The first hundred of those that stay, by their own ids."},
    )
