"""A panel: one row a trainee, whether read from our own tables or from somebody's CSV.

`PanelRow` is what every report is worked out from. A CSV is read whole or not at all: each cell
that can't be read is reported with its row, column, value and what belongs there.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from marketplace.reporting.rules.tables import FLAG, Column, matching, one_of, read_values

IMG_TYPES = ("us_img", "non_us_img")
DISPOSITIONS = (
    "I",
    "P",
    "R",
    "NC_no_reply",
    "NC_bounced",
    "NC_not_invited",
    "O_deceased",
    "NE",
)
SOURCES = ("self_reported", "document_verified", "roster_verified")


@dataclass(frozen=True, slots=True)
class PanelRow:
    """One trainee in the frame of one Match year; None is not known."""

    trainee_id: str
    img_type: str
    disposition: str
    specialty: str | None = None
    modality: str | None = None
    grad_band: str | None = None
    rotation_status: str | None = None
    frame_flag: str | None = None
    consent_to_contact: bool | None = None
    invited: bool | None = None
    delivery: str | None = None
    wave: int | None = None
    match_items_answered: bool | None = None
    registered: bool | None = None
    certified_rol: bool | None = None
    main_result: str | None = None
    soap_result: str | None = None
    outside_match: bool | None = None
    lor_earned: bool | None = None
    outcome_source: str | None = None
    # known of our own bookings only; a panel from elsewhere lacks them
    tier: str | None = None
    learner_status: str | None = None
    site_group: str | None = None
    residency_specialty: str | None = None
    # only of who agreed to be named, and only as a verifier wrote it
    program: str | None = None


def _wave(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d?", text):
        raise ValueError
    return int(text)


COLUMNS: Mapping[str, Column] = MappingProxyType(
    {
        "trainee_id": matching(r"[^\s\x00][^\x00\r\n]{0,99}", "1 to 100 characters", required=True),
        "img_type": one_of(*IMG_TYPES, required=True),
        "specialty": matching(r"[a-z][a-z0-9_]{0,59}", "a specialty such as family_medicine"),
        "modality": one_of("in_person", "virtual"),
        "grad_band": matching(r"[0-9a-z+_\-]{1,20}", "a band of years such as 3-5y"),
        "rotation_status": one_of("completed", "cancelled"),
        "frame_flag": one_of("ok", "duplicate", "deceased"),
        "consent_to_contact": FLAG,
        "invited": FLAG,
        "delivery": one_of("delivered", "bounced", "not_sent"),
        "disposition": one_of(*DISPOSITIONS, required=True),
        "wave": Column(_wave, "a whole number from 1"),
        "match_items_answered": FLAG,
        "registered": FLAG,
        "certified_rol": FLAG,
        "main_result": one_of("matched_pgy1", "matched_pgy2_only", "unmatched", "not_in_algorithm"),
        "soap_result": one_of("placed_pgy1", "not_placed", "not_applicable"),
        "outside_match": FLAG,
        "lor_earned": FLAG,
        "outcome_source": one_of(*SOURCES),
    }
)


def parse_cell(column: str, text: str) -> Any:
    """The value of a cell of a panel; None where empty, ValueError where it can't be read."""
    return COLUMNS[column].value(text)


def read_panel(source: Iterable[str], year: int | None = None) -> list[PanelRow]:
    """Every row of a panel CSV; refuses the whole file if any cell can't be read."""
    return [row for _, row in numbered(source, year)]


def numbered(source: Iterable[str], year: int | None = None) -> list[tuple[int, PanelRow]]:
    """Every row of a panel CSV with its number as a spreadsheet shows it.

    A panel is of one Match year: a column `match_year`, if it has one, says `year` in every row.
    """
    every = {} if year is None else {"match_year": str(year)}
    lines = read_values(source, COLUMNS, "panel", unique="trainee_id", every=every)
    return [(number, PanelRow(**values)) for number, values in lines]


def contradictions(rows: Sequence[PanelRow]) -> list[str]:
    """Rows that say two things at once, in words; they are counted as their columns say."""
    found: list[str] = []
    for row in rows:
        excluded = row.rotation_status == "cancelled" or row.frame_flag == "duplicate"
        if excluded and row.disposition != "NE":
            found.append(f"{row.trainee_id}: cancelled or duplicate, but not NE")
        if row.disposition == "NE" and row.rotation_status == "completed" and not excluded:
            found.append(f"{row.trainee_id}: NE, but completed and no duplicate")
        if row.match_items_answered and row.disposition not in {"I", "P"}:
            found.append(f"{row.trainee_id}: Match items answered, but neither I nor P")
        if row.certified_rol and row.registered is False:
            found.append(f"{row.trainee_id}: a certified rank list without registration")
        if row.main_result in {"matched_pgy1", "matched_pgy2_only"} and not row.certified_rol:
            found.append(f"{row.trainee_id}: matched without a certified rank list")
        if row.main_result == "matched_pgy1" and row.soap_result == "placed_pgy1":
            found.append(f"{row.trainee_id}: both matched and placed by SOAP")
    return found


def changed(row: PanelRow, column: str, value: Any) -> PanelRow:
    """The row with one field set."""
    return replace(row, **{column: value})


def written(row: PanelRow, column: str) -> str:
    """A field as a CSV writes it."""
    value = getattr(row, column)
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)
