"""The counts of rate limits in Redis, asked once a request.

Flask-Limiter counts a turn, then asks how many there were and when the window ends: three questions
of one counter. Its own extension point, a storage, answers all three from the first.
"""

import threading
import time
from typing import Any

from limits.storage import RedisStorage

SCHEME = "once+"

# A key without an end (its first writer was cut off) is given one as well.
_TAKE = b"""
local total = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = tonumber(ARGV[2])
  redis.call('PEXPIRE', KEYS[1], left)
end
return {total, left}
"""


def address(redis_url: str | None) -> str:
    """Where Flask-Limiter counts: in Redis, or in each process where there is none."""
    return f"{SCHEME}{redis_url}" if redis_url else "memory://"


class OnceAskedStorage(RedisStorage):
    """`once+redis://…`: what a turn was told is what its headers say."""

    STORAGE_SCHEME = [f"{SCHEME}redis", f"{SCHEME}rediss"]  # noqa: RUF012 - as the library declares it

    def __init__(self, uri: str, **options: Any) -> None:
        self._told = threading.local()
        super().__init__(uri.removeprefix(SCHEME), **options)

    def initialize_storage(self, _uri: str) -> None:
        super().initialize_storage(_uri)
        self._take: Any = self.get_connection().register_script(_TAKE)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        total, left = self._take([self.prefixed_key(key)], [amount, expiry * 1000])
        self._told.answer = key, int(total), time.time() + int(left) / 1000
        return int(total)

    def get(self, key: str) -> int:
        told = self._answer(key)
        return told[1] if told else super().get(key)

    def get_expiry(self, key: str) -> float:
        told = self._answer(key)
        return told[2] if told else super().get_expiry(key)

    def _answer(self, key: str) -> tuple[str, int, float] | None:
        """What this thread was told last, if it was about this key and its window is not over."""
        told: tuple[str, int, float] | None = getattr(self._told, "answer", None)
        return told if told and told[0] == key and time.time() < told[2] else None
