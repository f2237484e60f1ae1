"""Rate limits: counted in Redis, in the process where that does not answer. They never close the door.

A fixed window for each caller and route. A process takes several turns at once from the common
count and hands them out itself, so that who asks often costs a question of Redis once in many
requests. The limit is never exceeded; turns that a process took and did not need are at most 2 %.
"""

import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import TooManyRequests

from marketplace.core.ports import TurnCounter
from marketplace.core.settings import Settings
from marketplace.web import context

View = TypeVar("View", bound=Callable[..., Any])
UNLIMITED = "__unlimited__"
BOOK = "marketplace.limits"
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
# So many callers are remembered a process; who is forgotten is asked about again.
MOST_WINDOWS = 20_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many turns in so many seconds."""

    turns: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read `1200/minute`; `ValueError` for anything else."""
        turns, _, unit = text.partition("/")
        if unit not in SECONDS or not turns.isdecimal() or int(turns) < 1:
            raise ValueError(f"a rate such as 1200/minute expected, not {text!r}")
        return cls(int(turns), SECONDS[unit])

    @property
    def at_once(self) -> int:
        """How many turns a process takes from the common count in one go."""
        return min(max(self.turns // 50, 1), 100)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether this turn is within the rate; what is left, as far as known; seconds to the reset."""

    allowed: bool
    rate: Rate
    left: int
    seconds: float


@dataclass(slots=True)
class _Window:
    ends: float
    # Turns that were taken from the common count and not handed out yet.
    in_hand: int = 0
    # Turns taken by this process, and those that nobody has taken.
    taken: int = 0
    unclaimed: int = 0


class Book:
    """The windows that this process knows of."""

    def __init__(self, counter: TurnCounter) -> None:
        self._counter = counter
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._lock = threading.Lock()

    def turn(self, key: str, rate: Rate) -> Verdict:
        """Take one turn of `key`."""
        now = time.monotonic()
        with self._lock:
            window = self._windows.get(key)
            if window is not None and now < window.ends:
                if window.in_hand:
                    return _handed_out(window, rate, now)
                if not window.unclaimed:
                    return Verdict(False, rate, 0, window.ends - now)
        told = self._counter.take(key, rate.at_once, rate.seconds)
        now = time.monotonic()
        with self._lock:
            window = self._window(key, rate, now)
            if told is None:
                granted = min(rate.at_once, rate.turns - window.taken)
                window.unclaimed = rate.turns - window.taken - granted
            else:
                total, seconds = told
                granted = min(max(rate.turns - (total - rate.at_once), 0), rate.at_once)
                window.unclaimed = max(rate.turns - total, 0)
                window.ends = now + seconds
            window.taken += granted
            window.in_hand += granted
            if window.in_hand:
                return _handed_out(window, rate, now)
            return Verdict(False, rate, 0, window.ends - now)

    def _window(self, key: str, rate: Rate, now: float) -> _Window:
        window = self._windows.get(key)
        if window is None or now >= window.ends:
            window = self._windows[key] = _Window(ends=now + rate.seconds)
        self._windows.move_to_end(key)
        if len(self._windows) > MOST_WINDOWS:
            self._windows.popitem(last=False)
        return window


def _handed_out(window: _Window, rate: Rate, now: float) -> Verdict:
    window.in_hand -= 1
    return Verdict(True, rate, window.in_hand + window.unclaimed, window.ends - now)


class OwnCount:
    """Serves `TurnCounter` where there is no Redis: nobody else counts."""

    def take(self, key: str, turns: int, seconds: int) -> tuple[int, float] | None:
        del key, turns, seconds
        return None


def who() -> str:
    """Count a token by itself, so that a school's shared address is not one caller."""
    token = request.headers.get("Authorization")
    if token:
        return hashlib.blake2b(token.encode(), digest_size=16).hexdigest()
    return request.remote_addr or "unknown"


def check(rate: Rate, scope: str) -> None:
    """Take a turn of `scope`; `TooManyRequests` (429) with the seconds to wait if none is left."""
    book: Book = current_app.extensions[BOOK]
    verdict = book.turn(scope, rate)
    told: Verdict | None = g.get("limit_told")
    if told is None or verdict.left <= told.left:
        g.limit_told = verdict
    if not verdict.allowed:
        wait = max(1, math.ceil(verdict.seconds))
        raise TooManyRequests(
            f"At most {rate.turns} in {rate.seconds} seconds; try again in {wait}.",
            retry_after=wait,
        )


def unlimited(view: View) -> View:
    """Count no requests to this view: what asks it may not be turned away."""
    setattr(view, UNLIMITED, True)
    return view


def init_app(app: Flask, settings: Settings) -> None:
    """Put the default limit on all routes but those that are `unlimited`."""
    rate = Rate.parse(settings.rate_limit)
    app.extensions[BOOK] = Book(app.extensions[context.PARTS].get(TurnCounter))

    @app.before_request
    def take_a_turn() -> None:
        endpoint = request.endpoint or "nothing"
        if not getattr(app.view_functions.get(endpoint), UNLIMITED, False):
            check(rate, f"{who()}:{endpoint}")

    @app.after_request
    def tell(response: Response) -> Response:
        told: Verdict | None = g.get("limit_told")
        if told is not None:
            headers = response.headers
            headers["X-RateLimit-Limit"] = str(told.rate.turns)
            headers["X-RateLimit-Remaining"] = str(told.left)
            headers["X-RateLimit-Reset"] = str(int(time.time() + told.seconds))
        return response
