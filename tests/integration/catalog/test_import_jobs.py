"""Large imports: planned and done by a job, which may be killed, cancelled and repeated."""

import os
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import func, select, text

from marketplace.adapters.object_store import FileStore
from marketplace.adapters.queue import Context
from marketplace.catalog.errors import ImportExists, ImportUnderWay
from marketplace.catalog.models import ImportRun, Listing, ListingVersion, SeatWeek, Site
from marketplace.catalog.queries import imports
from marketplace.catalog.service import error_workbook, import_job, import_runs, seats
from marketplace.catalog.service.importing import import_listings
from marketplace.catalog.states import ImportMode, ImportState
from marketplace.core.ids import new_id
from marketplace.core.ports import ObjectStore
from marketplace.core.states import IllegalTransition
from tests.conftest import NOW
from tests.integration.catalog.conftest import SHEET, listing_of, new_account
from tests.unit.catalog.sheets import GOOD, sheet
from tests.unit.catalog.workbooks import listings as workbook

ROWS = 300


def rows_of(count, **changes):
    short = {"last_start": "2027-01-11", "blackout_weeks": "", "weeks_max": "4"}
    return [{**GOOD, **short, "external_id": f"X-{n}", **changes} for n in range(count)]


class Desk:
    """Uploads sheets for an owner of a live database, and works on them as a worker would."""

    def __init__(self, live, folder):
        self.live = live
        self.store_url = f"file://{folder}"
        self.store = FileStore(self.store_url)
        live.parts.add(ObjectStore, self.store)
        self.job = Context(live.parts, live.sessions)
        with live.transaction() as session:
            self.owner = new_account(session)

    def send(
        self, content, *, mode=ImportMode.ROWS, commit=True, name="ours.csv", owner=None, **more
    ):
        import_id, owner = new_id(), owner or self.owner
        with self.live.transaction() as session:
            run = import_runs.begin(
                session,
                import_id,
                owner_account_id=owner,
                account_id=owner,
                site=None,
                mode=mode,
                commit=commit,
                file_name=name,
                now=NOW,
                **more,
            )
            self.store.put(run.file_key, content)
            size = len(content)
            import_runs.uploaded(session, import_id, key=run.file_key, size=size, digest=b"digest")
        return import_id

    def work(self, import_id):
        import_job.work(self.job, import_id)
        return self.run(import_id)

    def run(self, import_id):
        with self.live.transaction() as session:
            return imports.run(session, import_id)

    def count(self, model):
        with self.live.transaction() as session:
            return session.scalar(select(func.count()).select_from(model))

    def worker(self, import_id, batch=10):
        url = self.live.url.replace("postgresql+psycopg", "postgresql")
        command = [sys.executable, "-m", "tests.integration.catalog.import_child"]
        return subprocess.Popen([*command, url, self.store_url, str(import_id), str(batch)])

    def kill_when(self, import_id, reached):
        """Kill a worker of a process of its own with -9 once `reached(run)` holds."""
        worker = self.worker(import_id)
        try:
            until = time.monotonic() + 60
            while not reached(self.run(import_id)):
                assert worker.poll() is None, "the worker came to its end before it was killed"
                assert time.monotonic() < until
                time.sleep(0.005)
        finally:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
        return self.run(import_id)


@pytest.fixture
def desk(live, tmp_path):
    return Desk(live, tmp_path)


def test_a_sheet_is_planned_then_done(desk, monkeypatch):
    import_id = desk.send(SHEET, commit=False)
    phases, write = [], error_workbook.write

    def seen(*given):
        phases.append(desk.run(import_id).phase)
        return write(*given)

    monkeypatch.setattr(error_workbook, "write", seen)
    planned = desk.work(import_id)
    assert (planned.state, planned.phase, phases) == ("planned", None, ["writing_files"])
    assert planned.counts == {
        "created": 13, "changed": 0, "unchanged": 0, "repeated": 0, "refused": 11,
    }  # fmt: skip
    assert (planned.rows_done, planned.rows_total, planned.position) == (24, 24, 0)
    assert desk.count(Listing) == 0
    assert [file["name"] for file in planned.files] == ["plan.json", "plan.csv", "errors.xlsx"]
    assert desk.work(import_id).state == "planned"
    with desk.live.transaction() as session:
        import_runs.approve(session, import_id)
    done = desk.work(import_id)
    assert (done.state, done.position, done.finished_at) == ("done", 24, NOW)
    assert (done.counts["created"], done.counts["refused"]) == (13, 11)
    assert desk.count(Listing) == 13
    assert desk.work(import_id).state == "done"
    assert desk.work(desk.send(SHEET)).counts["unchanged"] == 13
    assert desk.count(ListingVersion) == 13


