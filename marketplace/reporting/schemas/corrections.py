"""Corrections of Match outcomes by a list."""

from marshmallow import fields

from marketplace.outcomes.service.corrections import Action
from marketplace.web.schemas import StrictSchema


class CorrectionsArgs(StrictSchema):
    """A dry run unless `commit` is given."""

    commit = fields.Boolean(
        load_default=False, metadata={"description": "Record them, if none is refused."}
    )


class CorrectionSchema(StrictSchema):
    """What became, or would become, of a row."""

    row = fields.Integer()
    event_id = fields.String()
    action = fields.String(
        metadata={
            "enum": [one.value for one in Action],
            "description": "`disputed`: something else was verified, which stands; `repeated`: it was"
            " recorded before; `left_out`: its sender took it back before it came.",
        }
    )
    problem = fields.String(metadata={"description": "What was expected, where it is refused."})


class CorrectionsSchema(StrictSchema):
    committed = fields.Boolean()
    lines = fields.List(fields.Nested(CorrectionSchema))
