"""Listings and calendars as CSV and XLSX, in the very form in which they are read in again.

Written row by row to a file on the local disk: memory is the same for ten rows and for all.
"""

import csv
import io
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO

from marketplace.catalog.queries import exports
from marketplace.catalog.queries.exports import CalendarWeek
from marketplace.catalog.rules.neutral import neutralised
from marketplace.catalog.rules.sheet import CALENDAR, LISTINGS, Layout
from marketplace.catalog.rules.terms import terms_of
from marketplace.catalog.rules.writing import Format, width_of
from marketplace.core.db import Session

NUMBERS = frozenset(
    {
        *("weeks_min", "weeks_max", "price_per_week", "seats_per_week", "step2_min", "lead_days"),
        *("seats", "taken", "version"),
    }
)
DATES = frozenset({"first_start", "last_start", "week"})
Row = Mapping[str, str]


@dataclass(frozen=True)
class Whose:
    """All of an owner's, or one site's only."""

    owner_account_id: uuid.UUID | None = None
    site_id: uuid.UUID | None = None


def write_listings(session: Session, file: BinaryIO, whose: Whose, form: Format) -> int:
    """Write the listings that are not retired; returns how many."""
    found = exports.listing_drafts(session, whose.owner_account_id, whose.site_id)
    return write_rows(file, LISTINGS, (terms_of(draft) for draft in found), form)


def write_calendars(
    session: Session, file: BinaryIO, whose: Whose, form: Format, since: date
) -> int:
    """Write the weeks of every pool from Monday `since` on; returns how many."""
    found = exports.calendar_weeks(session, whose.owner_account_id, whose.site_id, since)
    return write_rows(file, CALENDAR, map(_week, found), form)


def _week(week: CalendarWeek) -> Row:
    return {
        "pool_id": str(week.pool_id),
        "pool": week.pool,
        "site_name": week.site_name,
        "listings": week.listings,
        "week": week.week.isoformat(),
        "seats": str(week.seats),
        "taken": str(week.taken),
        "closed": "yes" if week.closed else "no",
        "version": str(week.version),
    }


def write_rows(file: BinaryIO, layout: Layout, rows: Iterable[Row], form: Format) -> int:
    return _write_csv(file, layout, rows) if form is Format.CSV else _write_xlsx(file, layout, rows)


def _write_csv(file: BinaryIO, layout: Layout, rows: Iterable[Row]) -> int:
    # A mark, so that a spreadsheet takes it for the UTF-8 that it is.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(layout.columns)
    count = 0
    for row in rows:
        writer.writerow([neutralised(row[column]) for column in layout.columns])
        count += 1
    text.detach()
    return count


def _write_xlsx(file: BinaryIO, layout: Layout, rows: Iterable[Row]) -> int:
    import xlsxwriter  # noqa: PLC0415 - heavy

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    count = 0
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet(layout.name)
        head = book.add_format({"bold": True, "bg_color": "#DDDDDD"})
        day = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        money = book.add_format({"num_format": "0.00"})
        sheet.freeze_panes(1, 1)
        for place, column in enumerate(layout.columns):
            sheet.set_column(place, place, width_of(column))
            sheet.write_string(0, place, column, head)
        for count, row in enumerate(rows, start=1):
            for place, column in _filled(layout, row):
                _write_cell(sheet, (count, place), column, row[column], day, money)
    return count


def _filled(layout: Layout, row: Row) -> Iterator[tuple[int, str]]:
    return ((place, column) for place, column in enumerate(layout.columns) if row[column])


def _write_cell(
    sheet: Any, place: tuple[int, int], column: str, text: str, day: Any, money: Any
) -> None:
    if column in NUMBERS:
        sheet.write_number(*place, float(text), money if "." in text else None)
    elif column in DATES:
        sheet.write_datetime(*place, date.fromisoformat(text), day)
    else:
        sheet.write_string(*place, neutralised(text))
