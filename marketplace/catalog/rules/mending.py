"""A sheet with some of its cells said anew, as CSV; every row keeps its number."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from marketplace.catalog.rules.sheet import Layout, Record, open_table

Cells = Mapping[tuple[int, str], str]


def mended(file: BinaryIO, name: str | None, layout: Layout, cells: Cells) -> Iterator[bytes]:
    """The rows of a file with `cells`, by row and column, in the place of what they said.

    What stands beyond the headings stays there, to be refused again. Raises `SheetFault`.
    """
    table = open_table(file, layout, name=name)
    line, columns = 0, list[str]()
    for record in table.records:
        if not columns:
            columns = [one for one in layout.columns if _is_there(one, record, cells)]
            yield _written([], table.heading_row - 1) + _written(columns)
            line = table.heading_row
        # Rows that were empty stay so: the numbers of the others are known to whoever mends.
        yield _written([], record.row - line - 1) + _written(_row(record, columns, cells))
        line = record.row


def _is_there(column: str, record: Record, cells: Cells) -> bool:
    """Whether the sheet has the column, or is given it by what is said anew."""
    named = column in record.cells or column in record.missing
    return named or any(name == column for _, name in cells)


def _row(record: Record, columns: list[str], cells: Cells) -> list[str]:
    found = [cells.get((record.row, name), record.cells.get(name, "")) for name in columns]
    return [*found, *record.surplus]


def _written(row: list[str], times: int = 1) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for _ in range(times):
        writer.writerow(row)
    return text.getvalue().encode()
