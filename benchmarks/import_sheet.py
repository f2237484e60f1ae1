"""A sheet of new listings for the import's benchmark, and COPY with a clock."""

import csv
import re
import time
import zipfile
from collections.abc import Sequence
from datetime import date
from html import escape
from itertools import chain
from pathlib import Path

import psycopg
from psycopg.sql import Composed

from marketplace.catalog.rules.npi import is_npi
from marketplace.catalog.rules.sheet import COLUMNS

WEEKS = 52
LISTINGS_A_SITE = 50
LISTINGS_A_PRECEPTOR = 10
PIECE = 1 << 20
PAGE = "xl/worksheets/sheet1.xml"
DEFLATED = zipfile.ZIP_DEFLATED
FIRST_ROW = re.compile(r'(?<=</row>)(<row r="2">.*</row>)')
CELL = re.compile(r'<c r="([A-Z]+)2"([^>]*)>(<is><t>|<v>)(.*?)(</t></is>|</v>)</c>')
_SAME = {
    "city": "Chicago",
    "state": "IL",
    "country": "US",
    "timezone": "America/Chicago",
    "setting": "inpatient",
    "duties": "history_taking;physical_examination;clinical_notes",
    "audience": "both",
    "weeks_min": "4",
    "weeks_max": "4",
    "currency": "USD",
    "seats_per_week": "3",
    "first_start": "2027-01-04",
    "last_start": "2027-12-06",
    "visa_types": "B1/B2;J-1",
    "step1_required": "yes",
    "step2_min": "220",
    "letter_policy": "on_merit",
    "cancellation_policy": "tiered_days",
    "approval": "request",
}
_DATES = frozenset({"first_start", "last_start"})
_NUMBERS = frozenset({"weeks_min", "weeks_max", "price_per_week", "seats_per_week", "step2_min"})
_SPECIALTIES = ("Internal Medicine", "Family Medicine", "Pediatrics", "Psychiatry", "Neurology")


def write(path: Path, rows: int) -> None:
    """Write a sheet of `rows` good rows, each a listing of 52 weeks."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for number in range(rows):
            site, person = number // LISTINGS_A_SITE, number // LISTINGS_A_PRECEPTOR
            specialty = _SPECIALTIES[number % len(_SPECIALTIES)]
            writer.writerow(
                {
                    **_SAME,
                    "external_id": f"L-{number}",
                    "site_name": f"Hospital {site}",
                    "address": f"{site} Main Street",
                    "preceptor": f"Dr. Somebody {person}",
                    "npi": _npi(person),
                    "specialty": specialty,
                    "title": f"{specialty} Rotation {number}",
                    "price_per_week": f"{200 + number % 700}.00",
                    "notes": f"Listing {number} of a large sheet.",
                }
            )


def as_workbook(sheet: Path) -> Path:
    """Write the same sheet as a workbook beside it, with its numbers and dates as such.

    The library writes the headings and the first row; the others are that row with their own cells.
    """
    book_path, small = sheet.with_suffix(".xlsx"), sheet.with_suffix(".first.xlsx")
    with sheet.open(newline="") as file:
        last = sum(1 for _ in csv.reader(file))
        file.seek(0)
        rows = csv.reader(file)
        _by_library(small, [next(rows), first := next(rows)])
        with zipfile.ZipFile(small) as made, zipfile.ZipFile(book_path, "w", DEFLATED) as book:
            for name in made.namelist():
                if name != PAGE:
                    book.writestr(name, made.read(name))
            before, row, after = FIRST_ROW.split(made.read(PAGE).decode())
            places = [_Place(*found.groups()) for found in CELL.finditer(row)]
            with book.open(PAGE, "w") as page:
                page.write(before.replace(":AI2", f":AI{last}").encode())
                for line, cells in enumerate(chain([first], rows), 2):
                    written = "".join(place.cell(line, cells) for place in places)
                    page.write(f'<row r="{line}">{written}</row>'.encode())
                page.write(after.encode())
    small.unlink()
    return book_path


class _Place:
    """A column of the first row, to be filled in for each other row."""

    def __init__(self, letters: str, attributes: str, begin: str, value: str, end: str) -> None:
        number = 0
        for letter in letters:
            number = number * 26 + ord(letter) - ord("A") + 1
        self._index = number - 1
        self._same = COLUMNS[self._index] in _SAME
        self._text = begin != "<v>"
        self._parts = f'<c r="{letters}', f'"{attributes}>{begin}', f"{end}</c>"
        self._value = value

    def cell(self, line: int, cells: Sequence[str]) -> str:
        """The cell in a line of the sheet."""
        value = self._value
        if not self._same:
            value = cells[self._index]
            value = escape(value) if self._text else f"{float(value):.16G}"
        before, inside, after = self._parts
        return f"{before}{line}{inside}{value}{after}"


def _by_library(path: Path, lines: Sequence[Sequence[str]]) -> None:
    import xlsxwriter  # noqa: PLC0415 - heavy

    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        page = book.add_worksheet("Listings")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for line, cells in enumerate(lines):
            for place, cell in enumerate(cells):
                column = COLUMNS[place]
                if line and column in _DATES:
                    page.write_datetime(line, place, date.fromisoformat(cell), day)
                elif line and column in _NUMBERS:
                    page.write_number(line, place, float(cell))
                elif cell:
                    page.write_string(line, place, cell)


def copied_in(connection: psycopg.Connection, statement: Composed, file: Path) -> float:
    """Seconds that COPY takes to bring a file in, its end not committed."""
    began = time.perf_counter()
    with file.open("rb") as kept, connection.cursor().copy(statement) as copy:
        while piece := kept.read(PIECE):
            copy.write(piece)
    return time.perf_counter() - began


def committed(connection: psycopg.Connection) -> float:
    """Seconds that the commit takes."""
    began = time.perf_counter()
    connection.commit()
    return time.perf_counter() - began


def _npi(number: int) -> str:
    base = 100_000_000 + number
    return next(f"{base}{digit}" for digit in range(10) if is_npi(f"{base}{digit}"))
