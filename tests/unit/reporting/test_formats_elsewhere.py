"""Every format opened by other programs: DuckDB and ReadStat always, others where they are installed."""

import csv
import io
import json
import shutil
import subprocess
from importlib.util import find_spec

import duckdb
import pyreadstat
import pytest

from marketplace.reporting.rules import codebook
from marketplace.reporting.rules.codebook import MISSING, NAMES, STATA_MISSING, VARIABLES
from tests.unit.reporting.test_formats import coded, expected, spool, written


def office(tmp_path, name, content):
    """What LibreOffice makes of a file: its first sheet as CSV."""
    (tmp_path / name).write_bytes(content)
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    form = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false"
    # What a person says in the import dialog: commas, quotes, UTF-8.
    read = ["--infilter=CSV:44,34,76,1"] if name.endswith("csv") else []
    command = ["soffice", profile, "--headless", *read, "--convert-to", form, "--outdir", "out"]
    subprocess.run([*command, name], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    text = (tmp_path / "out" / name).with_suffix(".csv").read_text(encoding="utf-8")
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize("name", ["outcomes.xlsx", "outcomes.csv"])
def test_libreoffice_shows_what_was_written(tmp_path, name):
    content = written("xlsx")[0] if name.endswith("xlsx") else spool(40).getvalue()
    names, *rows = office(tmp_path, name, content)
    assert names == list(NAMES)
    wanted = [[str(value) for value in row.values()] for row in expected()]
    if name.endswith("csv"):
        wanted = list(csv.reader(io.StringIO(spool(40).getvalue().decode())))[1:]
    assert rows == wanted


@pytest.mark.skipif(shutil.which("pspp-convert") is None, reason="PSPP is not installed")
def test_pspp_reads_the_spss_file(tmp_path):
    (tmp_path / "a.sav").write_bytes(written("sav")[0])
    subprocess.run(["pspp-convert", "a.sav", "a.csv"], cwd=tmp_path, check=True, timeout=60)
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    names, *rows = csv.reader(io.StringIO(text, newline=""))
    assert names == list(NAMES)
    wanted = [[str(coded(row)[name]) for name in NAMES] for row in expected()]
    assert [[cell.replace("\r\n", "\n") for cell in row] for row in rows] == wanted


HAVEN = """
suppressMessages(library(haven))
sav <- read_sav("a.sav", user_na = TRUE); dta <- read_dta("a.dta")
stopifnot(nrow(sav) == 40, nrow(dta) == 40, identical(names(sav), names(dta)))
stopifnot(setequal(na.omit(na_tag(dta$main_result)), c("n", "r", "u")))
stopifnot(identical(attr(sav$main_result, "na_range"), c(-9, -6)))
cat(names(sav), sep = "\\n")
"""


def has_haven():
    if shutil.which("Rscript") is None:
        return False
    asked = ["Rscript", "-e", "quit(status = !requireNamespace('haven', quietly = TRUE))"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not has_haven(), reason="R's haven is not installed")
def test_haven_reads_the_spss_and_the_stata_file(tmp_path):
    for name in ("sav", "dta"):
        (tmp_path / f"a.{name}").write_bytes(written(name)[0])
    done = subprocess.run(
        ["Rscript", "-e", HAVEN], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == list(NAMES)


def readstat(tmp_path, name, **asked):
    """What ReadStat, the library behind haven and pyreadstat, makes of a file."""
    path = tmp_path / f"a.{name}"
    path.write_bytes(written(name, **asked)[0])
    return getattr(pyreadstat, f"read_{name}")(path, user_missing=True)


def wanted_labels(variable, missing):
    """The labels of a variable of numbers: values, and `missing` as the format writes each code."""
    labels = {number: variable.described(value) for value, number in variable.numbers.items()}
    return labels | {missing(code): MISSING[code] for code in variable.missing}


@pytest.mark.parametrize("name", ["sav", "dta"])
def test_readstat_reads_values_labels_and_times_as_the_codebook_has_them(tmp_path, name):
    frame, about = readstat(tmp_path, name)
    assert (list(frame.columns), about.number_rows) == (list(NAMES), 40)
    assert about.column_names_to_labels == {v.name: v.label for v in VARIABLES}
    assert about.file_label == "Outcomes of rotations, Match year 2024, identified"

    def cell(variable, value):
        """A missing code as the format has it: a number, or Stata's letter."""
        if name == "dta" and (variable.numeric or variable.values) and str(value) in MISSING:
            return STATA_MISSING[str(value)]
        return value

    wanted = [{v.name: cell(v, coded(row)[v.name]) for v in VARIABLES} for row in expected()]
    found = frame.to_dict("records")
    assert found == wanted
    assert {row["recorded_at"] for row in found} == {"2024-04-02T09:30:00Z", "-9"}


def test_readstat_knows_the_missing_codes_of_spss(tmp_path):
    for profile in ("identified", "pii_free"):
        _, about = readstat(tmp_path, "sav", profile=profile)
        assert about.file_encoding == "UTF-8"
        for variable in VARIABLES:
            ranges = about.missing_ranges.get(variable.name, [])
            labels = about.variable_value_labels.get(variable.name, {})
            if variable.numeric or variable.values:
                assert ranges == ([{"lo": -9.0, "hi": -6.0}] if variable.missing else [])
                assert labels == wanted_labels(variable, float)
            else:
                codes = variable.missing_in(profile)
                assert ranges == [{"lo": code, "hi": code} for code in codes]
                assert labels == {code: MISSING[code] for code in variable.missing}
            level = "scale" if variable.kind == "count" else "nominal"
            assert about.variable_measure[variable.name] == level
    frame, _ = pyreadstat.read_sav(tmp_path / "a.sav")
    # Who does not ask for the codes gets nothing, not a number that would spoil a mean.
    assert frame["interviews"].min() >= 0


def test_readstat_knows_the_missing_letters_of_stata(tmp_path):
    _, about = readstat(tmp_path, "dta")
    for variable in VARIABLES:
        if variable.numeric or variable.values:
            found = about.missing_user_values.get(variable.name, [])
            assert sorted(found) == sorted(STATA_MISSING[code] for code in variable.missing)
            labels = about.variable_value_labels.get(variable.name, {})
            assert labels == wanted_labels(variable, STATA_MISSING.__getitem__)


DUCKDB = {
    "parquet": "read_parquet('{}')",
    "csv": "read_csv('{}', header=true, all_varchar=true)",
    "jsonl": "read_json('{}', format='newline_delimited')",
}


@pytest.mark.parametrize("name", DUCKDB)
def test_duckdb_reads_every_row_as_the_codebook_has_it(tmp_path, name):
    path = tmp_path / f"a.{name}"
    path.write_bytes(spool(40).getvalue() if name == "csv" else written(name)[0])
    source = DUCKDB[name].format(path)
    found = duckdb.sql(f"SELECT * FROM {source}")
    assert found.columns == list(NAMES)
    rows = [dict(zip(NAMES, row, strict=True)) for row in found.fetchall()]
    for row in rows:
        # In JSON Lines DuckDB takes what looks like a UUID for one.
        row["person_id"] = str(row["person_id"])
    if name == "csv":
        assert rows == list(csv.DictReader(io.StringIO(spool(40).getvalue().decode())))
    else:
        assert rows == expected()
    times = duckdb.sql(
        "SELECT DISTINCT strftime(try_cast(recorded_at AS TIMESTAMPTZ) AT TIME ZONE 'UTC',"
        f" '%Y-%m-%d %H:%M:%S') FROM {source} WHERE recorded_at <> '-9'"
    )
    assert times.fetchall() == [("2024-04-02 09:30:00",)]


def test_duckdb_reads_the_types_and_the_codebook_of_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(written("parquet")[0])
    types = {name: kind for name, kind, *_ in duckdb.sql(f"DESCRIBE FROM '{path}'").fetchall()}
    assert types == {v.name: "INTEGER" if v.numeric else "VARCHAR" for v in VARIABLES}
    asked = f"SELECT value FROM parquet_kv_metadata('{path}') WHERE key = 'codebook'"
    ((told,),) = duckdb.sql(asked).fetchall()
    assert json.loads(told) == codebook.as_document()


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="pyarrow is not installed")
def test_pyarrow_reads_the_rows():
    from pyarrow import parquet as pyarrow

    found = pyarrow.read_table(io.BytesIO(written("parquet")[0]))
    assert found.to_pylist() == expected()
