"""The servers of a run: PostgreSQL and Valkey of its own, and web servers over chosen databases.

PostgreSQL is durable here: a commit waits for the disk, on both sides of every comparison.
"""

import os
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from benchmarks.processes import cpu_seconds, run_python
from marketplace.adapters import migrate
from marketplace.embedded.guard import Orders
from marketplace.embedded.postgres import EmbeddedPostgres
from marketplace.embedded.processes import LOOPBACK, GuardedProcess, choose_port, wait_until_ready
from marketplace.embedded.secrets_file import new_badge_key
from marketplace.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(sys.executable).parent
WEBHOOK_SECRET = "whsec_for_benchmarks"
TEMPLATE = "bench_template"
READY_SECONDS = 60.0
# As `make run` and the operators' documentation start it.
GRANIAN = ("--workers", "2", "--blocking-threads", "8", "--workers-kill-timeout", "3")
CLIENTS = 16


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything; `quick` is for a minute, the other for ten."""

    quick: bool
    listings: int
    few_listings: int
    outcomes: int
    bookable: int
    trainees: int
    seconds: float
    warmup: float
    rounds: int
    searches: int
    repeats: int
    imports: int
    sheet_rows: int
    holds: int
    entries: int
    reconciled: int


FULL = Sizes(
    False, 100_000, 1_000, 1_000_000, 512, 8192, 4.0, 1.0, 3, 96, 50, 3, 50_000, 100_000,
    10_000_000, 100_000,
)  # fmt: skip
QUICK = Sizes(
    True, 2_000, 200, 20_000, 128, 1600, 0.5, 0.1, 1, 16, 4, 2, 500, 1_000, 50_000, 1_200,
)  # fmt: skip


@dataclass(slots=True)
class Server:
    """A started web server."""

    name: str
    port: int
    process: GuardedProcess

    def cpu_seconds(self) -> float:
        """CPU seconds of all its processes so far."""
        return cpu_seconds(self.process.pid)


class Stage:
    """What a benchmark is given: servers, databases, sizes, and a place for files."""

    def __init__(self, sizes: Sizes, folder: Path, postgres: EmbeddedPostgres, redis: str) -> None:
        self.sizes = sizes
        self.folder = folder
        self.postgres = postgres
        self.redis = redis
        self.searches = folder / "searches.json"
        self.kept = ExitStack()
        self.shared: Any = None
        # Who counts the statements in the server's log is alone in writing them there.
        self.log_is_ours = Lock()
        self._template = Lock()
        self._has_template = False

    def say(self, text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """A migrated database by its libpq URI, dropped afterwards."""
        with self._template:
            if not self._has_template:
                self.postgres.create_database(TEMPLATE)
                # Nothing is lost with it: it is made anew for each run.
                migrate.upgrade(f"{self.postgres.url(TEMPLATE)}?options=-csynchronous_commit%3Doff")
                self._has_template = True
            self.postgres.create_database(name, TEMPLATE)
        try:
            yield self.postgres.conninfo(name)
        finally:
            self.postgres.drop_database(name)

    def environment(self, conninfo: str) -> dict[str, str]:
        """The product's settings, those of a server that answers: no limit is met, all count."""
        inherited = {
            name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
        }
        return {
            **inherited,
            "PYTHONPATH": str(ROOT),
            "PYTHONPYCACHEPREFIX": str(ROOT / "build" / "bytecode"),
            "MARKETPLACE_ENV": "development",
            "SECRET_KEYS": "a-secret-for-benchmarks-of-more-than-32-characters",
            "PASSWORD_SALT": "a-salt-for-benchmarks-only",
            "DATABASE_URL": conninfo,
            "REDIS_URL": self.redis,
            "STRIPE_SECRET_KEY": "sk_test_for_benchmarks",
            "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
            "STRIPE_API_BASE": f"http://{LOOPBACK}:1",
            "SMTP_URL": f"smtp://{LOOPBACK}:1",
            "OBJECT_STORE_URL": (self.folder / "objects").as_uri(),
            "LETTER_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            "BADGE_KEYS": new_badge_key(),
            "PUBLIC_URL": f"http://{LOOPBACK}",
            "RATE_LIMIT": "100000000/minute",
            "LOGIN_RATE_LIMIT": "100000000/minute",
        }

    @contextmanager
    def product(self, conninfo: str, *, redis_database: int = 0) -> Iterator[Server]:
        """The product over a database, as granian serves it."""
        given = self.environment(conninfo)
        given["REDIS_URL"] = f"{self.redis.rpartition('/')[0]}/{redis_database}"
        with self._web("product", "wsgi:app", "/readyz", given) as server:
            yield server

    @contextmanager
    def yardstick(self, conninfo: str) -> Iterator[Server]:
        """The yardstick over the same database, served alike."""
        given = {**self.environment(conninfo), "BENCH_SEARCHES": str(self.searches)}
        with self._web("yardstick", "benchmarks.yardstick:app", "/healthz", given) as server:
            yield server

    def load(self, server: Server, scenario: str, **plan: Any) -> dict[str, Any]:
        """Ask a server by the load generator; its answer, with the CPU that each part used."""
        asked = {
            "scenario": scenario,
            "port": server.port,
            "clients": CLIENTS,
            "seconds": self.sizes.seconds,
            "turns": 0,
            **plan,
        }
        postgres = self.postgres.process
        assert postgres is not None
        before = server.cpu_seconds(), cpu_seconds(postgres.pid)
        found = run_python("benchmarks.load", asked, self.folder, self.environment(""))
        after = server.cpu_seconds(), cpu_seconds(postgres.pid)
        found["web_cpu_seconds"] = after[0] - before[0]
        found["database_cpu_seconds"] = after[1] - before[1]
        if found["errors"]:
            self.say(f"{server.name}: {found['errors'][0]} ({len(found['errors'])} such)")
        return found

    @contextmanager
    def _web(
        self, name: str, target: str, path: str, environment: Mapping[str, str]
    ) -> Iterator[Server]:
        port = choose_port()
        log = self.folder / f"{name}.log"
        command = [
            *(str(SCRIPTS / "granian"), "--interface", "wsgi", target),
            *("--host", LOOPBACK, "--port", str(port), *GRANIAN),
        ]
        orders = Orders(parent=os.getpid(), command=command, directory=str(ROOT))
        with log.open("ab") as output:
            process = GuardedProcess(orders, output=output, env=environment)
        try:
            url = f"http://{LOOPBACK}:{port}{path}"
            wait_until_ready(
                lambda: _answers(url), process, name=name, log=log, timeout=READY_SECONDS
            )
            yield Server(name, port, process)
        finally:
            process.stop()


