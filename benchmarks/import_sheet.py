"""A sheet of new listings for the import's benchmark, and COPY with a clock."""

import csv
import time
from datetime import date
from pathlib import Path

import psycopg
from psycopg.sql import Composed

from marketplace.catalog.rules.npi import is_npi
from marketplace.catalog.rules.sheet import COLUMNS

WEEKS = 52
LISTINGS_A_SITE = 50
LISTINGS_A_PRECEPTOR = 10
PIECE = 1 << 20
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
    """Write the same sheet as a workbook beside it, with its numbers and dates as such."""
    import xlsxwriter  # noqa: PLC0415 - heavy

    book_path = sheet.with_suffix(".xlsx")
    with xlsxwriter.Workbook(book_path, {"constant_memory": True}) as book:
        page = book.add_worksheet("Listings")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        with sheet.open(newline="") as file:
            for line, cells in enumerate(csv.reader(file)):
                for place, cell in enumerate(cells):
                    column = COLUMNS[place]
                    if line and column in _DATES:
                        page.write_datetime(line, place, date.fromisoformat(cell), day)
                    elif line and column in _NUMBERS:
                        page.write_number(line, place, float(cell))
                    elif cell:
                        page.write_string(line, place, cell)
    return book_path


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
