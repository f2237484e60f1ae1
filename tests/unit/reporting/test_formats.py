"""Every format says the same, whatever is in the rows; opened by other programs where there are."""

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from python_calamine import CalamineWorkbook

from marketplace.reporting.rules import codebook
from marketplace.reporting.rules.codebook import MISSING, NAMES, STATA_MISSING, VARIABLES
from marketplace.reporting.rules.formats import documents, dta, jsonl, parquet, sav, table, xlsx
from marketplace.reporting.rules.formats.table import Table, cut, read
from tests.unit.reporting import read_dta, read_parquet, read_sav

AS_OF = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WRITERS = {"jsonl": jsonl, "parquet": parquet, "sav": sav, "dta": dta, "xlsx": xlsx}
TEXTS = {
    "specialty": "Internal medicine",
    "program": 'Ñandú 医院, "A"\nB',
    "residency_specialty": "'=1+1",
    "external_id": "'-9",
    "grad_band": "''@x",
}
# What stands in the other formats: without the guard, unless it would read like a code.
BARE = {**TEXTS, "residency_specialty": "=1+1", "grad_band": "'@x"}


def cell(variable, number):
    """A value of the variable, or one of its missing codes; every one of both comes."""
    if variable.kind == "text":
        choices = [TEXTS[variable.name]]
    elif variable.kind == "id":
        choices = [f"01a202ed-1df6-7648-a8e8-{number:012d}"]
    elif variable.kind == "time":
        choices = ["2024-04-02T09:30:00Z"]
    elif variable.name == "match_year":
        choices = ["2024"]
    else:
        choices = list(variable.values) or ["3", "150", "300"]
    choices += variable.missing
    return choices[number % len(choices)]


def spool(rows, changed=None):
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(NAMES)
    for number in range(rows):
        row = {variable.name: cell(variable, number) for variable in VARIABLES}
        writer.writerow({**row, **(changed or {})}.values())
    return io.BytesIO(out.getvalue().encode())


def written(name, rows=40, profile="identified", **changed):
    out = io.BytesIO()
    table = Table(spool(rows, changed), rows, 2024, profile, AS_OF)
    texts_cut = WRITERS[name].write(out, table)
    return out.getvalue(), texts_cut


def expected(rows=40):
    """The rows as they should stand where nothing but the guard is in the way."""
    found = []
    for number in range(rows):
        row = {}
        for variable in VARIABLES:
            value = cell(variable, number)
            if value == TEXTS.get(variable.name):
                value = BARE[variable.name]
            row[variable.name] = int(value) if variable.numeric else value
        found.append(row)
    return found


def coded(row):
    """The row where words have become numbers."""
    return {
        v.name: v.numbers.get(
            str(row[v.name]), int(row[v.name]) if str(row[v.name]) in MISSING else 0
        )
        if v.values
        else row[v.name]
        for v in VARIABLES
    }


def test_the_guard_comes_off_unless_the_text_would_read_like_a_code():
    (columns,) = read(spool(1))
    row = dict(zip(NAMES, next(zip(*columns, strict=True)), strict=True))
    assert {name: row[name] for name in TEXTS} == BARE


def test_blocks_end_where_the_rows_do():
    plain = [len(columns[0]) for columns in read(spool(45, {"program": "-9"}), 4096)]
    assert sum(plain) == 45
    assert len(plain) > 2
    # A row with a line break in it is never cut, wherever a block would end.
    for size in range(1, 900, 7):
        assert sum(len(columns[0]) for columns in read(spool(5), size)) == 5
    assert list(read(spool(0))) == []


@pytest.mark.parametrize("text", ["é" * 200, "医" * 100, "a" * 254 + "é", "🏥" * 64])
def test_a_text_is_cut_between_characters(text):
    assert len(cut(text, 255)) <= 255
    assert text.startswith(cut(text, 255).decode())


def test_json_lines():
    content, _ = written("jsonl")
    assert [json.loads(line) for line in content.decode().splitlines()] == expected()


def test_parquet():
    content, _ = written("parquet")
    schema, about, groups, rows = read_parquet.read(content)
    assert [name for name, _, _ in schema] == list(NAMES)
    assert [dict(zip(NAMES, row, strict=True)) for row in rows] == expected()
    assert groups == [40]
    assert json.loads(about["codebook"]) == codebook.as_document()


def test_parquet_in_groups(monkeypatch):
    monkeypatch.setattr(table, "BLOCK", 1500)
    _, _, groups, rows = read_parquet.read(written("parquet")[0])
    assert sum(groups) == 40
    assert len(groups) > 3
    assert [dict(zip(NAMES, row, strict=True)) for row in rows] == expected()


