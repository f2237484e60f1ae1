"""The common count of rate limits in Redis: one question, of one command; no answer is an answer."""

import time
from typing import Any, cast

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

SECONDS = 0.05
# After a failure nobody asks for this long: 50 ms for each of many requests would be slow too.
REST_SECONDS = 1.0
# A key without an end (its first writer was cut off) is given one as well.
_TAKE = """
local total = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = tonumber(ARGV[2])
  redis.call('PEXPIRE', KEYS[1], left)
end
return {total, left}
"""


class RedisTurnCounter:
    """Serves `TurnCounter`."""

    def __init__(self, url: str, *, prefix: str = "marketplace:turns:") -> None:
        self._prefix = prefix
        self._resting_until = 0.0
        server = redis.Redis.from_url(
            url,
            socket_timeout=SECONDS,
            socket_connect_timeout=SECONDS,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
        )
        self._script: Any = server.register_script(_TAKE)

    def take(self, key: str, turns: int, seconds: int) -> tuple[int, float] | None:
        if time.monotonic() < self._resting_until:
            return None
        try:
            told = self._script(keys=[self._prefix + key], args=[turns, seconds * 1000])
        except redis.RedisError as error:
            self._resting_until = time.monotonic() + REST_SECONDS
            log.warning("turn_counter_unavailable", error=repr(error))
            return None
        total, left = cast("list[int]", told)
        return int(total), int(left) / 1000
