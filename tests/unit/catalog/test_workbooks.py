"""XLSX reads as the same sheet in CSV does, and what is no honest workbook is refused in time."""

import datetime as dt
import io
import struct
import tracemalloc
import zipfile

import pytest

from marketplace.catalog.rules.faults import MIB, SMALL
from marketplace.catalog.rules.sheet import open_bytes
from marketplace.catalog.rules.spreadsheet import read_sheet
from tests.unit.catalog.sheets import GOOD, sheet
from tests.unit.catalog.workbooks import book, listings, parts_of, rebuilt, with_part

SHEET = "xl/worksheets/sheet1.xml"
TYPED = {
    **GOOD,
    "npi": 2000871097,
    "weeks_min": 4,
    "weeks_max": 12.0,
    "price_per_week": 425.5,
    "seats_per_week": 3,
    "first_start": dt.date(2027, 1, 4),
    "last_start": dt.datetime(2027, 12, 6),
    "step1_required": True,
    "step2_min": 220,
    "external_id": 1001,
}
TEXT = {**GOOD, "price_per_week": "425.5", "step1_required": "TRUE", "external_id": "1001"}


def fault_of(content, **options):
    fault = read_sheet(content, **options).fault
    assert fault is not None
    assert fault.expected
    return fault.code


def test_typed_cells_read_as_the_same_sheet_does_in_csv():
    typed, text = read_sheet(listings(TYPED)), read_sheet(sheet(TEXT))
    assert typed.fault is None
    assert typed.rows[0].record == text.rows[0].record
    assert typed.rows[0].draft == text.rows[0].draft
    assert typed.accepted


def test_rows_keep_their_numbers_and_columns_their_places():
    found = read_sheet(book([list(GOOD), list(GOOD.values())], start=(3, 2)))
    assert [row.row for row in found.rows] == [5]
    assert found.accepted


def test_the_sheet_of_that_name_is_read_else_the_first_that_is_visible():
    assert read_sheet(listings(GOOD, sheets=("Notes", "listings"))).accepted
    found = read_sheet(listings(GOOD, sheets=("Hidden", "Ours"), hidden=("Hidden",)))
    assert found.accepted
    other = read_sheet(listings(GOOD, sheets=("Cover", "Ours")))
    assert other.fault.code == "empty_file"


@pytest.mark.parametrize(
    ("column", "cached"),
    [("title", "Elective"), ("seats_per_week", 3), ("first_start", "2027-01-04"), ("notes", "")],
)
def test_a_formula_is_refused_whatever_it_shows(column, cached):
    (row,) = read_sheet(listings({**GOOD, column: ("=1+2", cached)})).rows
    assert [(p.column, p.code, p.value) for p in row.problems] == [(column, "formula", "=1+2")]


def test_a_cell_with_an_error_is_told_as_one():
    content = with_part(
        listings({**GOOD, "step2_min": 220}),
        SHEET,
        lambda xml: xml.replace(b"><v>220</v>", b' t="e"><v>#N/A</v>'),
    )
    (row,) = read_sheet(content).rows
    assert [(p.column, p.value) for p in row.problems] == [("step2_min", "#N/A")]


@pytest.mark.fault(47)
def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    """Row 47: 400 MB of zeros in 400 KB."""
    zeros = b"<x>" + b"\0" * (400 * MIB) + b"</x>"
    content = rebuilt({**parts_of(listings(GOOD)), "xl/bomb.xml": zeros})
    del zeros
    assert len(content) < MIB
    tracemalloc.start()
    assert fault_of(content) == "bomb"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * MIB


@pytest.mark.fault(47)
def test_a_size_that_lies_is_found_out():
    """Row 47: a part that says it is small, in both of its headers."""
    content = bytearray(rebuilt({**parts_of(listings(GOOD)), "xl/big.xml": b"a" * (40 * MIB)}))
    size = struct.pack("<I", 40 * MIB)
    assert content.count(size) == 2
    content = content.replace(size, struct.pack("<I", 100))
    assert fault_of(bytes(content)) == "workbook"


@pytest.mark.fault(47)
@pytest.mark.parametrize("cell", ['r="XFD1048576"', 'r="XFD1&#48;48576"', "r='A900000'"])
def test_one_cell_at_the_end_of_the_world_fills_no_memory(cell):
    """Row 47: a reader lays the table out up to it."""
    far = f"<row><c {cell}><v>1</v></c></row></sheetData>".encode()
    content = with_part(listings(GOOD), SHEET, lambda xml: xml.replace(b"</sheetData>", far))
    assert fault_of(content) in ("too_wide", "too_many_cells")


@pytest.mark.fault(47)
def test_one_long_text_shared_by_many_cells_fills_no_memory():
    """Row 47: 200 KB, told 60,000 times."""
    shared = b"<sst><si><t>" + b"x" * 200_000 + b"</t></si></sst>"
    cells = b"".join(
        b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (n, n) for n in range(1, 60_000)
    )
    parts = parts_of(listings(GOOD))
    parts["xl/sharedStrings.xml"] = shared
    parts[SHEET] = b"<worksheet><sheetData>" + cells + b"</sheetData></worksheet>"
    assert fault_of(rebuilt(parts)) == "too_much_text"