def test_parquet_of_few_and_of_many_different_cells():
    """Dictionaries of each width; cells of one size, of many sizes, and too long to be compared."""
    sizes = {
        "match_year": 5, "wave": 9, "external_id": 17, "specialty": 33, "grad_band": 65,
        "program": 129, "interviews": 300,
    }  # fmt: skip
    wanted = []
    for number in range(700):
        row = {variable.name: cell(variable, number) for variable in VARIABLES}
        row |= {name: f"{number % size}" for name, size in sizes.items()}
        row["program"] += "y" * (number % 129)
        row["account_id"] = f"{number:05d}" + "i" * (number % 40)
        row["recorded_at"] = "" if number == 300 else f"{number:020d}"
        row["residency_specialty"] = f"{number:0{250 + number % 10}d}"
        wanted.append(row)
    lines = [",".join(row.values()) for row in ({name: name for name in NAMES}, *wanted)]
    out = io.BytesIO()
    spooled = io.BytesIO("\n".join((*lines, "")).encode())
    parquet.write(out, Table(spooled, len(wanted), None, "identified", AS_OF))
    rows = read_parquet.read(out.getvalue())[-1]
    assert [[str(value) for value in row] for row in rows] == [list(row.values()) for row in wanted]


def test_spss():
    found = read_sav.read(written("sav")[0])
    assert (found.names, found.encoding) == (list(NAMES), "UTF-8")
    assert [dict(zip(NAMES, row, strict=True)) for row in found.rows] == [
        coded(row) for row in expected()
    ]
    assert found.labels == {variable.name: variable.label for variable in VARIABLES}
    for variable in VARIABLES:
        if variable.numeric or variable.values:
            assert found.missing.get(variable.name) == ((-9.0, -6.0) if variable.missing else None)
        else:
            assert set(found.missing.get(variable.name, ())) == set(variable.missing) - {"-6"}
        for value, number in variable.numbers.items():
            assert variable.values[value] in found.values[variable.name][number]
        if variable.numeric or variable.values:
            for code in variable.missing:
                assert found.values[variable.name][int(code)] == MISSING[code]


def test_what_is_withheld_is_missing_to_spss_too():
    found = read_sav.read(written("sav", profile="pii_free")[0])
    assert found.missing["program"] == found.missing["external_id"] == ("-6",)
    assert all(len(codes) <= 3 for codes in found.missing.values())


def test_stata():
    names, columns, labelled, labels = read_dta.read(written("dta")[0])
    assert (names, labelled) == (list(NAMES), {v.name: v.label for v in VARIABLES})
    for variable in VARIABLES:
        wanted = [coded(row)[variable.name] for row in expected()]
        if variable.numeric or variable.values:
            wanted = [f".{STATA_MISSING[str(x)]}" if str(x) in MISSING else x for x in wanted]
            for value, number in variable.numbers.items():
                assert variable.values[value] in labels[variable.name][number]
            for code in variable.missing:
                letter = ord(STATA_MISSING[code]) - ord("a")
                assert labels[variable.name][2147483622 + letter] == MISSING[code]
        assert columns[variable.name] == wanted, variable.name


def test_a_workbook_holds_text_and_numbers_and_no_formula():
    content, _ = written("xlsx")
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert book.sheet_names == ["outcomes", "codebook"]
    names, *rows = book.get_sheet_by_name("outcomes").to_python()
    assert names == list(NAMES)
    assert [dict(zip(NAMES, row, strict=True)) for row in rows] == expected()
    assert b"<f>" not in content


@pytest.mark.parametrize("name", WRITERS)
def test_nothing_depends_on_when_it_is_made(name):
    assert written(name) == written(name)


@pytest.mark.parametrize("name", WRITERS)
def test_no_rows_are_a_file_all_the_same(name):
    content, texts_cut = written(name, rows=0)
    assert texts_cut == 0
    if name == "parquet":
        schema, _, groups, rows = read_parquet.read(content)
        assert (schema, groups, rows) == (read_parquet.read(written(name)[0])[0], [], [])
    elif name == "sav":
        empty, full = read_sav.read(content), read_sav.read(written(name)[0])
        assert (empty.names, empty.widths, empty.rows) == (full.names, full.widths, [])
    elif name == "xlsx":
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        assert book.get_sheet_by_name("outcomes").to_python() == [list(NAMES)]
    elif name == "dta":
        assert read_dta.read(content)[0] == list(NAMES)
    else:
        assert content == b""


@pytest.mark.parametrize(("name", "places"), [("sav", 255), ("dta", 255)])
def test_long_texts_are_cut_and_counted(name, places):
    content, texts_cut = written(name, rows=3, program="é" * 200)
    assert texts_cut == 3
    if name == "sav":
        cells = [row[NAMES.index("program")] for row in read_sav.read(content).rows]
    else:
        cells = read_dta.read(content)[1]["program"]
    assert cells == ["é" * 127] * 3


