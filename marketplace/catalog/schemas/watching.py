"""Watching the seats of several listings at once."""

from typing import Any
from uuid import UUID

from marshmallow import ValidationError, fields, validate, validates

from marketplace.catalog.schemas.listings import AvailabilityArgs

MOST_WATCHED = 20


class WatchArgs(AvailabilityArgs):
    """Which listings, and which of their weeks."""

    listings = fields.List(
        fields.UUID(),
        required=True,
        data_key="listing",
        validate=validate.Length(1, MOST_WATCHED),
        metadata={"description": f"Their ids, at most {MOST_WATCHED}: `listing=…&listing=…`."},
    )

    @validates("listings")
    def _each_once(self, value: list[UUID], **_: Any) -> None:
        if len(set(value)) != len(value):
            raise ValidationError("Name each listing once.")