@pytest.mark.fault(47)
def test_entities_that_expand_are_refused():
    """Row 47: a billion laughs."""
    laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>'
    assert fault_of(with_part(listings(GOOD), SHEET, laughs)) == "odd_archive"


@pytest.mark.fault(47)
def test_a_file_that_is_two_things_at_once_is_refused():
    """Row 47: a page behind, before or inside the archive."""
    content = listings(GOOD)
    assert fault_of(content + b"<script>alert(1)</script>") == "odd_archive"
    assert fault_of(b"<script></script>" + content) == "not_text"
    commented = io.BytesIO(content)
    with zipfile.ZipFile(commented, "a") as archive:
        archive.comment = b"<script>"
    assert fault_of(commented.getvalue()) == "odd_archive"


@pytest.mark.fault(47)
@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "xl\\..\\..\\x", "C:x"])
def test_parts_that_would_leave_the_archive_are_refused(name):
    """Row 47: a name with `../`."""
    content = rebuilt({**parts_of(listings(GOOD)), name: b"x"})
    assert fault_of(content) == "odd_archive"


@pytest.mark.fault(47)
def test_what_is_larger_than_allowed_is_refused_by_its_size():
    """Row 47: an upload of more than a sheet can be."""
    assert fault_of(b"x" * (4 * MIB + 1), limits=SMALL) == "too_large"
    rows = [GOOD] * 2_001
    assert fault_of(sheet(*rows).encode(), limits=SMALL) == "too_many_rows"
    assert fault_of(listings(*rows), limits=SMALL) == "too_many_rows"


def test_overlapping_parts_are_refused():
    """A bomb whose parts are all the same bytes: small parts, told often."""
    content = bytearray(listings(GOOD))
    directory = content.find(b"PK\x01\x02")
    second = content.find(b"PK\x01\x02", directory + 4)
    content[second + 42 : second + 46] = content[directory + 42 : directory + 46]
    assert fault_of(bytes(content)) == "odd_archive"


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("xl/vbaProject.bin", "macros"),
        ("xl/macrosheets/sheet1.xml", "macros"),
        ("xl/workbook.bin", "other_workbook"),
        ("content.xml", "other_workbook"),
    ],
)
def test_other_kinds_of_workbooks_are_named(part, code):
    assert fault_of(rebuilt({**parts_of(listings(GOOD)), part: b"x"})) == code


def test_locked_old_and_foreign_files_are_told_apart():
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
    assert fault_of(ole + "EncryptedPackage".encode("utf-16-le")) == "encrypted"
    assert fault_of(ole) == "old_workbook"
    assert fault_of(rebuilt({"hello.txt": b"hello"})) == "not_a_workbook"
    locked = bytearray(listings(GOOD))
    place = locked.find(b"PK\x01\x02")
    locked[place + 8] |= 1
    assert fault_of(bytes(locked)) == "encrypted"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", listings(GOOD), "wrong_ending"),
        ("a.xlsx", sheet(GOOD).encode(), "wrong_ending"),
        ("a.xlsm", listings(GOOD), "macros"),
        ("a.xls", listings(GOOD), "old_workbook"),
        ("a.pdf", sheet(GOOD).encode(), "wrong_ending"),
        ("a.exe", b"MZ", "wrong_ending"),
    ],
)
def test_a_name_that_contradicts_its_file_is_refused(name, content, code):
    assert fault_of(content, name=name) == code


def test_a_name_may_say_what_the_file_is():
    assert read_sheet(listings(GOOD), name="Ours 2027.XLSX").accepted
    assert read_sheet(sheet(GOOD).encode(), name="../../ours.csv").accepted


@pytest.mark.parametrize("cut", [10, 200, 1_000, -30])
def test_a_workbook_that_is_cut_short_is_refused(cut):
    content = listings(GOOD)
    assert fault_of(content[:cut]) in ("workbook", "odd_archive")


def test_a_workbook_whose_parts_are_no_xml_is_refused():
    for part in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", SHEET, "xl/sharedStrings.xml"):
        assert fault_of(with_part(listings(GOOD), part, b"<broken")) == "workbook"


def test_a_heading_too_many_is_no_way_to_keep_the_server_busy():
    assert fault_of((",".join(f"h{n}" for n in range(9_000)) + "\nx\n").encode()) == "too_wide"


def test_a_row_without_an_end_is_refused():
    text = sheet(GOOD) + '"\n",' * 400_000
    assert fault_of(text.encode()) == "not_csv"


def test_records_come_one_by_one():
    table = open_bytes(listings(GOOD, {**GOOD, "external_id": "X-2"}))
    assert next(table.records).cells["external_id"] == "X-1"
    assert next(table.records).row == 3
    assert tuple(table.headings) == tuple(GOOD)