def test_redcap_takes_every_value_that_the_csv_may_have():
    rows = list(csv.DictReader(io.StringIO(documents.redcap())))
    assert [row["Variable / Field Name"] for row in rows] == list(NAMES)
    assert tuple(rows[0]) == documents.REDCAP_COLUMNS
    for row, variable in zip(rows, VARIABLES, strict=True):
        choices = row["Choices, Calculations, OR Slider Labels"]
        if variable.values:
            codes = [choice.split(",")[0] for choice in choices.split(" | ")]
            assert codes == [*variable.values, *variable.missing]
        assert (row["Identifier?"] == "y") == (variable.name in ("account_id", "external_id"))


# As the schema has it: what may stand below each, in this order. "*" is any number of times.
DDI = {
    "codeBook": ["stdyDscr", "fileDscr*", "dataDscr"],
    "stdyDscr": ["citation"],
    "citation": ["titlStmt", "verStmt"],
    "titlStmt": ["titl"],
    "verStmt": ["version"],
    "fileDscr": ["fileTxt"],
    "fileTxt": ["fileName", "dimensns"],
    "dimensns": ["caseQnty", "varQnty"],
    "dataDscr": ["var*"],
    "var": ["labl", "invalrng*", "txt*", "catgry*", "varFormat"],
    "invalrng": ["item*"],
    "catgry": ["catValu", "labl"],
}


def test_ddi_has_the_order_that_its_schema_wants():
    table = Table(spool(0), 12, None, "pii_free", AS_OF)
    text = documents.ddi(table, ["outcomes-all.csv", "outcomes-all.sav"])
    root = ET.fromstring(text)  # noqa: S314 - our own
    assert root.tag == "{ddi:codebook:2_5}codeBook"
    assert root.get("version") == "2.5"
    for element in root.iter():
        name = element.tag.removeprefix("{ddi:codebook:2_5}")
        children = [child.tag.removeprefix("{ddi:codebook:2_5}") for child in element]
        allowed = DDI.get(name, [])
        places = [
            next(n for n, one in enumerate(allowed) if one.rstrip("*") == child)
            for child in children
        ]
        assert places == sorted(places), name
        for place, one in enumerate(allowed):
            assert one.endswith("*") or places.count(place) == 1, (name, one)
    variables = root.findall(".//{ddi:codebook:2_5}var")
    assert [one.get("name") for one in variables] == list(NAMES)
    files = {one.get("ID") for one in root.findall("{ddi:codebook:2_5}fileDscr")}
    assert all(set(one.get("files").split()) == files for one in variables)
    missing = root.findall(".//{ddi:codebook:2_5}catgry[@missing='Y']")
    assert len(missing) == sum(len(variable.missing) for variable in VARIABLES)


def test_the_readme_names_every_file():
    table = Table(spool(0), 12, 2024, "pii_free", AS_OF)
    names = [f"outcomes-2024.{one}" for one in ("csv", *WRITERS)] + ["ddi.xml", "manifest.json"]
    text = documents.readme(table, names)
    assert all(f"| {name} |" in text for name in names)


def test_the_libraries_of_workers_are_not_loaded_by_the_codebook():
    code = "import sys, marketplace.reporting.rules.formats.xlsx, marketplace.reporting.rules.formats.parquet; print([m for m in ('numpy', 'xlsxwriter') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


PLAIN = {"program": "-9", "specialty": "Surgery", "grad_band": "0-2"}


@pytest.mark.parametrize(
    "changed", [PLAIN, {**PLAIN, "specialty": "'=1"}, {**PLAIN, "wave": "123456789"}]
)
def test_parquet_by_arithmetic_says_what_it_says_cell_by_cell(monkeypatch, changed):
    quick = read_parquet.read(written("parquet", 100, **changed)[0])
    monkeypatch.setattr(
        parquet, "_pages", lambda block, read: map(parquet._slow, VARIABLES, read())
    )
    slow = read_parquet.read(written("parquet", 100, **changed)[0])
    assert quick == slow
    assert len(quick[3]) == 100
    assert {row[NAMES.index("specialty")] for row in quick[3]} == {changed["specialty"].lstrip("'")}


def test_parquet_takes_words_that_the_codebook_does_not_know():
    _, _, _, rows = read_parquet.read(written("parquet", 9, **PLAIN, main_result="x" * 40)[0])
    assert {row[NAMES.index("main_result")] for row in rows} == {"x" * 40}
    _, _, _, rows = read_parquet.read(written("parquet", 9, **PLAIN, delivery="lost")[0])
    assert {row[NAMES.index("delivery")] for row in rows} == {"lost"}
