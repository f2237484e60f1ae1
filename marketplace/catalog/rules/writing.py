"""The kinds of file that listings and calendars are written as."""

from enum import StrEnum

# In characters, so that a column shows what it usually holds; others are as wide as their heading.
WIDTHS = {
    "external_id": 16,
    "site_name": 30,
    "address": 30,
    "city": 16,
    "timezone": 20,
    "npi": 13,
    "preceptor": 26,
    "specialty": 24,
    "title": 38,
    "setting": 14,
    "duties": 44,
    "notes": 40,
    "blackout_weeks": 24,
    "visa_types": 16,
    "cancellation_policy": 20,
    "english": 24,
    "documents": 30,
    "residency_affiliation": 26,
    "pool_id": 38,
    "pool": 24,
    "listings": 30,
}
NARROWEST = 11
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def width_of(column: str) -> int:
    """How wide a column of this name is, in characters."""
    return WIDTHS.get(column, max(NARROWEST, len(column) + 2))


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"

    @property
    def media_type(self) -> str:
        return "text/csv; charset=utf-8" if self is Format.CSV else XLSX_TYPE
