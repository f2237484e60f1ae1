"""The cache in Redis: speed only. Every failure is a miss, and a dead server is asked rarely."""

import time
from datetime import timedelta
from typing import cast

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

SECONDS = 0.05
# After a failure nobody asks for this long: 50 ms for each of many requests would be slow too.
REST_SECONDS = 1.0


class RedisCache:
    """Serves `Cache`."""

    def __init__(self, url: str, *, prefix: str = "marketplace:") -> None:
        self._prefix = prefix
        self._resting_until = 0.0
        self._server = redis.Redis.from_url(
            url,
            socket_timeout=SECONDS,
            socket_connect_timeout=SECONDS,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=30,
        )

    def get(self, key: str) -> bytes | None:
        if self._resting():
            return None
        try:
            return cast("bytes | None", self._server.get(self._prefix + key))
        except redis.RedisError as error:
            self._rest(error)
            return None

    def set(self, key: str, value: bytes, ttl: timedelta) -> None:
        milliseconds = int(ttl.total_seconds() * 1000)
        if milliseconds <= 0 or self._resting():
            return
        try:
            self._server.set(self._prefix + key, value, px=milliseconds)
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
        self._resting_until = time.monotonic() + REST_SECONDS
        log.warning("cache_unavailable", error=repr(error))


class NoCache:
    """Serves `Cache` where there is none: every answer is a miss."""

    def get(self, key: str) -> bytes | None:
        del key
        return None

    def set(self, key: str, value: bytes, ttl: timedelta) -> None:
        """Keep nothing."""

    def delete(self, *keys: str) -> None:
        """Forget nothing."""

    def alive(self) -> bool:
        return False
