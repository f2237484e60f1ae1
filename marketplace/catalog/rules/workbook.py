"""XLSX, looked through before it is opened: what it unpacks to, how far its cells reach.

`archive` refuses bombs, macros, passwords and files that are two things at once; `cells` reads
the parts that are needed as a stream, so that neither a reach to the last possible cell nor one
long text that a million cells share gets as far as memory. Only then the reader is let at it. A
formula is refused as such, whatever value its program has left with it.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import BinaryIO

from marketplace.catalog.rules import archive
from marketplace.catalog.rules.delimited import Rows
from marketplace.catalog.rules.faults import Limits, Remark, SheetFault
from marketplace.catalog.rules.parts import Contents, chosen_sheet, look_through

Value = str | int | float | bool | date | datetime | time | timedelta


def read(file: BinaryIO, limits: Limits, preferred: str) -> tuple[Rows, list[Remark]]:
    """The rows of a workbook's sheet as CSV would hold them, with their numbers.

    The sheet is the one named `preferred`, whatever its case, else the first that is visible.
    """
    opened = archive.checked(file, limits)
    sheet = chosen_sheet(opened, preferred)
    contents = look_through(opened, sheet.part, limits)
    remarks = []
    if sheet.others:
        remarks.append(Remark("other_sheets", f"Only the sheet {sheet.name!r} was read."))
    return _rows(file, sheet.name, contents), remarks


def _rows(file: BinaryIO, name: str, contents: Contents) -> Rows:
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - heavy

    file.seek(0)
    try:
        with CalamineWorkbook.from_filelike(file) as workbook:
            sheet = workbook.get_sheet_by_name(name)
            if sheet.start is None:
                raise SheetFault("empty_file", "a sheet with headings and rows; this one is empty")
            yield from _texts(sheet.iter_rows(), sheet.start[1], contents)
    except CalamineError as error:
        raise archive.damaged() from error


def _texts(rows: Iterator[list[Value]], left: int, contents: Contents) -> Rows:
    for number, values in enumerate(rows, start=1):
        cells = [value if type(value) is str else text_of(value) for value in values]
        for column, found in contents.refused.get(number, ()):
            place = column - left
            if 0 <= place < len(cells):
                cells[place] = found
        yield number, cells


def text_of(value: Value) -> str:
    """A typed cell as the text that the same sheet would have as CSV."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        # As many digits as a spreadsheet shows, so that 0.1 + 0.2 is 0.3 here too.
        return format(value, ".15g")
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat(" ")
    return str(value) if isinstance(value, timedelta) else value.isoformat()
