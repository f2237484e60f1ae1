"""The supervisor and `make run`, with small commands in the application's place."""

import os
import re
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from marketplace.embedded.processes import StackError, choose_port
from marketplace.embedded.run import Plan, Step, serve
from marketplace.embedded.stack import Stack
from marketplace.embedded.supervisor import Child, Supervisor
from tests.integration.embedded_stack.outside import (
    PROJECT,
    alive,
    eventually,
    family,
    kill_9,
    line_of,
    program,
)

WEB = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/crash":
            os._exit(5)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["DATABASE_URL"].encode())
print('{"level": "warning", "event": "web is up"}')
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
RUN = f"""
import sys
from pathlib import Path
from marketplace.embedded.run import Plan, Step, StopSignals, serve
from marketplace.embedded.stack import Stack
from marketplace.embedded.supervisor import Child
home, port = Path(sys.argv[1]), sys.argv[2]
plan = Plan(
    steps=[Step("migrating", ["echo", "quiet"]), Step("loading", ["echo", "loaded"], shown=True)],
    children=[
        Child("web", [sys.executable, "-c", {WEB!r}, port]),
        Child("worker", ["sleep", "999"]),
    ],
    epilogue=[Step("accounts", ["echo", "an account"], shown=True)],
)
StopSignals()
try:
    serve(Stack(home, site_url=f"http://127.0.0.1:{{port}}"), plan)
except KeyboardInterrupt:
    print("good bye")
"""


def supervisor(place: Path, said: list[str], *children: Child) -> Supervisor:
    return Supervisor(
        children=children,
        logs=place / "logs",
        environment=dict(os.environ),
        directory=PROJECT,
        parent=os.getpid(),
        say=said.append,
    )


@contextmanager
def running(made: Supervisor) -> Iterator[Supervisor]:
    made.start()
    try:
        yield made
    finally:
        made.stop()


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def test_what_crashes_is_started_again_after_a_delay(place: Path):
    said: list[str] = []
    code = "print('hello'); print('ERROR: it broke'); raise SystemExit(3)"
    children = (Child("brittle", [sys.executable, "-c", code]), Child("steady", ["sleep", "99"]))
    with running(supervisor(place, said, *children)) as made:
        steady = made.pids()["steady"]

        def crashed_thrice() -> bool:
            made.check()
            return len([line for line in said if "status 3" in line]) >= 3

        begun = time.monotonic()
        assert eventually(crashed_thrice)
        assert time.monotonic() - begun > 0.5 + 1.0
        assert made.pids()["steady"] == steady
    delays = re.findall(r"again in ([\d.]+) s", "\n".join(said))
    assert delays[:3] == ["0.5", "1.0", "2.0"]
    assert "brittle | ERROR: it broke" in said
    assert "brittle | hello" not in said
    assert (place / "logs" / "brittle.log").read_text().count("hello") == 3
    assert not alive(steady)


def test_a_stop_takes_seconds_even_if_a_child_ignores_it(place: Path):
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ERROR up'); time.sleep(99)"
    said: list[str] = []
    child = Child("stubborn", [sys.executable, "-u", "-c", code], grace=0.5)
    with running(supervisor(place, said, child)) as made:
        assert eventually(lambda: bool(said))
        members = family(made.pids()["stubborn"])
        begun = time.monotonic()
    assert time.monotonic() - begun < 6
    assert not any(map(alive, members))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_from_start_to_stop(place: Path, number: signal.Signals):
    port = choose_port()
    with program(RUN, place / "home", port) as run:
        assert line_of(run, "  loaded") == ""
        line_of(run, "  an account")
        line_of(run, "Serving")
        site = f"http://127.0.0.1:{port}/"
        assert get(site).startswith("postgresql+psycopg://")
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            get(site + "crash")
        assert line_of(run, "web ended (status 5)")
        assert eventually(lambda: _served(site))
        members = family(run.pid)
        begun = time.monotonic()
        run.send_signal(number)
        assert line_of(run, "good bye") == ""
        assert run.wait(30) == 0
        assert time.monotonic() - begun < 15
    assert not any(map(alive, members))
    assert "quiet" in (place / "home" / "logs" / "migrating.log").read_text()


def _served(site: str) -> bool:
    try:
        return bool(get(site))
    except OSError:
        return False


def test_killed_with_9_it_leaves_nothing_and_starts_again_quickly(place: Path):
    port = choose_port()
    with program(RUN, place / "home", port) as first:
        line_of(first, "Serving")
        assert kill_9(first) == []
    begun = time.monotonic()
    with program(RUN, place / "home", port) as second:
        line_of(second, "Serving")
        assert time.monotonic() - begun < 10
        assert kill_9(second) == []


def test_interrupted_in_the_middle_of_a_step_it_stops(place: Path):
    code = RUN.replace('["echo", "quiet"]', '["sleep", "99"]')
    with program(code, place / "home", choose_port()) as run:
        line_of(run, "migrating")
        members = family(run.pid)
        run.send_signal(signal.SIGINT)
        line_of(run, "good bye")
        assert run.wait(30) == 0
    # Interrupted as the step is begun, its guard ends it once the run is gone.
    assert eventually(lambda: not any(map(alive, members)))


def test_a_step_that_fails_shows_its_log_and_stops_all(place: Path):
    before = set(family(os.getpid()))
    fails = Step("migrating", [sys.executable, "-c", "raise SystemExit('no such revision')"])
    stack = Stack(place / "home", given={}, progress=lambda _: None)
    with pytest.raises(StackError, match=r"migrating failed \(status 1\)[\s\S]*no such revision"):
        serve(stack, Plan(steps=[fails], children=[], epilogue=[]))
    # The database that all tests share starts and ends processes of its own meanwhile.
    assert eventually(lambda: not set(family(os.getpid())) - before)


def test_a_site_that_never_answers_is_told(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("marketplace.embedded.run.READY_TIMEOUT_SECONDS", 2.0)
    web = Child("web", [sys.executable, "-c", "print('the reason'); raise SystemExit(1)"])
    stack = Stack(
        place / "home",
        given={},
        site_url=f"http://127.0.0.1:{choose_port()}",
        progress=lambda _: None,
    )
    with pytest.raises(StackError, match=r"did not answer[\s\S]*the reason"):
        serve(stack, Plan(steps=[], children=[web], epilogue=[]))
