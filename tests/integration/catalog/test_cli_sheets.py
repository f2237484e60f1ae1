"""`flask listings import` and `export`: a dry run, a commit, a job, all or nothing, errors."""

import threading

import pytest
from sqlalchemy import func, select, text

from marketplace.adapters.object_store import FileStore
from marketplace.catalog.models import Listing
from marketplace.catalog.rules import faults
from marketplace.catalog.rules.faults import Limits
from marketplace.catalog.rules.spreadsheet import read_sheet
from marketplace.cli import catalog, listings
from marketplace.core.ports import ObjectStore
from tests.integration.catalog.conftest import SHEET, new_account
from tests.unit.catalog.sheets import GOOD, sheet


@pytest.fixture
def desk(live, tmp_path):
    live.parts.add(ObjectStore, FileStore(f"file://{tmp_path}/store"))
    with live.transaction() as session:
        account = new_account(session)
    (tmp_path / "ours.csv").write_bytes(SHEET)

    class Desk:
        folder = tmp_path
        owner = f"{account}@example.org"

        def run(self, command, file, *options):
            given = [command, str(tmp_path / file), "--site-owner", self.owner]
            return live.app.test_cli_runner().invoke(listings, [*given, *options])

        def count(self):
            with live.transaction() as session:
                return session.scalar(select(func.count()).select_from(Listing))

    return Desk()


def test_a_sheet_goes_in_out_and_in_again(desk):
    dry = desk.run("import", "ours.csv", "--errors", str(desk.folder / "errors.xlsx"))
    assert dry.exit_code == 0, dry.output
    assert "13 created, 11 refused" in dry.output
    assert desk.count() == 0
    mended = read_sheet((desk.folder / "errors.xlsx").read_bytes())
    assert len(mended.refused) == 11
    assert desk.run("import", "ours.csv", "--commit").exit_code == 0
    assert desk.count() == 13
    for name in ("out.csv", "out.xlsx"):
        out = desk.run("export", name)
        assert "13 rows" in out.output
        assert "13 unchanged" in desk.run("import", name, "--commit").output
    weeks = desk.run("export", "weeks.xlsx", "--calendar")
    assert weeks.exit_code == 0
    again = desk.run("import", "weeks.xlsx", "--calendar", "--commit")
    assert f"{weeks.output.split()[0]} unchanged" in again.output, again.output
    assert desk.run("export", "out.pdf").exit_code == 1


def test_all_or_nothing_takes_nothing_of_a_sheet_with_refused_rows(desk):
    refused = desk.run("import", "ours.csv", "--commit", "--mode", "file")
    assert refused.exit_code == 1
    assert "nothing of the file was taken" in refused.output
    assert desk.count() == 0


def test_a_large_sheet_is_taken_in_batches_with_a_progress_bar(desk, monkeypatch):
    monkeypatch.setattr(catalog, "SMALL", Limits(content=100))
    rows = [{**GOOD, "external_id": f"X-{n}", "last_start": "2027-01-11"} for n in range(30)]
    (desk.folder / "large.csv").write_text(sheet(*rows, {**GOOD, "external_id": "BAD", "npi": "1"}))
    dry = desk.run("import", "large.csv", "--errors", str(desk.folder / "errors.xlsx"))
    assert dry.exit_code == 0, dry.output
    assert "planned: 30 created, 1 refused" in dry.output
    assert "Add --commit" in dry.output
    assert (desk.folder / "errors.xlsx").read_bytes().startswith(b"PK")
    assert desk.count() == 0
    done = desk.run("import", "large.csv", "--commit")
    assert "done: 30 created, 1 refused" in done.output
    assert desk.count() == 30
    whole = desk.run("import", "large.csv", "--commit", "--mode", "file")
    assert whole.exit_code == 1
    assert "without refused rows" in whole.output


def test_a_worker_does_it_where_asked(desk, live):
    stop = threading.Event()

    def worker():
        while not stop.wait(0.1):
            live.run_jobs()

    thread = threading.Thread(target=worker)
    thread.start()
    try:
        done = desk.run("import", "ours.csv", "--commit", "--job")
    finally:
        stop.set()
        thread.join()
    assert "done: 13 created, 11 refused" in done.output, done.output
    assert desk.count() == 13


def test_an_import_is_cancelled_by_its_id(desk, live):
    desk.run("import", "ours.csv", "--commit")
    with live.transaction() as session:
        import_id = session.scalar(text("SELECT id FROM import_run"))
    runner = live.app.test_cli_runner()
    late = runner.invoke(listings, ["cancel-import", str(import_id)])
    assert late.exit_code == 1
    assert "It is done and can't become cancelled. Nothing follows it." in late.output
    back = ["take-back-import", str(import_id), "--by", desk.owner]
    assert "13 would be taken back, 0 kept" in runner.invoke(listings, back).output
    assert "13 taken back, 0 kept" in runner.invoke(listings, [*back, "--commit"]).output
    assert "13 created" in desk.run("import", "ours.csv").output


def test_what_can_not_be_read_says_why(desk):
    (desk.folder / "ours.xlsx").write_bytes(SHEET)
    refused = desk.run("import", "ours.xlsx")
    assert refused.exit_code == 1
    assert "this is something else" in refused.output
    assert faults.SMALL.rows == 2_000
