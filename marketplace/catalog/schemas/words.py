"""Fields for words of the closed lists, in any of their usual spellings."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import ValidationError, validate

from marketplace.catalog.rules.cells import CellFault, specialty
from marketplace.web.schemas import Text

# Days that people plan for: beyond them there is no calendar.
REACH = validate.Range(
    date(2000, 1, 1), date(2100, 1, 1), error="Expected a day from {min} to {max}."
)


class SpecialtyField(Text):
    """A specialty by code, name or usual abbreviation; its code is kept."""

    def __init__(self, **kwargs: Any) -> None:
        about = {"description": "Code, name or abbreviation.", "example": "internal_medicine"}
        super().__init__(metadata={**about, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return specialty(text).value
        except CellFault as fault:
            raise ValidationError(f"Expected {fault.expected.rstrip('?')}.") from fault
