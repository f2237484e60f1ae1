"""One PostgreSQL and one Valkey for a whole test run, shared by its parallel processes.

Whoever needs the servers first starts them, under a lock; the others read where they are. They
live with the process that the run was started as, so they end with it however it ends. With
TEST_POSTGRES_URL and TEST_REDIS_URL set, servers that run already are used instead.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from marketplace.embedded.postgres import (
    EmbeddedPostgres,
    create_database,
    drop_database,
    has_database,
)
from marketplace.embedded.valkey import DATABASES, EmbeddedValkey


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A PostgreSQL server by the libpq URI of its maintenance database."""

    uri: str

    def conninfo(self, dbname: str = "postgres") -> str:
        """A libpq connection URI."""
        return f"{self.uri.rpartition('/')[0]}/{dbname}"

    def url(self, dbname: str = "postgres") -> str:
        """The same for SQLAlchemy, by the driver psycopg."""
        return self.conninfo(dbname).replace("postgresql://", "postgresql+psycopg://", 1)

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, as a copy of `template` when one is named."""
        create_database(self.uri, name, template)

    def has_database(self, name: str) -> bool:
        """Whether a database of this name exists."""
        return has_database(self.uri, name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending its connections."""
        drop_database(self.uri, name)


@dataclass(frozen=True, slots=True)
class TestServers:
    """Where the servers of this test run are, and a folder that its processes share."""

    __test__ = False

    postgres: PostgresAddress
    redis_url: str
    shared: Path

    @contextmanager
    def once(self, name: str) -> Iterator[bool]:
        """Let one process of the run do something while the others wait.

        Gives True to the first that asks for `name`, and False to the others once it is done;
        an attempt that raised does not count.
        """
        done = self.shared / f"{name}.done"
        with locked(self.shared / f"{name}.lock"):
            first = not done.exists()
            yield first
            done.touch()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive file lock, waiting for it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run_owner() -> int:
    """The process that a test run was started as: pytest-xdist's controller, or this one."""
    return os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()


def worker_number() -> int:
    """0, 1, … for a process of pytest-xdist; 0 without it."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def start_test_servers(shared: Path) -> TestServers:
    """The servers of this run, started if nobody has yet.

    `shared` is one folder for all processes of the run: the controller's `tmp_path_factory`
    base, which is the parent of a worker's. The Redis URL names a database of this process's own.
    """
    if "TEST_POSTGRES_URL" in os.environ:
        uri = os.environ["TEST_POSTGRES_URL"].replace("+psycopg", "")
        redis = os.environ["TEST_REDIS_URL"]
    else:
        with locked(shared / "servers.lock"):
            uri, redis = _addresses(shared)
    number = worker_number() % DATABASES
    return TestServers(PostgresAddress(uri), f"{redis.rpartition('/')[0]}/{number}", shared)


def _addresses(shared: Path) -> tuple[str, str]:
    """URIs of PostgreSQL and Valkey, from the note left by the first caller."""
    note = shared / "servers.json"
    if note.exists():
        known = json.loads(note.read_text())
        return known["postgres"], known["redis"]
    owner = run_owner()
    postgres = EmbeddedPostgres(durable=False, parent=owner)
    valkey = EmbeddedValkey(parent=owner)
    postgres.start()
    valkey.start()
    for server in (postgres, valkey):
        server.detach()
    note.touch(mode=0o600)
    note.write_text(json.dumps({"postgres": postgres.conninfo(), "redis": valkey.url()}))
    return postgres.conninfo(), valkey.url()


def shared_folder(base_temp: Path) -> Path:
    """The folder for `start_test_servers`, from `tmp_path_factory.getbasetemp()`."""
    return base_temp.parent if "PYTEST_XDIST_WORKER" in os.environ else base_temp
