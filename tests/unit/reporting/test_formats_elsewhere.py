"""Every format opened by other programs, where they are installed; a skip says which is not."""

import csv
import io
import shutil
import subprocess
from importlib.util import find_spec

import pytest

from marketplace.reporting.rules.codebook import NAMES
from tests.unit.reporting.test_formats import expected, spool, written


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
    names, *rows = csv.reader((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines())
    assert names == list(NAMES)
    assert len(rows) >= 40


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


@pytest.mark.skipif(find_spec("pyreadstat") is None, reason="pyreadstat is not installed")
@pytest.mark.parametrize("name", ["sav", "dta"])
def test_pyreadstat_reads_the_spss_and_the_stata_file(tmp_path, name):
    import pyreadstat

    path = tmp_path / f"a.{name}"
    path.write_bytes(written(name)[0])
    frame, about = getattr(pyreadstat, f"read_{name}")(path, user_missing=True)
    assert (list(frame.columns), len(frame)) == (list(NAMES), 40)
    assert about.column_names_to_labels["wave"] == "Wave that was answered"


QUERIES = {
    "parquet": "read_parquet('{}')",
    "csv": "read_csv('{}', header=true, all_varchar=true)",
    "jsonl": "read_json('{}', format='newline_delimited')",
}


@pytest.mark.skipif(find_spec("duckdb") is None, reason="DuckDB is not installed")
@pytest.mark.parametrize("name", QUERIES)
def test_duckdb_reads_the_rows(tmp_path, name):
    import duckdb

    path = tmp_path / f"a.{name}"
    path.write_bytes(spool(40).getvalue() if name == "csv" else written(name)[0])
    asked = f"SELECT * FROM {QUERIES[name].format(path)}"
    found = duckdb.sql(asked)
    assert found.columns == list(NAMES)
    if name == "parquet":
        assert [dict(zip(NAMES, row, strict=True)) for row in found.fetchall()] == expected()
    else:
        assert len(found.fetchall()) == 40


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="pyarrow is not installed")
def test_pyarrow_reads_the_rows():
    from pyarrow import parquet as pyarrow

    found = pyarrow.read_table(io.BytesIO(written("parquet")[0]))
    assert found.to_pylist() == expected()
