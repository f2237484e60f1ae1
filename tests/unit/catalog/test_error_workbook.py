"""What goes back to a host: their rows as they were, the faults coloured, and in again mended."""

import io
import re
import zipfile
from collections import Counter

import pytest
from python_calamine import CalamineWorkbook

from marketplace.catalog.rules.faults import LARGE
from marketplace.catalog.rules.sheet import LISTINGS, open_rows
from marketplace.catalog.rules.spreadsheet import read_sheet
from marketplace.catalog.service import error_workbook
from tests.unit.catalog.sheets import GOOD, sheet
from tests.unit.catalog.test_sheet_files import SAMPLE
from tests.unit.catalog.workbooks import listings

BAD = {**GOOD, "external_id": "X-2", "npi": "123", "price_per_week": "-5", "title": "=1+1"}


def errors_of(content):
    found = read_sheet(content)
    rows, _ = open_rows(io.BytesIO(content), LISTINGS.name, limits=LARGE)
    file = io.BytesIO()
    refusals = (row.problems for row in found.rows if row.problems)
    counts = Counter("refused" if row.problems else "created" for row in found.rows)
    error_workbook.write(file, rows, refusals, counts)
    return file.getvalue()


def cells_of(content, name="Listings"):
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(name).to_python()


@pytest.mark.parametrize(
    "content", [sheet(GOOD, BAD).encode(), sheet(GOOD, BAD, delimiter=";").encode(),
                sheet(GOOD, BAD).encode("utf-16"), listings(GOOD, BAD)],
)  # fmt: skip
def test_rows_come_back_as_they_were_with_what_is_wrong_beside_them(content):
    head, good, bad = cells_of(errors_of(content))
    assert head == ["problems", *GOOD]
    assert good[0] == ""
    for column in ("npi", "price_per_week", "title"):
        assert f"{column}: expected" in bad[0]
    assert bad[head.index("title")] == "=1+1"
    texts = [f"{cell:.15g}" if isinstance(cell, float) else cell for cell in good[1:]]
    assert texts == ["425" if cell == "425.00" else cell for cell in GOOD.values()]


def test_the_faulty_cells_are_coloured_and_say_what_was_expected():
    book = zipfile.ZipFile(io.BytesIO(errors_of(sheet(GOOD, BAD).encode())))
    xml = book.read("xl/worksheets/sheet1.xml").decode()
    styles = dict(re.findall(r'<c r="([A-Z]+3)" s="(\d+)"', xml))
    head = ["problems", *GOOD]
    faulty = {
        chr(ord("A") + head.index(column)) + "3" for column in ("npi", "price_per_week", "title")
    }
    assert faulty == {place for place, style in styles.items() if style == styles[min(faulty)]}
    assert styles["A3"] != styles[min(faulty)], "what is told of the row wraps"
    notes = book.read("xl/comments1.xml").decode()
    assert set(re.findall(r'ref="([A-Z]+\d+)"', notes)) == faulty
    assert "Expected a price above 0." in notes
    assert "<f>" not in xml
    assert 'ySplit="1"' in xml
    assert 'state="frozen"' in xml, "the headings stay in sight"


def test_a_summary_and_instructions_go_with_it():
    content = errors_of(SAMPLE)
    names = CalamineWorkbook.from_filelike(io.BytesIO(content)).sheet_names
    assert names == ["Listings", "Summary", "Instructions"]
    summary = cells_of(content, "Summary")
    assert summary[2][:2] == ["refused", 11.0]
    assert ["price_per_week", "negative price", 1.0] in [row[:3] for row in summary]
    assert "Mend the coloured cells" in cells_of(content, "Instructions")[3][0]


def test_what_is_not_mended_is_refused_again_for_the_same_reasons():
    first, again = read_sheet(SAMPLE), read_sheet(errors_of(SAMPLE), name="errors.xlsx")
    assert again.fault is None
    assert again.remarks == ()
    assert [[(p.row, p.column, p.code) for p in row.problems] for row in again.rows] == [
        [(p.row, p.column, p.code) for p in row.problems] for row in first.rows
    ]
    assert [row.draft for row in again.accepted] == [row.draft for row in first.accepted]


def test_what_is_mended_goes_in():
    cells = cells_of(errors_of(sheet(GOOD, BAD).encode()))
    head = cells[0]
    for column in ("npi", "price_per_week", "title"):
        cells[2][head.index(column)] = GOOD[column]
    mended = listings(*(dict(zip(head, row, strict=True)) for row in cells[1:]), columns=head)
    assert len(read_sheet(mended).accepted) == 2


def test_a_second_round_has_one_column_of_problems_only():
    again = errors_of(errors_of(sheet(GOOD, BAD).encode()))
    assert cells_of(again)[0] == ["problems", *GOOD]
    assert again.count(b"PK\x01\x02") > 5


def test_rows_that_are_too_long_or_too_short_keep_their_cells():
    head, row = sheet(GOOD).splitlines()
    short, long = ",".join(row.split(",")[:20]), f"{row},more,still more"
    found = cells_of(errors_of(f"{head}\n{short}\n{long}\n".encode()))
    assert found[2][-2:] == ["more", "still more"]
    assert "expected cells for" in found[1][0]
    assert found[1][1] == "X-1"


def test_many_problems_stay_few_comments(monkeypatch):
    monkeypatch.setattr(error_workbook, "MOST_COMMENTS", 2)
    rows = [{**BAD, "external_id": f"X-{n}"} for n in range(5)]
    book = zipfile.ZipFile(io.BytesIO(errors_of(sheet(*rows).encode())))
    assert book.read("xl/comments1.xml").count(b"<comment ") == 2
