"""An XLSX workbook: a sheet of rows, a sheet of the codebook; text is text, never a formula."""

from collections.abc import Sequence
from typing import IO, Any

from marketplace.reporting.rules.codebook import MISSING, VARIABLES, Variable
from marketplace.reporting.rules.formats.table import Table

# A sheet has 1,048,576 rows, the first of them for the names.
MOST_ROWS = 1_048_575


def write(out: IO[bytes], table: Table) -> int:
    """Write the workbook, a row at a time; `table.rows` is at most `MOST_ROWS`."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - heavy

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with Workbook(out, options) as book:
        # The moment that it shows, not the one when it was made: the same bytes each time.
        book.set_properties({"title": table.title, "created": table.as_of.replace(tzinfo=None)})
        bold = book.add_format({"bold": True})
        _rows(book.add_worksheet("outcomes"), table, bold)
        _codebook(book.add_worksheet("codebook"), bold)
    return 0


def _rows(sheet: Any, table: Table, bold: Any) -> None:
    sheet.freeze_panes(1, 0)
    for place, variable in enumerate(VARIABLES):
        sheet.set_column(place, place, _width(variable))
        sheet.write_string(0, place, variable.name, bold)
    writes = [sheet.write_number if v.numeric else sheet.write_string for v in VARIABLES]
    line = 1
    for columns in table.batches():
        cells = [
            list(map(int, column)) if variable.numeric else column
            for variable, column in zip(VARIABLES, columns, strict=True)
        ]
        for row in zip(*cells, strict=True):
            for place, (write_cell, cell) in enumerate(zip(writes, row, strict=True)):
                write_cell(line, place, cell)
            line += 1


def _width(variable: Variable) -> int:
    return max(len(variable.name) + 2, min(variable.width, 40))


def _codebook(sheet: Any, bold: Any) -> None:
    sheet.set_column(0, 3, 30)
    lines: list[Sequence[str]] = [("variable", "label", "value", "meaning")]
    for variable in VARIABLES:
        lines.append((variable.name, variable.label, "", variable.note))
        lines += [(variable.name, "", value, label) for value, label in variable.values.items()]
        lines += [(variable.name, "", code, MISSING[code]) for code in variable.missing]
    for line, texts in enumerate(lines):
        for place, text in enumerate(texts):
            sheet.write_string(line, place, text, bold if line == 0 else None)
