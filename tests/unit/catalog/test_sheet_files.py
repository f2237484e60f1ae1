"""Whole files: columns, encodings, delimiters, rows against rows, and what can't be read."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.catalog.rules.mending import mended
from marketplace.catalog.rules.sheet import CALENDAR, COLUMNS, OPTIONAL, open_bytes
from marketplace.catalog.rules.spreadsheet import read_sheet
from marketplace.catalog.rules.terms import terms_of
from tests.unit.catalog.sheets import GOOD, sheet

SAMPLE = Path("marketplace/catalog/data/host_listings.csv").read_bytes()


def test_a_row_that_repeats_another_is_passed_over():
    found = read_sheet(sheet(GOOD, {**GOOD, "specialty": "IM"}))
    assert found.refused == []
    assert len(found.accepted) == 1
    assert found.rows[1].repeats == 2


def test_contradictions_between_rows_refuse_all_of_them():
    other_site = {**GOOD, "external_id": "X-2", "address": "Elsewhere 1"}
    other_name = {**GOOD, "external_id": "X-3", "preceptor": "Dr. Somebody Else"}
    same_person = {**GOOD, "external_id": "x-4", "preceptor": "Amara Okafor, MD"}
    same_id = {**GOOD, "external_id": "x-1", "weeks_max": "8"}
    codes = lambda *rows: [
        [problem.code for problem in row.problems] for row in read_sheet(sheet(*rows)).rows
    ]
    assert codes(GOOD, other_site) == [["site_contradiction"]] * 2
    assert codes(GOOD, other_name) == [["npi_of_two_people"]] * 2
    assert codes(GOOD, same_person) == [[], []]
    assert codes(GOOD, same_id) == [["duplicate_id"]] * 2


def test_columns_may_come_in_another_order_and_by_other_names():
    renamed = {"timezone": "Time Zone", "price_per_week": "Price", "npi": "NPI"}
    columns = [renamed.get(column, column.replace("_", " ").title()) for column in reversed(GOOD)]
    values = [GOOD[column] for column in reversed(GOOD)]
    text = io.StringIO()
    csv.writer(text).writerows([columns, values])
    found = read_sheet(text.getvalue())
    assert len(found.accepted) == 1
    assert {remark.code for remark in found.remarks} == {"heading"}


@pytest.mark.parametrize("missing", sorted(set(COLUMNS) - OPTIONAL))
def test_a_missing_column_refuses_the_file(missing):
    columns = [column for column in GOOD if column != missing]
    found = read_sheet(sheet(GOOD, columns=columns))
    assert found.fault
    assert found.fault.code == "missing_columns"
    assert missing in found.fault.expected


def test_columns_that_may_be_missing_or_are_unknown():
    columns = [column for column in GOOD if column not in OPTIONAL] + ["colour", "step2min"]
    found = read_sheet(sheet(GOOD, columns=columns))
    assert len(found.accepted) == 1
    assert [remark.code for remark in found.remarks] == ["unknown_column"] * 2
    assert "step2_min" in found.remarks[1].text


def test_a_renamed_column_is_guessed_at():
    columns = ["specialties" if column == "specialty" else column for column in GOOD]
    fault = read_sheet(sheet(GOOD, columns=columns)).fault
    assert fault
    assert "is it 'specialties'?" in fault.expected


def test_a_doubled_column_refuses_the_file():
    fault = read_sheet(sheet(GOOD, columns=[*GOOD, "title"])).fault
    assert fault
    assert (fault.code, "title" in fault.expected) == ("doubled_columns", True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding):
    content = sheet({**GOOD, "preceptor": "Dr. José Núñez"}).encode(encoding)
    found = read_sheet(content)
    assert found.accepted[0].draft.preceptor.name == "Dr. José Núñez"
    assert [r.code for r in found.remarks] == (
        ["read_as_windows_1252"] if encoding == "cp1252" else []
    )


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiters(delimiter):
    duties = "history_taking, physical_examination, clinical_notes"
    found = read_sheet(sheet({**GOOD, "duties": duties}, delimiter=delimiter))
    assert len(found.accepted) == 1
    assert [remark.code for remark in found.remarks] == ["delimiter"]


def test_excels_own_hint_counts_as_a_row():
    found = read_sheet("sep=,\r\n" + sheet(GOOD))
    assert [row.row for row in found.rows] == [3]


def test_blank_rows_count_and_are_passed_over():
    head, row = sheet(GOOD).splitlines()
    found = read_sheet("\n".join([head, "," * 28, "", row]))
    assert [each.row for each in found.rows] == [4]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        (b"\n\n", "empty_file"),
        ("", "empty_file"),
        (b"PK\x03\x04rest", "workbook"),
        (b"\x00\x01", "not_text"),
        (b"\x81\x8d\xff", "not_text"),
        (b"\xff\xfe\x00", "not_text"),
        (SAMPLE.splitlines()[0], "no_rows"),
        (SAMPLE.splitlines()[0] + b'\n"open', "not_csv"),
        (SAMPLE.splitlines()[0] + b"\n" + b"x" * 200_000, "not_csv"),
        (b"x" * 50_000_001, "too_large"),
        (b"hello", "missing_columns"),
    ],
)
def test_files_that_can_not_be_read(content, code):
    fault = read_sheet(content).fault
    assert fault
    assert fault.code == code
    assert fault.expected


def test_a_row_with_an_unquoted_comma_says_so():
    text = sheet(GOOD).replace("425.00", "1,250")
    (row,) = read_sheet(text).rows
    assert row.problems[-1].code == "too_many_cells"
    assert "quotes" in row.problems[-1].expected
    noted = sheet({**GOOD, "notes": "Hello"}).replace("425.00", "1,250")
    (row,) = read_sheet(noted).rows
    assert [problem.code for problem in row.problems] == ["too_many_cells"]


def test_a_row_that_is_cut_short_says_what_is_missing():
    head, row = sheet(GOOD).splitlines()
    (found,) = read_sheet(f"{head}\n{','.join(row.split(',')[:20])}\n").rows
    assert [problem.code for problem in found.problems] == ["too_few_cells"]


def test_accepted_rows_come_out_and_go_in_again_unchanged():
    drafts = [row.draft for row in read_sheet(SAMPLE).accepted]
    again = read_sheet(sheet(*map(terms_of, drafts), columns=COLUMNS))
    assert [row.draft for row in again.accepted] == drafts
    assert all(row.fixes == () for row in again.rows)


anything = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["=1", "-5", "1,250", "01/04/2027", "2027-13-40", ";;", "any", "9" * 40]),
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(COLUMNS), anything, max_size=6))
def test_no_cell_makes_the_reader_stumble(changes):
    found = read_sheet(sheet({**GOOD, **changes}))
    for row in found.rows:
        assert bool(row.draft) != bool(row.problems)
        if row.draft:
            assert row.draft.price.minor > 0
            assert row.draft.weeks_min <= row.draft.weeks_max
            assert row.draft.first_start <= row.draft.last_start


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.text(max_size=400)))
def test_no_file_makes_the_reader_stumble(content):
    found = read_sheet(content)
    assert found.fault or found.rows


def test_a_mended_sheet_keeps_its_rows_and_all_that_was_not_said_anew():
    sheet = b"Title,week,seats,pool_id\r\n,,,\r\n,2027-01-04,x,p-1,more\r\n,2027-01-11,2,p-2\r\n"
    said = b"".join(mended(io.BytesIO(sheet), "a.csv", CALENDAR, {(3, "seats"): "3"}))
    rows = [
        (one.row, one.cells["seats"], one.cells["pool_id"], one.surplus)
        for one in open_bytes(said, CALENDAR).records
    ]
    assert rows == [(3, "3", "p-1", ["more"]), (4, "2", "p-2", [])]
