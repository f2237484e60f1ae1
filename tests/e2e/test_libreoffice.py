"""Our workbooks as another program reads them: LibreOffice opens them and says what it sees."""

import csv
import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from marketplace.catalog.rules.sheet import LISTINGS
from marketplace.catalog.rules.spreadsheet import read_sheet
from marketplace.catalog.rules.terms import terms_of
from marketplace.catalog.rules.writing import Format
from marketplace.catalog.service import exporting
from tests.unit.catalog.test_error_workbook import errors_of
from tests.unit.catalog.test_sheet_files import SAMPLE

NAMES = {
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
}
SECONDS = 120


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Both workbooks, opened and saved as flat XML: name to the root of its document."""
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("there is no LibreOffice (soffice) here to open our workbooks with")
    folder = tmp_path_factory.mktemp("office")
    (folder / "errors.xlsx").write_bytes(errors_of(SAMPLE))
    (folder / "export.xlsx").write_bytes(exported(Format.XLSX))
    own = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    subprocess.run(
        [program, own, "--headless", "--convert-to", "fods", "--outdir", str(folder),
         str(folder / "errors.xlsx"), str(folder / "export.xlsx")],
        check=True, capture_output=True, timeout=SECONDS,
    )  # fmt: skip
    return {name: parsed(folder / f"{name}.fods") for name in ("errors", "export")}


def exported(form: Format) -> bytes:
    rows = [terms_of(row.draft) for row in read_sheet(SAMPLE).accepted if row.draft]
    file = io.BytesIO()
    exporting.write_rows(file, LISTINGS, rows, form)
    return file.getvalue()


def parsed(path: Path) -> Any:
    return ET.parse(path).getroot()  # noqa: S314 - written by the program that we started


def name_of(name: str) -> str:
    space, _, local = name.partition(":")
    return f"{{{NAMES[space]}}}{local}"


def rows_of(root: Any, sheet: str) -> list[list[str]]:
    (table,) = (
        one for one in root.iter(name_of("table:table")) if one.get(name_of("table:name")) == sheet
    )
    found = []
    for row in table.iter(name_of("table:table-row")):
        cells = [text for cell in row for text in texts_of(cell)]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            found.append(cells)
    return found


def texts_of(cell: Any) -> Iterator[str]:
    """The cell's text, as often as it is said to stand there; those at the end of a row once."""
    kind = cell.get(name_of("office:value-type"))
    if kind == "float":
        text = format(float(cell.get(name_of("office:value"))), ".15g")
    elif kind == "date":
        text = cell.get(name_of("office:date-value"))
    else:
        text = "".join("".join(part.itertext()) for part in cell.findall("text:p", NAMES))
    times = int(cell.get(name_of("table:number-columns-repeated"), 1))
    return iter([text] * (times if text or times < len(LISTINGS.columns) else 1))


def plain(rows: list[list[str]]) -> list[list[str]]:
    """Rows of a CSV file with numbers as a spreadsheet keeps them."""
    return [[number(cell) for cell in row] for row in rows]


def number(cell: str) -> str:
    try:
        return format(float(cell), ".15g")
    except ValueError:
        return cell


def padded(rows: list[list[str]], width: int) -> list[list[str]]:
    return [[*row, *[""] * (width - len(row))] for row in rows]


def test_what_is_exported_is_read_cell_by_cell_as_in_the_csv_file(opened: dict[str, Any]):
    text = exported(Format.CSV).decode("utf-8-sig")
    expected = plain(list(csv.reader(io.StringIO(text, newline=""))))
    width = len(LISTINGS.columns)
    assert padded(rows_of(opened["export"], LISTINGS.name), width) == expected


def test_the_rows_of_the_workbook_of_errors_are_those_that_were_sent(opened: dict[str, Any]):
    sent = list(csv.reader(io.StringIO(SAMPLE.decode("utf-8-sig"), newline="")))
    width = len(sent[0])
    found = padded(rows_of(opened["errors"], LISTINGS.name), width + 1)
    assert [row[1:] for row in found] == padded(plain(sent), width)
    told = {line: row[0] for line, row in enumerate(found, start=1) if row[0]}
    assert set(told) == {1, *(row.row for row in read_sheet(SAMPLE).refused)}


def test_its_notes_are_understood(opened: dict[str, Any]):
    root = opened["errors"]
    notes = ["".join(one.itertext()) for one in root.iter(name_of("office:annotation"))]
    problems = [one for row in read_sheet(SAMPLE).refused for one in row.problems]
    assert len(notes) == len({(one.row, one.column) for one in problems})
    assert any("Expected a price above 0." in note for note in notes)


def test_the_summary_adds_up(opened: dict[str, Any]):
    summary = dict(row[:2] for row in rows_of(opened["errors"], "Summary") if len(row) == 2)
    refused = len(read_sheet(SAMPLE).refused)
    assert summary["refused"] == str(refused)
