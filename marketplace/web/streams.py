"""Answers that go on: server-sent events, so many a process and a client, and never for ever.

An open stream holds one of the server's threads. So a process has few places for them, a client
fewer; a stream ends by itself after some minutes, and its client comes again, to where it was.
Whoever gets no place is told to poll.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from flask import Flask, Response, current_app
from prometheus_client import CollectorRegistry, Gauge

from marketplace.core.ports import Listening
from marketplace.core.settings import Settings
from marketplace.web import health
from marketplace.web.problems import problem
from marketplace.web.stopping import Stopping

STREAMS = "marketplace.streams"
MEDIA_TYPE = "text/event-stream"
LENGTH_SECONDS = 300.0
HEARTBEAT_SECONDS = 10.0
# How soon an asked end is noticed, and how long news is gathered before it is told.
TICK_SECONDS = 1.0
GATHER_SECONDS = 0.25
# What clients are told to wait before they come again: after an end, and where there is no news.
AGAIN_MILLISECONDS = 2_000
POLL_MILLISECONDS = 15_000
POLL_SECONDS = 15


@dataclass(eq=False, slots=True)
class Place:
    """One of the process's places for streams; given back by `leave`, or when its time is over."""

    client: str
    until: float


class Streams:
    """The places of one process."""

    def __init__(self, most: int, most_each: int) -> None:
        self.most = most
        self.most_each = most_each
        self.stopping = Stopping()
        self._lock = threading.Lock()
        self._places: set[Place] = set()

    def enter(self, client: str) -> Place | None:
        """Take a place for `client`; None if all are taken, or all of its own."""
        with self._lock:
            self._places = {place for place in self._places if place.until > time.monotonic()}
            own = sum(place.client == client for place in self._places)
            if len(self._places) >= self.most or own >= self.most_each:
                return None
            # A stream that is never closed leaves its place all the same.
            place = Place(client, time.monotonic() + LENGTH_SECONDS + HEARTBEAT_SECONDS)
            self._places.add(place)
        return place

    def leave(self, place: Place) -> None:
        with self._lock:
            self._places.discard(place)

    def open_now(self) -> int:
        return len(self._places)


class Stream:
    """An answer's body. Closing it, however far it got, gives everything back once."""

    def __init__(self, pieces: Iterator[bytes], close: Callable[[], None]) -> None:
        self._pieces = pieces
        self._close: Callable[[], None] | None = close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        close, self._close = self._close, None
        if close is not None:
            close()


def init_app(app: Flask, settings: Settings) -> None:
    """Give the process its places, and count the taken ones."""
    streams = Streams(settings.live_streams, settings.live_streams_per_client)
    app.extensions[STREAMS] = streams
    registry: CollectorRegistry = app.extensions[health.REGISTRY]
    taken = Gauge("live_streams", "Open streams of events.", registry=registry)
    taken.set_function(streams.open_now)


def streams() -> Streams:
    """The places of this process."""
    found: Streams = current_app.extensions[STREAMS]
    return found


def event(name: str, data: bytes, event_id: str | None = None) -> bytes:
    """One event; `data` is a line of JSON, `event_id` what a client comes back with."""
    mark = b"" if event_id is None else f"id: {event_id}\n".encode()
    return b"".join((mark, b"event: ", name.encode(), b"\ndata: ", data.rstrip(b"\n"), b"\n\n"))


def follow(
    listening: Listening,
    look: Callable[[Collection[str] | None], Iterable[bytes]],
    no_news: bytes,
    stopping: Stopping,
) -> Iterator[bytes]:
    """Yield what `look(None)` shows at first, then `look(names)` of the names told of.

    What is told within a quarter of a second is one look. Ends after some minutes, or when the
    process is asked to; where the news is lost, with the event `no_news`.
    """
    yield _retry(AGAIN_MILLISECONDS)
    yield from look(None)
    end = time.monotonic() + LENGTH_SECONDS
    silent_since = time.monotonic()
    while time.monotonic() < end and not stopping:
        told = listening.wait(TICK_SECONDS)
        if listening.lost:
            yield _retry(POLL_MILLISECONDS) + no_news
            return
        if told:
            time.sleep(GATHER_SECONDS)
            yield from look(told | listening.wait(0))
            silent_since = time.monotonic()
        elif time.monotonic() - silent_since >= HEARTBEAT_SECONDS:
            yield b": nothing new\n\n"
            silent_since = time.monotonic()
    yield b": come again\n\n"


def answer(body: Stream) -> Response:
    """The response of a stream: kept by nobody, passed on by proxies as it comes."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(body, mimetype=MEDIA_TYPE, headers=headers)


def no_place(polling: str) -> Response:
    """The answer where there is no place: come again later, or read `polling` now and then."""
    return problem(
        503,
        "too_many_streams",
        "There is no place for another stream here now.",
        detail=f"Read {polling} every {POLL_SECONDS} seconds instead, with If-None-Match.",
        headers={
            "Retry-After": str(POLL_SECONDS),
            "Link": f'<{polling}>; rel="alternate"; type="application/json"',
        },
    )


def _retry(milliseconds: int) -> bytes:
    return f"retry: {milliseconds}\n\n".encode()
