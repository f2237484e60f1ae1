"""The cache in Redis: speed only. Every failure is a miss, and a dead server is asked rarely."""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

SECONDS = 0.05
# After a failure nobody asks for a while, 50 ms at first and twice as long each time, up to this:
# 50 ms for each of many requests would be slow too, and one hiccup is no outage.
REST_SECONDS = 1.0
# Where `set_many` tells its news, behind the prefix; `adapters.news` listens there.
CHANNEL = "news"
# Commands in one journey: a job may change a hundred thousand subjects.
AT_ONCE = 500
PREFIX = "marketplace:"

Command = tuple[str | bytes | int, ...]


class _Line(threading.local):
    """A thread's own connection, for what is asked in almost every request.

    The client's pool looks at a connection before it lends it, and keeps statistics of doing so:
    two thirds of what a question costs.
    """

    def __init__(self, pool: redis.ConnectionPool) -> None:
        self._pool = pool
        self._process = 0
        # Untyped as the client has it.
        self._connection: Any = None

    def ask(self, *commands: Command) -> list[object]:
        """Send commands that may be sent twice, and return their answers; `RedisError`."""
        if self._connection is None or self._process != os.getpid():
            self._process = os.getpid()
            self._connection = self._pool.make_connection()
        try:
            return self._asked(self._connection, commands)
        except redis.TimeoutError:
            raise
        except redis.ConnectionError:
            # The server may have been started anew since it was last asked.
            return self._asked(self._connection, commands)

    def _asked(self, connection: Any, commands: Sequence[Command]) -> list[object]:
        try:
            packed = connection.pack_commands(commands)
            connection.send_packed_command(packed, check_health=False)
            return [connection.read_response() for _ in commands]
        except BaseException:
            # Else the next question would get this one's answer.
            connection.disconnect()
            raise


class RedisCache:
    """Serves `Cache`."""

    def __init__(self, url: str, *, prefix: str = PREFIX) -> None:
        self._prefix = prefix
        self._resting_until = 0.0
        self._failures = 0
        self._server = redis.Redis.from_url(
            url,
            socket_timeout=SECONDS,
            socket_connect_timeout=SECONDS,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=30,
        )
        self._line = _Line(self._server.connection_pool)

    def get(self, key: str) -> bytes | None:
        return self.get_many(key)[0]

    def get_many(self, *keys: str) -> Sequence[bytes | None]:
        if not self._resting():
            try:
                (kept,) = self._line.ask(("MGET", *(self._prefix + key for key in keys)))
                self._failures = 0
                return cast("list[bytes | None]", kept)
            except redis.RedisError as error:
                self._rest(error)
        return [None] * len(keys)

    def set(self, key: str, value: bytes, ttl: timedelta, *, since: float | None = None) -> None:
        began = time.time()
        end = (began if since is None else since) + ttl.total_seconds()
        if end <= began or self._resting():
            return
        try:
            self._line.ask(("SET", self._prefix + key, value, "PXAT", int(end * 1000)))
        except redis.RedisError as error:
            self._rest(error)

    def set_many(
        self, entries: Mapping[str, bytes], ttl: timedelta, *, tell: Sequence[str] = ()
    ) -> None:
        if self._resting():
            return
        end = int((time.time() + ttl.total_seconds()) * 1000)
        items = list(entries.items())
        try:
            for start in range(0, max(len(items), len(tell)), AT_ONCE):
                some = slice(start, start + AT_ONCE)
                commands: list[Command] = [
                    ("SET", self._prefix + key, value, "PXAT", end) for key, value in items[some]
                ]
                if names := tell[some]:
                    commands.append(("PUBLISH", self._prefix + CHANNEL, "\n".join(names)))
                self._line.ask(*commands)
        except redis.RedisError as error:
            self._rest(error)

    def delete(self, *keys: str) -> None:
        if not keys or self._resting():
            return
        try:
            self._server.delete(*(self._prefix + key for key in keys))
        except redis.RedisError as error:
            self._rest(error)

    def alive(self) -> bool:
        try:
            return bool(self._server.ping())
        except redis.RedisError:
            return False

    def _resting(self) -> bool:
        return time.monotonic() < self._resting_until

    def _rest(self, error: redis.RedisError) -> None:
        rest = min(REST_SECONDS, SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        self._resting_until = time.monotonic() + rest
        log.warning("cache_unavailable", error=repr(error))


class NoCache:
    """Serves `Cache` where there is none: every answer is a miss."""

    def get(self, key: str) -> bytes | None:
        del key
        return None

    def get_many(self, *keys: str) -> Sequence[bytes | None]:
        return [None] * len(keys)

    def set(self, key: str, value: bytes, ttl: timedelta, *, since: float | None = None) -> None:
        """Keep nothing."""

    def set_many(
        self, entries: Mapping[str, bytes], ttl: timedelta, *, tell: Sequence[str] = ()
    ) -> None:
        """Keep nothing, tell nobody."""

    def delete(self, *keys: str) -> None:
        """Forget nothing."""

    def alive(self) -> bool:
        return False