def test_a_job_and_a_request_write_the_same(desk, monkeypatch):
    monkeypatch.setattr(import_job, "BATCH", 5)
    with desk.live.transaction() as session:
        other = new_account(session)
        import_listings(session, SHEET, other, True, NOW)
    desk.work(desk.send(SHEET))
    query = text(
        "SELECT to_jsonb(l) - '{id,site_id,preceptor_id,owner_account_id,created_at}'::text[]"
        " || jsonb_build_object('terms', v.terms, 'seats', (SELECT jsonb_agg(jsonb_build_array("
        " w.week, w.capacity, w.taken) ORDER BY w.week) FROM listing_pool p JOIN seat_week w"
        " USING (pool_id) WHERE p.listing_id = l.id), 'history', (SELECT jsonb_agg(t.to_state)"
        " FROM listing_transition t WHERE t.listing_id = l.id))"
        " FROM listing l JOIN listing_version v ON v.listing_id = l.id"
        " WHERE l.owner_account_id = :owner ORDER BY l.external_id"
    )
    with desk.live.transaction() as session:
        by_request = session.execute(query, {"owner": other}).scalars().all()
        by_job = session.execute(query, {"owner": desk.owner}).scalars().all()
    assert len(by_job) == 13
    assert by_job == by_request


@pytest.mark.fault(38)
def test_a_worker_that_is_killed_leaves_off_where_another_goes_on(desk):
    """Row 38: killed between batches or within one, every row is written once."""
    import_id = desk.send(sheet(*rows_of(ROWS)).encode())
    killed = desk.kill_when(import_id, lambda run: run.position >= 30)
    assert killed.state == "committing"
    assert 30 <= killed.position < ROWS
    assert desk.count(Listing) == killed.position
    assert killed.counts["created"] == killed.position
    done = desk.work(import_id)
    assert (done.state, done.counts["created"], done.position) == ("done", ROWS, ROWS)
    assert desk.count(Listing) == desk.count(ListingVersion) == ROWS
    assert desk.count(SeatWeek) == ROWS * 5


@pytest.mark.fault(38)
def test_a_whole_file_is_stored_whole_or_not_at_all_when_its_worker_is_killed(desk):
    """Row 38."""
    import_id = desk.send(sheet(*rows_of(ROWS)).encode(), mode=ImportMode.FILE)
    killed = desk.kill_when(
        import_id, lambda run: run.state == "committing" and 20 <= run.rows_done < ROWS
    )
    assert killed.position == 0
    assert desk.count(Listing) == desk.count(Site) == 0
    done = desk.work(import_id)
    assert (done.state, done.counts["created"]) == ("done", ROWS)
    assert desk.count(Listing) == ROWS


def test_all_or_nothing_is_nothing_where_a_row_is_refused(desk):
    run = desk.work(desk.send(SHEET, mode=ImportMode.FILE))
    assert (run.state, run.failure["code"]) == ("failed", "rows_refused")
    assert "11 are" in run.failure["expected"]
    assert desk.count(Listing) == desk.count(Site) == 0


def test_a_row_that_is_refused_only_when_written_undoes_the_whole_file(desk):
    short = rows_of(20)
    desk.work(desk.send(sheet(*short).encode()))
    import_id = desk.send(
        sheet(*({**row, "seats_per_week": "1", "title": "Other"} for row in short)).encode(),
        mode=ImportMode.FILE,
        commit=False,
    )
    assert desk.work(import_id).counts["changed"] == 20
    with desk.live.transaction() as session:
        listing = listing_of(session, "X-19")
        for _ in range(2):
            seats.take(session, listing.id, [listing.first_start])
        import_runs.approve(session, import_id)
    run = desk.work(import_id)
    assert (run.state, run.failure["code"]) == ("failed", "rows_refused")
    assert desk.count(ListingVersion) == 20


