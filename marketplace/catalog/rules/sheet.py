"""From a file's bytes or text to rows of named cells, whatever program saved it.

Understood: UTF-8 with or without a mark, UTF-16, Windows-1252; commas, semicolons or tabs between
cells; Excel's `sep=` line; headings in another order, case or spacing, and their usual synonyms.
Refused with one sentence each: a workbook, an empty file, headings that are missing or doubled.
Row numbers are those that a spreadsheet shows: the headings are row 1, blank rows count.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

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
MOST_ROWS = 50_000
MOST_BYTES = 50_000_000
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
_DELIMITERS = (",", ";", "\t", "|")


class SheetFault(Exception):
    """The file as a whole can't be read; `code` is stable, `expected` says what to do."""

    def __init__(self, code: str, expected: str, *, row: int = 1, value: str = "") -> None:
        super().__init__(expected)
        self.code = code
        self.expected = expected
        self.row = row
        self.value = value


@dataclass(frozen=True)
class Record:
    """A row as it was found: `cells` by column, as they stand.

    `surplus` are the cells beyond the headings, `missing` the columns that it is too short for.
    """

    row: int
    cells: Mapping[str, str]
    surplus: Sequence[str] = ()
    missing: Sequence[str] = ()


@dataclass(frozen=True)
class Remark:
    """Something about the file that a host should know; nothing was refused for it."""

    code: str
    text: str


@dataclass
class Table:
    """All rows of a file, and what had to be understood to read them."""

    records: list[Record] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def read_table(content: str | bytes) -> Table:
    """Read a whole file; raises `SheetFault` where no row of it can be trusted."""
    table = Table()
    text = _decoded(content, table).removeprefix("\ufeff")
    lines, skipped, delimiter = _opened(text, table)
    rows = _parsed(lines, delimiter, skipped)
    columns = _columns(rows[0] if rows else [], table)
    for number, cells in enumerate(rows[1:], start=2 + skipped):
        if any(cell.strip() for cell in cells):
            table.records.append(_record(number, columns, cells))
    if not table.records:
        raise SheetFault("no_rows", "at least one row below the headings")
    if len(table.records) > MOST_ROWS:
        raise SheetFault("too_many_rows", f"at most {MOST_ROWS:,} rows in one file")
    return table


def _parsed(lines: io.StringIO, delimiter: str, skipped: int) -> list[list[str]]:
    """All rows; strict, since a lenient reader lets one open quote swallow the rest of a file."""
    rows: list[list[str]] = []
    try:
        rows.extend(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        row = len(rows) + 1 + skipped
        raise SheetFault("not_csv", f"a row of CSV cells; row {row}: {error}", row=row) from error
    return rows


def _decoded(content: str | bytes, table: Table) -> str:
    if len(content) > MOST_BYTES:
        raise SheetFault("too_large", f"a file of at most {MOST_BYTES // 1_000_000} MB")
    text = content if isinstance(content, str) else _text(content, table)
    if "\x00" in text:
        raise SheetFault("not_text", "a CSV file; this has bytes that are no text")
    if not text.strip("\ufeff \t\r\n,;|"):
        raise SheetFault("empty_file", "a CSV file with headings and rows; this one is empty")
    return text


def _text(content: bytes, table: Table) -> str:
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise SheetFault("workbook", "a CSV file; in Excel: Save As, CSV UTF-8")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _tried(content, "utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        table.remarks.append(
            Remark(
                "read_as_windows_1252",
                "The file is not UTF-8 and was read as Windows-1252; look at names with accents.",
            )
        )
        return _tried(content, "cp1252")


def _tried(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise SheetFault("not_text", "a CSV file in UTF-8") from error


def _opened(text: str, table: Table) -> tuple[io.StringIO, int, str]:
    """The text behind Excel's hint, how many rows that was, and the delimiter."""
    skipped = 0
    hint = re.match(r"\s*\"?sep=(.)\"?\r?\n", text, re.IGNORECASE)
    if hint:
        text, skipped = text[hint.end() :], 1
    heading = text.lstrip().splitlines()[0] if text.strip() else ""
    counts = {mark: heading.count(mark) for mark in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda mark: counts[mark])
    if delimiter != ",":
        name = {"\t": "tabs", ";": "semicolons", "|": "bars"}[delimiter]
        table.remarks.append(Remark("delimiter", f"The cells are separated by {name}."))
    return io.StringIO(text, newline=""), skipped, delimiter


def _columns(headings: Sequence[str], table: Table) -> list[str]:
    """The column that each heading stands for; an unknown heading keeps its own name."""
    columns = []
    for heading in headings:
        name = re.sub(r"[^a-z0-9]+", "_", heading.casefold()).strip("_")
        column = name if name in COLUMNS else _SYNONYMS.get(name, name)
        if column in COLUMNS and column != heading:
            table.remarks.append(Remark("heading", f"{heading!r} was read as {column}."))
        columns.append(column)
    _check_columns(columns, table)
    return columns


def _check_columns(columns: Sequence[str], table: Table) -> None:
    doubled = sorted({name for name in columns if name in COLUMNS and columns.count(name) > 1})
    if doubled:
        raise SheetFault("doubled_columns", f"each column once; doubled: {', '.join(doubled)}")
    extra = [name for name in columns if name not in COLUMNS]
    missing = [name for name in COLUMNS if name not in columns and name not in OPTIONAL]
    if missing:
        raise SheetFault("missing_columns", f"the columns {_missing(missing, extra)}")
    for name in filter(None, extra):
        near = get_close_matches(name, [each for each in COLUMNS if each not in columns], 1)
        hint = f"; is it {near[0]}?" if near else ""
        table.remarks.append(Remark("unknown_column", f"The column {name!r} was not read{hint}"))


def _missing(missing: Sequence[str], extra: Sequence[str]) -> str:
    named = []
    for name in missing:
        near = get_close_matches(name, extra, 1)
        named.append(f"{name} (is it {near[0]!r}?)" if near else name)
    return ", ".join(named)


def _record(number: int, columns: Sequence[str], cells: Sequence[str]) -> Record:
    named = {
        column: cell for column, cell in zip(columns, cells, strict=False) if column in COLUMNS
    }
    # A row that ends early has left its last cells empty, which is not the same as no column.
    named |= dict.fromkeys(KEPT_IF_ABSENT.intersection(columns[len(cells) :]), "")
    surplus = cells[len(columns) :]
    missing = [
        column for column in columns[len(cells) :] if column in COLUMNS and column not in OPTIONAL
    ]
    return Record(number, named, surplus, missing)
