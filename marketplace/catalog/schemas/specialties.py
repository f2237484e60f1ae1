"""The controlled list of specialties as anybody may read it."""

from marshmallow import Schema, fields


class ListedSpecialtySchema(Schema):
    """A specialty, or a subspecialty with the specialties that it belongs to."""

    code = fields.String(required=True, metadata={"example": "cardiovascular_disease"})
    name = fields.String(required=True, metadata={"example": "Cardiovascular Disease"})
    parents = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "Codes; none for a specialty.",
            "example": ["internal_medicine"],
        },
    )
    spellings = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "What else is understood.", "example": ["cardiology"]},
    )


class SpecialtiesSchema(Schema):
    """The whole list, by name."""

    items = fields.List(fields.Nested(ListedSpecialtySchema), required=True)