def test_rows_refused_since_the_plan_are_told(desk):
    desk.work(desk.send(sheet(*rows_of(3)).encode()))
    import_id = desk.send(sheet(*rows_of(3, seats_per_week="0")).encode(), commit=False)
    assert desk.work(import_id).counts["changed"] == 3
    with desk.live.transaction() as session:
        listing = listing_of(session, "X-1")
        seats.take(session, listing.id, [listing.first_start])
        import_runs.approve(session, import_id)
    run = desk.work(import_id)
    assert (run.state, run.counts["changed"], run.counts["refused"]) == ("done", 2, 1)
    assert [remark["code"] for remark in run.remarks] == ["refused"]
    assert "Row 3 (X-1)" in run.remarks[0]["text"]


@pytest.mark.parametrize("mode", list(ImportMode))
def test_each_listing_gets_its_version_wherever_the_batches_end(desk, monkeypatch, mode):
    """A site that moves and a preceptor who marries are told of in every listing of theirs."""
    monkeypatch.setattr(import_job, "BATCH", 2)
    desk.work(desk.send(sheet(*rows_of(5)).encode()))
    moved = rows_of(5, address="2 Elsewhere Road", preceptor="Dr. Amara Okafor-Bello")
    run = desk.work(desk.send(sheet(*moved).encode(), mode=mode))
    assert run.counts["changed"] == 5
    with desk.live.transaction() as session:
        changes: dict[object, list[str]] = {}
        for version in session.scalars(select(ListingVersion).where(ListingVersion.version > 1)):
            changes.setdefault(version.listing_id, []).extend(version.difference)
    assert len(changes) == 5
    assert all(sorted(each) == ["address", "preceptor"] for each in changes.values())
    assert desk.work(desk.send(sheet(*moved).encode())).counts["unchanged"] == 5


def test_a_cancelled_import_writes_nothing_more(desk, monkeypatch):
    monkeypatch.setattr(import_job, "BATCH", 10)
    import_id = desk.send(sheet(*rows_of(40)).encode())
    batches = []

    def stop(*arguments):
        batches.append(commit(*arguments))
        if len(batches) == 2:
            with desk.live.transaction() as session:
                import_runs.cancel(session, import_id, NOW)
        return batches[-1]

    commit = import_job._commit_batch
    monkeypatch.setattr(import_job, "_commit_batch", stop)
    run = desk.work(import_id)
    assert (run.state, run.position, run.counts["created"]) == ("cancelled", 20, 20)
    assert desk.count(Listing) == 20
    with desk.live.transaction() as session, pytest.raises(IllegalTransition):
        import_runs.approve(session, import_id)


def test_a_whole_file_that_is_cancelled_leaves_nothing(desk, monkeypatch):
    monkeypatch.setattr(import_job, "BATCH", 10)
    import_id = desk.send(sheet(*rows_of(40)).encode(), mode=ImportMode.FILE)
    written = []

    def stop(job, session, *rest):
        if len(written) == 2:
            with desk.live.transaction() as other:
                import_runs.cancel(other, import_id, NOW)
        written.append(write(job, session, *rest))
        return written[-1]

    write = import_job._write
    monkeypatch.setattr(import_job, "_write", stop)
    assert desk.work(import_id).state == "cancelled"
    assert desk.count(Listing) == 0


def test_two_imports_of_one_owner_wait_for_each_other(desk):
    first = desk.send(sheet(*rows_of(ROWS)).encode())
    assert desk.kill_when(first, lambda run: run.position >= 10).state == "committing"
    second = desk.send(sheet(*rows_of(3, title="Another title")).encode())
    assert desk.work(second).state == "planned"
    with desk.live.transaction() as session, pytest.raises(ImportUnderWay):
        import_listings(session, SHEET, desk.owner, True, NOW)
    with desk.live.transaction() as session:
        other = new_account(session)
        import_listings(session, SHEET, other, True, NOW)
        waiting = session.scalar(
            text(
                "SELECT count(*) FROM procrastinate_jobs WHERE scheduled_at IS NOT NULL"
                " AND args ->> 'import_id' = :id AND lock = :lock"
            ),
            {"id": str(second), "lock": f"catalog.import:{desk.owner}"},
        )
    assert waiting == 1
    assert desk.work(first).state == "done"
    assert desk.work(second).counts["changed"] == 3


