"""The counts of rate limits in Redis, asked once in many requests of one caller.

Flask-Limiter counts a turn, then asks how many there were and when the window ends: three questions
of one counter. Its own extension point, a storage, answers all three from the first. Where a limit
is wide, a process draws the numbers of several turns at once and gives them out itself: no number
is given twice, so the limit is never exceeded; those that a process drew and did not need are at
most a fiftieth of it.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from limits.storage import RedisStorage

SCHEME = "once+"
# The largest part of a limit that one process may draw and leave unused, and its largest number.
SHARE = 50
MOST_AT_ONCE = 100
# So many counters are remembered; of one that is forgotten, the rest of its numbers is lost.
MOST_REMEMBERED = 20_000

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


@dataclass(slots=True)
class _Drawn:
    """Numbers that this process may give out: after `given`, up to `last`, until `ends`."""

    given: int
    last: int
    ends: float


class OnceAskedStorage(RedisStorage):
    """`once+redis://…`: what a turn was told is what its headers say."""

    STORAGE_SCHEME = [f"{SCHEME}redis", f"{SCHEME}rediss"]  # noqa: RUF012 - as the library declares it

    def __init__(self, uri: str, **options: Any) -> None:
        self._told = threading.local()
        self._drawn: OrderedDict[str, _Drawn] = OrderedDict()
        self._lock = threading.Lock()
        super().__init__(uri.removeprefix(SCHEME), **options)

    def initialize_storage(self, _uri: str) -> None:
        super().initialize_storage(_uri)
        self._take: Any = self.get_connection().register_script(_TAKE)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Return the number of this turn in its window; of the last one, if it is several."""
        number, ends = self._in_hand(key, amount) or self._draw(key, expiry, amount)
        self._told.answer = key, number, ends
        return number

    def get(self, key: str) -> int:
        told = self._answer(key)
        return told[1] if told else super().get(key)

    def get_expiry(self, key: str) -> float:
        told = self._answer(key)
        return told[2] if told else super().get_expiry(key)

    def clear(self, key: str) -> None:
        with self._lock:
            self._drawn.pop(key, None)
        super().clear(key)

    def reset(self) -> int | None:
        with self._lock:
            self._drawn.clear()
        return super().reset()

    def _in_hand(self, key: str, amount: int) -> tuple[int, float] | None:
        with self._lock:
            drawn = self._drawn.get(key)
            if drawn is None or drawn.last - drawn.given < amount or time.time() >= drawn.ends:
                return None
            drawn.given += amount
            return drawn.given, drawn.ends

    def _draw(self, key: str, expiry: int, amount: int) -> tuple[int, float]:
        wanted = max(amount, _at_once(key))
        total, left = self._take([self.prefixed_key(key)], [wanted, expiry * 1000])
        last, ends = int(total), time.time() + int(left) / 1000
        given = last - wanted + amount
        if wanted > amount:
            with self._lock:
                self._drawn[key] = _Drawn(given, last, ends)
                self._drawn.move_to_end(key)
                if len(self._drawn) > MOST_REMEMBERED:
                    self._drawn.popitem(last=False)
        return given, ends

    def _answer(self, key: str) -> tuple[str, int, float] | None:
        """What this thread was told last, if it was about this key and its window is not over."""
        told: tuple[str, int, float] | None = getattr(self._told, "answer", None)
        return told if told and told[0] == key and time.time() < told[2] else None


def _at_once(key: str) -> int:
    """How many numbers to draw: the library ends a key with the limit, `…/1200/1/minute`."""
    parts = key.rsplit("/", 3)
    limit = int(parts[1]) if len(parts) > 3 and parts[1].isdecimal() else 0  # noqa: PLR2004
    return min(max(limit // SHARE, 1), MOST_AT_ONCE)
