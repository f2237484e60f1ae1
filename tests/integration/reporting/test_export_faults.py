"""Exports whose worker is killed, is overtaken, or whose reader goes away."""

import csv
import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from benchmarks import data
from marketplace.adapters.object_store import FileStore
from marketplace.adapters.queue import Context
from marketplace.core.ids import new_id
from marketplace.core.ports import ObjectStore
from marketplace.embedded.guard import Orders
from marketplace.embedded.processes import LOOPBACK, GuardedProcess, choose_port
from marketplace.reporting.models import ExportRun
from marketplace.reporting.queries import exports as queries
from marketplace.reporting.queries import outcomes_csv
from marketplace.reporting.service import export_build, exports
from marketplace.reporting.service.panel_import import import_panel
from tests import settings as test_settings
from tests.conftest import NOW
from tests.factories.people import People
from tests.integration.reporting.conftest import PANEL, TAKEN_IN, YEAR
from tests.integration.reporting.exporting import API

ROOT = Path(__file__).parents[3]
ALL = ["csv", "jsonl", "parquet", "sav", "dta", "xlsx"]


class Desk:
    """An analyst with the outcomes of a year, over a live database and files on disk."""

    def __init__(self, live, folder):
        self.live = live
        self.store_url = f"file://{folder}"
        self.store = FileStore(self.store_url)
        live.parts.add(ObjectStore, self.store)
        self.job = Context(live.parts, live.sessions)
        self.people = People(live.app)
        self.analyst = self.people.make("analyst")
        self.client = live.app.test_client()

    def ask(self, **sent):
        with self.live.transaction() as session:
            values = {"match_year": YEAR, "profile": "pii_free", "formats": ALL, **sent}
            return exports.ask(session, asked_by=self.analyst.id, now=NOW, **values).id

    def run(self, export_id):
        with self.live.transaction() as session:
            run = queries.export_run(session, export_id)
            session.expunge(run)
            return run

    def get(self, export_id, file=None):
        path = f"{API}/{export_id}" + (f"/files/{file}" if file else "")
        return self.client.get(path, headers=self.analyst.headers)

    def kill_when(self, export_id, reached):
        """Kill a worker of a process of its own with -9 once `reached(run)` holds."""
        url = self.live.url.replace("postgresql+psycopg", "postgresql")
        command = [sys.executable, "-m", "tests.integration.reporting.export_child"]
        worker = subprocess.Popen([*command, url, self.store_url, str(export_id)], cwd=ROOT)
        try:
            until = time.monotonic() + 60
            while not reached(self.run(export_id)):
                assert worker.poll() is None, "the worker came to its end before it was killed"
                assert time.monotonic() < until
                time.sleep(0.01)
        finally:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
        return self.run(export_id)

    def check_whole(self, export_id):
        """Everything listed is there and as it was noted, and nothing else is."""
        run = self.run(export_id)
        assert run.state == "ready"
        for file in run.files:
            content = self.store.get(file["key"])
            assert hashlib.sha256(content).hexdigest() == file["sha256"], file["name"]
        kept = self.store.keys(f"exports/{export_id}")
        assert sorted(kept) == sorted(file["key"] for file in run.files)
        return run


@pytest.fixture
def desk(live, tmp_path):
    desk = Desk(live, tmp_path / "files")
    with live.transaction() as session:
        import_panel(session, PANEL, YEAR, TAKEN_IN)
    return desk


def killed_at(step, rows=0):
    return lambda run: run.step == step and run.rows_done >= rows and run.state == "running"


@pytest.mark.fault(43)
def test_a_worker_killed_again_and_again_leaves_no_partial_file_and_loses_little(desk):
    export_id = desk.ask()
    kept = {}
    for step, rows, whole in (("csv", 100, 0), ("parquet", 0, 2), ("dta", 0, 4), ("xlsx", 0, 5)):
        run = desk.kill_when(export_id, killed_at(step, rows))
        assert (run.state, run.files, len(run.done)) == ("running", None, whole)
        told = desk.get(export_id).get_json()
        assert (told["step"], told["files"]) == (step, None)
        for name in (f"outcomes-{YEAR}.{ending}" for ending in ALL):
            refused = desk.get(export_id, name)
            assert (refused.status_code, refused.get_json()["code"]) == (409, "export_not_ready")
        done = {file["name"]: file for file in run.done}
        assert {name: done[name] for name in kept} == kept
        kept = done
    export_build.build(desk.job, export_id)
    run = desk.check_whole(export_id)
    assert [file for file in run.files if file["name"] in kept] == list(kept.values())
    served = desk.get(export_id, f"outcomes-{YEAR}.csv").get_data()
    rows = list(csv.DictReader(io.StringIO(served.decode(), newline="")))
    assert (len(rows), run.row_count) == (300, 300)
    # One that nobody disturbed holds the same.
    whole = desk.ask(as_of=NOW)
    export_build.build(desk.job, whole)
    hashes = [{f["name"]: f["sha256"] for f in desk.run(one).files} for one in (export_id, whole)]
    for name in ("manifest.json",):
        assert hashes[0].pop(name) != hashes[1].pop(name)
    assert hashes[0] == hashes[1]


