"""A school's sheet of students: which addresses its column `email` names."""

import csv
import io

from marketplace.identity.errors import StudentsSheetUnfit

MOST_ROWS = 500
LARGEST_SHEET = 1 << 18


def addresses(content: bytes) -> list[str]:
    """Return the column `email` of a CSV, row by row, empty where a row has none.

    Semicolons are taken for commas. Raises `StudentsSheetUnfit` for what is no such sheet.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudentsSheetUnfit("The sheet is not UTF-8.") from error
    heading = text.partition("\n")[0]
    if "\x00" in text:
        raise StudentsSheetUnfit("The sheet has bytes that are no text.")
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in heading else ",")
    try:
        rows = [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise StudentsSheetUnfit(f"Not readable as CSV: {error}.") from error
    names = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "email" not in names:
        raise StudentsSheetUnfit("The first row names no column `email`.")
    if not 1 <= len(rows) - 1 <= MOST_ROWS:
        raise StudentsSheetUnfit(f"The sheet has {len(rows) - 1} rows; 1 to {MOST_ROWS} are taken.")
    place = names.index("email")
    return [row[place].strip() if place < len(row) else "" for row in rows[1:]]