def test_the_database_lets_one_import_of_an_owner_write_at_a_time(desk):
    ids = [desk.send(SHEET), desk.send(SHEET)]
    with desk.live.transaction() as session:
        for import_id in ids:
            imports.run(session, import_id).state = ImportState.COMMITTING
        with pytest.raises(Exception, match="uq_import_run_owner_account_id"):
            session.flush()
        session.rollback()


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"a,b\n1,2\n", "a.csv", "missing_columns"),
        (b"PK\x03\x04", "a.xlsx", "workbook"),
        (sheet(GOOD).encode(), "a.xlsx", "wrong_ending"),
        (sheet(GOOD).encode() + b'"open', "a.csv", "not_csv"),
    ],
)
def test_a_file_that_can_not_be_read_fails_with_what_was_expected(desk, content, name, code):
    run = desk.work(desk.send(content, name=name))
    assert (run.state, run.failure["code"]) == ("failed", code)
    assert run.failure["expected"]
    assert run.finished_at


def test_a_workbook_goes_in_as_well(desk):
    run = desk.work(desk.send(workbook(*rows_of(5)), name="ours.xlsx"))
    assert (run.state, run.counts["created"]) == ("done", 5)


def test_an_id_is_used_once_and_the_first_file_counts(desk):
    import_id = desk.send(SHEET)
    key = desk.run(import_id).file_key
    with desk.live.transaction() as session:
        given = {"key": "imports/x/late/sheet", "size": len(SHEET)}
        again = import_runs.uploaded(session, import_id, digest=b"digest", **given)
        assert (again.state, again.file_key) == ("uploaded", key)
        with pytest.raises(ImportExists):
            import_runs.uploaded(session, import_id, digest=b"other", **given)


def test_old_files_are_swept_away(desk):
    import_id = desk.send(SHEET)
    key = desk.work(import_id).file_key
    assert desk.store.exists(key)
    later = NOW + import_runs.FILES_KEPT * 2
    with desk.live.transaction() as session:
        session.add(
            ImportRun(
                id=new_id(),
                owner_account_id=desk.owner,
                account_id=desk.owner,
                recorded_at=NOW,
                digest=b"",
                size=0,
                counts={},
                state="uploading",
                file_key="imports/x/sheet",
            )
        )
    with desk.live.transaction() as session:
        keys = import_runs.sweep(session, later)
    assert key in keys
    assert len(keys) == 5
    assert desk.run(import_id).files == []


def test_an_import_whose_job_gave_up_fails_and_lets_the_next_begin(desk, monkeypatch):
    def broken(*_):
        raise OSError("the store is gone")

    import_id, waiting = desk.send(SHEET), desk.send(SHEET)
    with monkeypatch.context() as patch:
        patch.setattr(import_job, "_commit", broken)
        with pytest.raises(OSError, match="gone"):
            desk.work(import_id)
    assert desk.run(import_id).state == "committing"
    assert desk.work(waiting).state == "planned"

    def sweep():
        with desk.live.transaction() as session:
            return import_runs.fail_given_up(session, NOW)

    assert sweep() == 0, "its job is still to run"
    with desk.live.transaction() as session:
        session.execute(
            text("UPDATE procrastinate_jobs SET status = 'failed' WHERE args->>'import_id' = :id"),
            {"id": str(import_id)},
        )
    assert sweep() == 1
    assert sweep() == 0
    failed = desk.run(import_id)
    assert (failed.state, failed.failure["code"], failed.finished_at) == ("failed", "gave_up", NOW)
    assert desk.work(waiting).state == "done"
    assert desk.work(import_id).state == "failed"
