"""Runs the application's processes: restarts what crashes, keeps the logs, stops all of it.

Every line that a child prints goes to its log file; what a person should see of it also to the
terminal. Children live below guards, so none outlives the supervisor.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NoReturn

from marketplace.embedded.guard import Orders
from marketplace.embedded.processes import GuardedProcess

FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
STEADY_SECONDS = 30.0  # after running so long, a crash counts as the first again
TICK_SECONDS = 0.2
LARGEST_LOG_BYTES = 20 * 1024 * 1024
NOTABLE_LEVELS = {"warning", "error", "critical"}
NOTABLE_TEXT = re.compile(r"\b(WARNING|ERROR|CRITICAL|Traceback|[A-Z]\w*(Error|Exception))\b")


@dataclass(frozen=True, slots=True)
class Child:
    """A command to keep running, under a short name."""

    name: str
    command: Sequence[str]
    grace: float = 8.0  # seconds between being asked to stop and being killed


def summary(line: str) -> str | None:
    """What the terminal shows of a log line, None if a person need not see it."""
    if line.startswith("{"):
        try:
            entry = json.loads(line)
        except ValueError:
            return line
        if str(entry.get("level", "")).lower() not in NOTABLE_LEVELS:
            return None
        said = entry.get("event") or entry.get("message") or ""
        problem = entry.get("exception") or entry.get("error") or ""
        return f"{entry['level']}: {said} {str(problem).strip().rpartition(chr(10))[2]}".strip()
    return line if NOTABLE_TEXT.search(line) else None


def delay_after(crashes: int) -> float:
    """Seconds to wait before the next start, after so many crashes in a row (1, 2, …)."""
    return float(min(FIRST_DELAY_SECONDS * 2 ** min(crashes - 1, 16), LONGEST_DELAY_SECONDS))


def open_log(path: Path) -> IO[bytes]:
    """A log to append to; a large one is set aside as `.1` first."""
    if path.exists() and path.stat().st_size > LARGEST_LOG_BYTES:
        path.replace(path.with_name(path.name + ".1"))
    return path.open("ab", buffering=0)


@dataclass(slots=True)
class _Running:
    """A child's process, its reader and its history."""

    child: Child
    process: GuardedProcess | None = None
    reader: threading.Thread | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    crashes: int = 0


@dataclass(slots=True)
class Supervisor:
    """Keeps `children` running with `environment`, from `start` to `stop`."""

    children: Iterable[Child]
    logs: Path
    environment: Mapping[str, str]
    directory: Path
    parent: int
    say: Callable[[str], None]
    verbose: bool = False
    _running: list[_Running] = field(default_factory=list)

    def start(self) -> None:
        """Start every child once."""
        self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._running = [_Running(child) for child in self.children]
        for running in self._running:
            self._launch(running)

    def run(self, every_tick: Callable[[], None] = lambda: None) -> NoReturn:
        """Keep the children running, until an exception (KeyboardInterrupt) ends it."""
        while True:
            time.sleep(TICK_SECONDS)
            self.check()
            every_tick()

    def check(self) -> None:
        """Notice crashes and restart what is due."""
        now = time.monotonic()
        for running in self._running:
            if running.process is not None:
                if (status := running.process.poll()) is not None:
                    self._crashed(running, status, now)
            elif now >= running.restart_at:
                self._launch(running)

    def pids(self) -> dict[str, int]:
        """Process ids of the children's guards, by name; of those that run now."""
        return {each.child.name: each.process.pid for each in self._running if each.process}

    def stop(self) -> None:
        """Ask all to stop, wait for them, by force after their grace."""
        live = [each.process for each in self._running if each.process is not None]
        for process in live:
            process.ask_to_stop()
        for process in live:
            process.stop()
        for running in self._running:
            self._close(running)

    def _launch(self, running: _Running) -> None:
        orders = Orders(
            parent=self.parent,
            command=running.child.command,
            grace=running.child.grace,
            directory=str(self.directory),
        )
        running.process = GuardedProcess(orders, output=None, env=self.environment)
        running.started_at = time.monotonic()
        running.reader = threading.Thread(
            target=self._forward, args=(running.child.name, running.process), daemon=True
        )
        running.reader.start()

    def _crashed(self, running: _Running, status: int, now: float) -> None:
        steady = now - running.started_at > STEADY_SECONDS
        running.crashes = 1 if steady else running.crashes + 1
        delay = delay_after(running.crashes)
        running.restart_at = now + delay
        self._close(running)
        log = self.logs / f"{running.child.name}.log"
        self.say(f"{running.child.name} ended (status {status}), see {log}; again in {delay:.1f} s")

    def _close(self, running: _Running) -> None:
        """Collect an ended process and the last of its output."""
        if running.reader is not None:
            running.reader.join(timeout=2)
        if running.process is not None:
            running.process.wait()
        running.process = running.reader = None

    def _forward(self, name: str, process: GuardedProcess) -> None:
        """Copy a child's lines to its log and, in short, to the terminal."""
        source = process.stdout
        if source is None:
            return
        with source, open_log(self.logs / f"{name}.log") as log:
            for line in source:
                log.write(line)
                text = line.decode(errors="replace").rstrip()
                shown = text if self.verbose else summary(text)
                if shown:
                    self.say(f"{name} | {shown}")