@contextmanager
def opened(sizes: Sizes) -> Iterator[Stage]:
    """Start the servers; stop them and delete their data at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmarks-")))
        (folder / "objects").mkdir()
        began = time.monotonic()
        postgres = stack.enter_context(EmbeddedPostgres(durable=True))
        valkey = stack.enter_context(EmbeddedValkey())
        stage = Stage(sizes, folder, postgres, valkey.url())
        stack.push(stage.kept)
        stage.say(f"PostgreSQL and Valkey answer after {time.monotonic() - began:.1f} s")
        yield stage


def merged(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several turns of one server as one: rates by total units over total seconds."""
    units = sum(run["units"] for run in runs)
    seconds = sum(run["seconds"] for run in runs)
    statuses: dict[str, int] = {}
    for run in runs:
        for status, count in run["statuses"].items():
            statuses[status] = statuses.get(status, 0) + count
    return {
        "units": units,
        "seconds": seconds,
        "requests": sum(run["requests"] for run in runs),
        "rate": units / seconds if seconds else 0.0,
        "unit_seconds": [each for run in runs for each in run["unit_seconds"]],
        "statuses": statuses,
        "errors": [error for run in runs for error in run["errors"]],
        **{
            part: sum(run[part] for run in runs)
            for part in ("cpu_seconds", "web_cpu_seconds", "database_cpu_seconds")
        },
    }


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
