"""News by Redis publish and subscribe: one connection and one thread a process, while anyone listens.

A server that ends, or that answers no question for some seconds, loses all who listen: they are
told so and read the truth elsewhere. Who listens next tries again.
"""

import threading
import time
from collections.abc import Collection

import redis
import structlog
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

from marketplace.adapters.cache import CHANNEL, PREFIX

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 0.5
TICK_SECONDS = 0.5
# A silent server is asked after this long, and taken for dead when it stays silent.
ASK_AFTER_SECONDS = 4.0
SILENT_SECONDS = 7.0


class _Ears:
    """Serves `Listening`."""

    def __init__(self, names: Collection[str], news: "RedisNews | None") -> None:
        self.names = frozenset(names)
        self._news = news
        self._told: set[str] = set()
        self._lost = news is None
        self._changed = threading.Condition()

    @property
    def lost(self) -> bool:
        return self._lost

    def wait(self, seconds: float) -> frozenset[str]:
        with self._changed:
            if not self._told and not self._lost:
                self._changed.wait(seconds)
            told = frozenset(self._told)
            self._told.clear()
        return told

    def close(self) -> None:
        if self._news is not None:
            self._news.leave(self)

    def hear(self, names: frozenset[str]) -> None:
        with self._changed:
            self._told |= names & self.names
            if self._told:
                self._changed.notify_all()

    def lose(self) -> None:
        with self._changed:
            self._lost = True
            self._changed.notify_all()


class RedisNews:
    """Serves `News`."""

    def __init__(self, url: str, *, prefix: str = PREFIX) -> None:
        self._channel = prefix + CHANNEL
        self._server = redis.Redis.from_url(
            url,
            socket_timeout=CONNECT_SECONDS,
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._lock = threading.Lock()
        self._listening: set[_Ears] = set()
        self._subscribed = threading.Event()
        self._thread: threading.Thread | None = None

    def listen(self, names: Collection[str]) -> _Ears:
        ears = _Ears(names, self)
        with self._lock:
            self._listening.add(ears)
            if self._thread is None:
                self._subscribed.clear()
                self._thread = threading.Thread(target=self._follow, name="news", daemon=True)
                self._thread.start()
        deadline = time.monotonic() + 2 * CONNECT_SECONDS + TICK_SECONDS
        while not self._subscribed.wait(0.02) and not ears.lost:
            if time.monotonic() > deadline:
                ears.lose()
        return ears

    def leave(self, ears: _Ears) -> None:
        with self._lock:
            self._listening.discard(ears)

    def _follow(self) -> None:
        try:
            with PubSub(self._server.connection_pool) as channel:
                channel.subscribe(self._channel)
                self._hear(channel)
        except redis.RedisError as error:
            log.warning("news_lost", error=repr(error))
        finally:
            self._give_up()

    def _give_up(self) -> None:
        """Lose all who listen, unless nobody did and another thread has begun since."""
        with self._lock:
            if self._thread is not threading.current_thread():
                return
            self._thread = None
            self._subscribed.clear()
            left, self._listening = self._listening, set()
        for ears in left:
            ears.lose()

    def _hear(self, channel: PubSub) -> None:
        heard = asked = time.monotonic()
        while self._wanted():
            message = channel.get_message(timeout=TICK_SECONDS)
            now = time.monotonic()
            if message is not None:
                heard = now
                self._take(message)
            elif now - heard > SILENT_SECONDS:
                raise redis.TimeoutError("the server of the news is silent")
            elif now - max(heard, asked) > ASK_AFTER_SECONDS:
                channel.ping()
                asked = now

    def _take(self, message: dict[str, object]) -> None:
        if message["type"] == "subscribe":
            self._subscribed.set()
        data = message["data"]
        if message["type"] == "message" and isinstance(data, bytes):
            names = frozenset(data.decode().split("\n"))
            with self._lock:
                listening = list(self._listening)
            for ears in listening:
                ears.hear(names)

    def _wanted(self) -> bool:
        """Whether anyone listens; the last look is taken with the door closed."""
        with self._lock:
            if self._listening:
                return True
            self._thread = None
            self._subscribed.clear()
            return False


class NoNews:
    """Serves `News` where there is no server: who listens is lost at once."""

    def listen(self, names: Collection[str]) -> _Ears:
        return _Ears(names, None)
