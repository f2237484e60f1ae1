"""From a file to rows of named cells, whatever program saved it.

Understood: .xlsx; CSV in UTF-8 with or without a mark, UTF-16, Windows-1252, with commas,
semicolons or tabs between cells; Excel's `sep=` line; headings in another order, case or spacing,
and their usual synonyms. Refused with one sentence each: other workbooks, an empty file, headings
that are missing or doubled. Row numbers are those that a spreadsheet shows: blank rows count.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import PurePath
from typing import BinaryIO

from marketplace.catalog.rules import archive, delimited, workbook
from marketplace.catalog.rules.delimited import Rows
from marketplace.catalog.rules.faults import LARGE, Limits, Remark, SheetFault

COLUMNS = (
    "external_id",
    "site_name",
    "address",
    "city",
    "state",
    "country",
    "timezone",
    "preceptor",
    "npi",
    "specialty",
    "title",
    "setting",
    "duties",
    "audience",
    "weeks_min",
    "weeks_max",
    "price_per_week",
    "currency",
    "seats_per_week",
    "first_start",
    "last_start",
    "blackout_weeks",
    "visa_types",
    "step1_required",
    "step2_min",
    "letter_policy",
    "cancellation_policy",
    "approval",
    "english",
    "documents",
    "deposit",
    "lead_days",
    "residency_affiliation",
    "claimed_tier",
    "notes",
)
# A sheet without one of these leaves that term of a stored listing as it is.
KEPT_IF_ABSENT = frozenset(
    {"english", "documents", "deposit", "lead_days", "residency_affiliation", "claimed_tier"}
)
OPTIONAL = frozenset({"blackout_weeks", "step2_min", "notes"}) | KEPT_IF_ABSENT
MOST_HEADINGS = 500
_SYNONYMS = {
    "id": "external_id",
    "listing_id": "external_id",
    "site": "site_name",
    "hospital": "site_name",
    "street": "address",
    "time_zone": "timezone",
    "tz": "timezone",
    "preceptor_name": "preceptor",
    "npi_number": "npi",
    "min_weeks": "weeks_min",
    "minimum_weeks": "weeks_min",
    "max_weeks": "weeks_max",
    "maximum_weeks": "weeks_max",
    "price": "price_per_week",
    "weekly_price": "price_per_week",
    "seats": "seats_per_week",
    "first_start_date": "first_start",
    "last_start_date": "last_start",
    "blackout": "blackout_weeks",
    "blackouts": "blackout_weeks",
    "visa": "visa_types",
    "visas": "visa_types",
    "step_1_required": "step1_required",
    "step_2_min": "step2_min",
    "step2_minimum": "step2_min",
    "letter": "letter_policy",
    "cancellation": "cancellation_policy",
    "note": "notes",
    "english_requirement": "english",
    "required_documents": "documents",
    "deposit_rule": "deposit",
    "lead_time": "lead_days",
    "notice_days": "lead_days",
    "affiliation": "residency_affiliation",
    "residency": "residency_affiliation",
    "tier": "claimed_tier",
}


@dataclass(frozen=True)
class Layout:
    """What a sheet holds, in which columns; `passed_over` are ours and say nothing new."""

    name: str
    holds: str
    columns: tuple[str, ...]
    optional: frozenset[str]
    synonyms: Mapping[str, str]
    passed_over: frozenset[str] = frozenset({"problems"})


LISTINGS = Layout("Listings", "listings", COLUMNS, OPTIONAL, _SYNONYMS)
CALENDAR = Layout(
    "Calendar",
    "calendars",
    (
        *("pool_id", "pool", "site_name", "listings", "week", "seats", "taken", "closed"),
        "version",
    ),
    frozenset({"pool", "site_name", "listings", "taken", "closed", "version"}),
    {"id": "pool_id", "calendar": "pool", "monday": "week", "capacity": "seats"},
)


@dataclass(frozen=True)
class Record:
    """A row as it was found: `cells` by column, as they stand.

    `surplus` are the cells beyond the headings, `missing` the columns that it is too short for.
    """

    row: int
    cells: Mapping[str, str]
    surplus: Sequence[str] = ()
    missing: Sequence[str] = ()


@dataclass
class Table:
    """A file with its headings read: `records` come as they are asked for, once.

    `headings` are as they stand in row `heading_row`; what had to be understood is in `remarks`.
    """

    headings: Sequence[str]
    heading_row: int
    records: Iterator[Record]
    remarks: list[Remark] = field(default_factory=list)


def open_table(
    file: BinaryIO,
    layout: Layout = LISTINGS,
    *,
    name: str | None = None,
    limits: Limits = LARGE,
) -> Table:
    """Read the headings of a file; raises `SheetFault`, which reading its records may do too.

    `name` is the file's own, whose ending must not contradict what is in it.
    """
    rows, remarks = open_rows(file, layout.name, name=name, limits=limits)
    return _table(rows, remarks, layout, limits)


def open_text(text: str, layout: Layout = LISTINGS, *, limits: Limits = LARGE) -> Table:
    """The same for text that is decoded already."""
    rows, remarks = delimited.read_text(text, limits)
    return _table(rows, remarks, layout, limits)


def open_rows(
    file: BinaryIO, preferred: str, *, name: str | None = None, limits: Limits = LARGE
) -> tuple[Rows, list[Remark]]:
    """The bare rows of a file with their numbers, of CSV or of a workbook's sheet `preferred`."""
    file.seek(0)
    packed = archive.looks_like_one(file.read(4))
    _check_ending(name, packed=packed)
    if packed:
        return workbook.read(file, limits, preferred)
    return delimited.read_bytes(file, limits)


