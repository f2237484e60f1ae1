"""A workbook to send back to a host: their rows as they were, and what to mend in each.

The faulty cells are coloured and say what was expected; the first column gathers what is wrong with
the row, and is passed over when the mended file is sent in again. Works the same for what came as
CSV. Cells are text, whatever they begin with, so that nothing in them runs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, BinaryIO

from marketplace.catalog.rules.findings import Problem
from marketplace.catalog.rules.sheet import LISTINGS, Layout, column_of
from marketplace.catalog.rules.writing import width_of

PROBLEMS = "problems"
# A spreadsheet slows down with many; beyond these the colour and the first column tell.
MOST_COMMENTS = 5_000
LONGEST_COMMENT = 500
LONGEST_CELL = 32_000
TOLD_WIDTH = 70
READ_WIDTH = 100
# In points; no row of a workbook is higher.
LINE_HEIGHT = 15
HIGHEST_ROW = 409
WRONG = {"bg_color": "#FFC7CE", "font_color": "#9C0006"}
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,8})(?:\.\d{1,4})?", re.ASCII)
INSTRUCTIONS = (
    "How to use this workbook",
    "",
    (
        "1. The sheet {name} holds your rows as you sent them. A coloured cell can't be accepted as it"
        " is: point at it, and a note says what is expected. The first column tells all that is wrong"
        " with the row."
    ),
    (
        "2. Mend the coloured cells. Filter the first column by what is not empty to see these rows"
        " only. You need not delete the first column, nor the other sheets."
    ),
    (
        "3. Save the workbook and send it in again. Rows that were accepted before are not changed by"
        " it a second time."
    ),
    "",
    "A cell must hold a value, not a formula. Dates are Mondays, as 2027-01-04 or as a date.",
)


@dataclass
class _Book:
    """The workbook being written, and its formats."""

    book: Any
    sheet: Any
    wrong: Any
    told: Any
    head: Any
    note: Any
    plain: Any
    comments: int = 0


def write(
    file: BinaryIO,
    rows: Iterable[tuple[int, list[str]]],
    refusals: Iterator[Sequence[Problem]],
    counts: Mapping[str, int],
    layout: Layout = LISTINGS,
) -> None:
    """Write the workbook of `rows` (all of the file, headings included) into `file`.

    `refusals` are the problems of each refused row, in the order of the rows.
    """
    import xlsxwriter  # noqa: PLC0415 - heavy

    # Rows go to the disk as they are written; what is text stays text.
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(file, options) as book:
        made = _Book(
            book,
            book.add_worksheet(layout.name),
            book.add_format({**WRONG, "valign": "top"}),
            # All of it is to be read without a click: the row grows with it.
            book.add_format({**WRONG, "valign": "top", "text_wrap": True}),
            book.add_format({"bold": True, "bg_color": "#DDDDDD"}),
            book.add_format({"text_wrap": True, "valign": "top"}),
            book.add_format({"valign": "top"}),
        )
        tally = _write_rows(made, rows, refusals, layout)
        _write_summary(made, counts, tally)
        _write_instructions(made, layout)


def _write_rows(
    made: _Book,
    rows: Iterable[tuple[int, list[str]]],
    refusals: Iterator[Sequence[Problem]],
    layout: Layout,
) -> dict[tuple[str, str], int]:
    sheet = made.sheet
    sheet.set_column(0, 0, TOLD_WIDTH)
    tally: dict[tuple[str, str], int] = {}
    waiting = next(refusals, None)
    columns: list[str] = []
    old = -1
    for number, cells in rows:
        line = number - 1
        if not columns:
            if not any(cell.strip() for cell in cells):
                continue
            columns = [column_of(cell, layout) for cell in cells]
            # A workbook of ours that is sent in again gets no second column of problems.
            old = columns.index(PROBLEMS) if PROBLEMS in columns else -1
            _write_headings(made, line, cells, old)
            for place, (_, column) in enumerate(_placed(columns, old), start=1):
                sheet.set_column(place, place, width_of(column))
            continue
        problems: Sequence[Problem] = ()
        if waiting is not None and waiting[0].row == number:
            problems, waiting = waiting, next(refusals, None)
        _write_row(made, line, cells, columns, old, problems)
        for problem in problems:
            key = (problem.column or "the whole row", problem.code)
            tally[key] = tally.get(key, 0) + 1
    sheet.ignore_errors({"number_stored_as_text": "A1:CZ200000"})
    return tally


def _write_headings(made: _Book, line: int, cells: Sequence[str], old: int) -> None:
    made.sheet.write_string(line, 0, PROBLEMS, made.head)
    for place, cell in _placed(cells, old):
        made.sheet.write_string(line, place, cell[:LONGEST_CELL], made.head)
    made.sheet.freeze_panes(line + 1, 1)


def _write_row(
    made: _Book,
    line: int,
    cells: Sequence[str],
    columns: Sequence[str],
    old: int,
    problems: Sequence[Problem],
) -> None:
    expected: dict[str | None, list[str]] = {}
    for problem in problems:
        expected.setdefault(problem.column, []).append(f"Expected {problem.expected}.")
    if problems:
        told = "; ".join(f"{each.column or 'row'}: expected {each.expected}" for each in problems)
        made.sheet.set_row(line, _height(told, TOLD_WIDTH))
        made.sheet.write_string(line, 0, told[:LONGEST_CELL], made.told)
    width = len(cells)
    # A cell that is missing at the end of a short row is to be filled in too.
    missing = [place for place in range(width, len(columns)) if columns[place] in expected]
    padded = [*cells, *[""] * (max(missing) + 1 - width)] if missing else cells
    for place, cell in _placed(padded, old):
        index = place - 1 if old < 0 or place - 1 < old else place
        column = columns[index] if index < len(columns) else None
        notes = expected.get(column) if column else None
        _write_cell(made, line, place, cell[:LONGEST_CELL], notes)


def _write_cell(made: _Book, line: int, place: int, cell: str, notes: Sequence[str] | None) -> None:
    style = made.wrong if notes else made.plain
    if _NUMBER.fullmatch(cell):
        made.sheet.write_number(line, place, float(cell), style)
    elif cell:
        made.sheet.write_string(line, place, cell, style)
    elif notes:
        made.sheet.write_blank(line, place, None, style)
    if notes and made.comments < MOST_COMMENTS:
        made.comments += 1
        text = " ".join(notes)[:LONGEST_COMMENT]
        made.sheet.write_comment(line, place, text, {"x_scale": 2, "y_scale": 1.5})


def _placed(cells: Sequence[str], old: int) -> Iterator[tuple[int, str]]:
    """Cells with their places behind the column of problems, an older such column left out."""
    kept = [cell for place, cell in enumerate(cells) if place != old]
    return enumerate(kept, start=1)


def _write_summary(
    made: _Book, counts: Mapping[str, int], tally: Mapping[tuple[str, str], int]
) -> None:
    sheet = made.book.add_worksheet("Summary")
    sheet.set_column(0, 1, 28)
    sheet.set_column(2, 2, 12)
    line = 0
    sheet.write_row(line, 0, ["rows", "how many"], made.head)
    for action, count in counts.items():
        line += 1
        sheet.write_string(line, 0, action)
        sheet.write_number(line, 1, count)
    line += 2
    sheet.write_row(line, 0, ["column", "what is wrong", "how often"], made.head)
    for (column, code), count in sorted(tally.items(), key=lambda each: (-each[1], each[0])):
        line += 1
        sheet.write_string(line, 0, column)
        sheet.write_string(line, 1, code.replace("_", " "))
        sheet.write_number(line, 2, count)


def _write_instructions(made: _Book, layout: Layout) -> None:
    sheet = made.book.add_worksheet("Instructions")
    sheet.set_column(0, 0, READ_WIDTH)
    for line, text in enumerate(INSTRUCTIONS):
        style = made.note if line else made.head
        sheet.set_row(line, _height(text, READ_WIDTH))
        sheet.write_string(line, 0, text.format(name=layout.name), style)


def _height(text: str, width: int) -> float:
    """Points for a row with this text, wrapped: not every program works it out by itself."""
    lines = ceil(len(text) / width) or 1
    return min(lines * LINE_HEIGHT, HIGHEST_ROW)
