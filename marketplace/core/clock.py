"""The time, as something that is handed over, so that a test can hold it in its hand.

Domain time comes from here only: holds, deadlines, as-of dates. Security protocols (signatures,
sessions, tokens) keep the system's clock, since their other side does too.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Tells the time in UTC."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class FixedClock:
    """A clock that moves only when it is told to."""

    at: datetime

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("FixedClock needs an aware time")
        self.at = self.at.astimezone(UTC)

    def now(self) -> datetime:
        return self.at

    def advance(self, delta: timedelta) -> None:
        """Move by `delta`, which may be negative: clocks are set back in real life too."""
        self.at += delta


@dataclass
class OffsetClock:
    """The machine's clock plus an offset, in seconds, kept in a file that all processes read.

    For development, demo and tests: it lets one walk a rotation through its weeks in minutes.
    The settings refuse it in production.
    """

    path: Path
    _offset: timedelta = field(default=timedelta(), init=False)
    _stamp: int = field(default=-1, init=False)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._read()

    def advance(self, delta: timedelta) -> None:
        """Add `delta` to the offset that is in the file, whole or not at all."""
        total = (self._read() + delta).total_seconds()
        draft = self.path.with_suffix(".draft")
        draft.write_text(f"{total}\n")
        draft.replace(self.path)
        self._stamp = -1

    def _read(self) -> timedelta:
        try:
            stamp = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return timedelta()
        if stamp != self._stamp:
            self._offset = timedelta(seconds=float(self.path.read_text().strip() or 0))
            self._stamp = stamp
        return self._offset