def test_a_file_that_was_lost_meanwhile_is_made_again(desk):
    export_id = desk.ask(formats=["csv", "jsonl", "sav"])
    run = desk.kill_when(export_id, killed_at("sav"))
    desk.store.put(run.done[0]["key"], b"not what it was")
    desk.store.delete(run.done[1]["key"])
    export_build.build(desk.job, export_id)
    run = desk.check_whole(export_id)
    assert run.files[0]["size"] > 10_000


def test_an_attempt_that_is_overtaken_changes_nothing_and_leaves_nothing(desk):
    export_id = desk.ask(formats=["csv"])
    finished = []

    class Slow:
        """While the first file goes out, another worker makes the whole export."""

        def __getattr__(self, name):
            return getattr(desk.store, name)

        def put_stream(self, key, pieces):
            if not finished:
                finished.append(key)
                desk.live.parts.add(ObjectStore, desk.store)
                export_build.build(desk.job, export_id)
            desk.store.put_stream(key, pieces)

    desk.live.parts.add(ObjectStore, Slow())
    export_build.build(desk.job, export_id)
    run = desk.check_whole(export_id)
    assert not [file for file in run.files if file["key"] == finished[0]]


@pytest.fixture
def outside(live):
    """What the server says about the application's connections, asked from elsewhere."""
    engine = create_engine(live.url, poolclass=NullPool)

    def busy():
        with engine.connect() as connection:
            return connection.execute(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                    " AND state <> 'idle'"
                )
            ).scalar_one()

    return busy


def until(holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.fault(44)
def test_the_query_of_a_reader_that_leaves_stops_and_its_connection_returns(live, outside):
    data.add_outcomes(live.url.replace("postgresql+psycopg", "postgresql"), 30_000)

    class Left(Exception):
        pass

    def leave():
        with live.sessions() as session, session.begin():
            rows = outcomes_csv.rows(session, match_year=None, as_of=NOW, identified=False)
            for _ in range(10):
                next(rows)
            assert outside() == 1
            rows.close()
            raise Left

    with pytest.raises(Left):
        leave()
    until(lambda: outside() == 0, 5)
    with live.app.app_context():
        assert live.app.extensions["sqlalchemy"].engine.pool.checkedout() == 0


@pytest.mark.fault(44)
def test_a_client_that_goes_away_in_the_middle_of_a_download_holds_nothing(desk, outside, tmp_path):
    size = 256 << 20
    key = "exports/long/outcomes-all.csv"
    desk.store.put_stream(key, (bytes(1 << 20) for _ in range(size >> 20)))
    file = {"name": "a.csv", "media_type": "text/csv", "size": size, "sha256": "0", "key": key}
    with desk.live.transaction() as session:
        run = ExportRun(
            id=new_id(), profile="pii_free", as_of=NOW, state="ready", files=[file], row_count=1,
            asked_by=desk.analyst.id, asked_at=NOW,
        )  # fmt: skip
        session.add(run)
        export_id = run.id
    with Served(desk, tmp_path / "log") as (port, process):
        for _ in range(3):
            with socket.create_connection((LOOPBACK, port)) as client:
                client.sendall(
                    f"GET {API}/{export_id}/files/a.csv HTTP/1.1\r\nHost: here\r\n"
                    f"Authorization: Bearer {desk.analyst.token}\r\n\r\n".encode()
                )
                assert client.recv(100_000).startswith(b"HTTP/1.1 200")
                # The answer is under way; the database has had its part.
                until(lambda: outside() == 0)
                assert reading(process.pid, "outcomes-all.csv")
        until(lambda: not reading(process.pid, "outcomes-all.csv"))
        assert outside() == 0


def reading(pid, name):
    """Which processes below `pid` have a file of that name open."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink().name == name and link.parts[2] in family(pid):
                found.append(link)
        except OSError:
            continue
    return found


def family(pid):
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[stat.parts[2]] = stat.read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
    found = {str(pid)}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


class Served:
    """The product by granian, as in production, over the desk's database and files."""

    def __init__(self, desk, log):
        self.port, self.log = choose_port(), log
        environment = {
            **os.environ,
            **test_settings.ENVIRONMENT,
            "DATABASE_URL": desk.live.url.replace("postgresql+psycopg", "postgresql"),
            "OBJECT_STORE_URL": desk.store_url,
            "PYTHONPATH": str(ROOT),
        }
        granian = str(Path(sys.executable).parent / "granian")
        command = [
            *(granian, "--interface", "wsgi", "wsgi:app", "--host", LOOPBACK),
            *("--port", str(self.port), "--workers", "1", "--blocking-threads", "2"),
        ]
        orders = Orders(parent=os.getpid(), command=command, directory=str(ROOT))
        with log.open("ab") as output:
            self.process = GuardedProcess(orders, output=output, env=environment)

    def __enter__(self):
        try:
            until(self._answers, 60)
        except AssertionError:
            self.process.stop()
            raise AssertionError(self.log.read_text()) from None
        return self.port, self.process

    def __exit__(self, *gone):
        self.process.stop()

    def _answers(self):
        try:
            with socket.create_connection((LOOPBACK, self.port)) as client:
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
                return client.recv(1000).startswith(b"HTTP/1.1 200")
        except OSError:
            return False