def open_bytes(
    content: bytes, layout: Layout = LISTINGS, *, name: str | None = None, limits: Limits = LARGE
) -> Table:
    return open_table(io.BytesIO(content), layout, name=name, limits=limits)


def _check_ending(name: str | None, *, packed: bool) -> None:
    ending = PurePath(name).suffix.lower() if name else ""
    if ending in (".xlsm", ".xltm", ".xlam"):
        raise SheetFault("macros", "a workbook without macros; save it as .xlsx or CSV")
    if ending in (".xls", ".xlsb", ".ods", ".numbers"):
        raise SheetFault("old_workbook", "an .xlsx workbook or a CSV file; in Excel: Save As")
    if ending == ".xlsx" and not packed:
        raise SheetFault("wrong_ending", "a workbook, as its name says; this is something else")
    if ending in (".csv", ".txt", ".tsv") and packed:
        raise SheetFault(
            "wrong_ending", "text, as its name says; this is a workbook: name it .xlsx"
        )
    if ending not in ("", ".csv", ".txt", ".tsv", ".xlsx"):
        raise SheetFault("wrong_ending", "a file whose name ends in .csv or .xlsx")


def _table(rows: Rows, remarks: list[Remark], layout: Layout, limits: Limits) -> Table:
    number, headings = next(
        ((number, cells) for number, cells in rows if any(cell.strip() for cell in cells)), (1, [])
    )
    while headings and not headings[-1].strip():
        headings = headings[:-1]
    if len(headings) > MOST_HEADINGS:
        raise SheetFault("too_wide", f"at most {MOST_HEADINGS} headings")
    columns = _columns(headings, layout, remarks)
    return Table(headings, number, _records(rows, columns, layout, limits), remarks)


def _records(
    rows: Rows, columns: Sequence[str], layout: Layout, limits: Limits
) -> Iterator[Record]:
    known = frozenset(layout.columns)
    kept = [(place, name) for place, name in enumerate(columns) if name in known]
    needed = [(place, name) for place, name in kept if name not in layout.optional]
    width, last = len(columns), max((place for place, _ in needed), default=-1)
    count = 0
    for number, cells in rows:
        if not any(map(str.strip, cells)):
            continue
        count += 1
        if count > limits.rows:
            raise SheetFault("too_many_rows", f"at most {limits.rows:,} rows in one file")
        size = len(cells)
        named = {name: cells[place] for place, name in kept if place < size}
        missing = [name for place, name in needed if place >= size] if size <= last else ()
        # A row that ends early has left its last cells empty, which is not the same as no column.
        named |= {name: "" for place, name in kept if place >= size and name in KEPT_IF_ABSENT}
        yield Record(number, named, cells[width:], missing)
    if not count:
        raise SheetFault("no_rows", "at least one row below the headings")


def column_of(heading: str, layout: Layout) -> str:
    """The column that a heading stands for; an unknown heading keeps its own name."""
    name = re.sub(r"[^a-z0-9]+", "_", heading.casefold()).strip("_")
    return name if name in layout.columns else layout.synonyms.get(name, name)


def _columns(headings: Sequence[str], layout: Layout, remarks: list[Remark]) -> list[str]:
    """The column that each heading stands for; an unknown heading keeps its own name."""
    columns = []
    for heading in headings:
        column = column_of(heading, layout)
        if column in layout.columns and column != heading:
            remarks.append(Remark("heading", f"{heading!r} was read as {column}."))
        columns.append(column)
    _check_columns(headings, columns, layout, remarks)
    return columns


def _check_columns(
    headings: Sequence[str], columns: Sequence[str], layout: Layout, remarks: list[Remark]
) -> None:
    doubled = sorted(
        {name for name in columns if name in layout.columns and columns.count(name) > 1}
    )
    if doubled:
        raise SheetFault("doubled_columns", f"each column once; doubled: {', '.join(doubled)}")
    known = {*layout.columns, *layout.passed_over}
    extra = [name for name in columns if name not in known]
    missing = [
        name for name in layout.columns if name not in columns and name not in layout.optional
    ]
    if missing:
        for other in (LISTINGS, CALENDAR):
            theirs = {column_of(heading, other) for heading in headings}
            if other is not layout and set(other.columns) - other.optional <= theirs:
                meant = f"a sheet of {layout.holds}; this is one of {other.holds}"
                raise SheetFault("other_sheet", f"{meant}: send it as such")
        raise SheetFault("missing_columns", f"the columns {_missing(missing, extra)}")
    for name in filter(None, extra):
        near = get_close_matches(name, [each for each in layout.columns if each not in columns], 1)
        hint = f"; is it {near[0]}?" if near else ""
        remarks.append(Remark("unknown_column", f"The column {name!r} was not read{hint}"))


def _missing(missing: Sequence[str], extra: Sequence[str]) -> str:
    named = []
    for name in missing:
        near = get_close_matches(name, extra, 1)
        named.append(f"{name} (is it {near[0]!r}?)" if near else name)
    return ", ".join(named)
