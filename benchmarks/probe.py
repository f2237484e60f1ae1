"""One process of the product, asked request by request: statements, CPU, waiting.

The database writes the statements that are counted to its `log`: the count is the server's own, BEGIN, COMMIT and pings included.
"""

import cProfile
import io
import json
import pstats
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import Engine, event
from werkzeug.test import EnvironBuilder

from benchmarks.figures import middle
from config.settings import load
from marketplace.app import create_app
from marketplace.identity.models import Account

STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*)")
LONGEST_SHOWN = 100
LIBRARIES_SHOWN = 8


@dataclass(slots=True)
class Listener:
    """What SQLAlchemy sends, and how long each statement is waited for."""

    sent: list[tuple[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    began: float = 0.0

    def attach(self, engine: Engine) -> None:
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)

    def _before(self, _c: Any, _k: Any, statement: str, parameters: Any, *_: Any) -> None:
        self.sent.append((statement, parameters))
        self.began = time.perf_counter()

    def _after(self, *_: Any) -> None:
        self.seconds += time.perf_counter() - self.began

    def reset(self) -> None:
        self.sent.clear()
        self.seconds = 0.0


class Probe:
    """The application, asked through its WSGI interface in this very thread."""

    def __init__(self, app: Flask, log: Path | None) -> None:
        self.app = app
        self.log_file = log
        self.log: Path | None = None
        self.listener = Listener()
        with app.app_context():
            self.engine: Engine = app.extensions["sqlalchemy"].engine
        self.listener.attach(self.engine)

    def write_down(self) -> None:
        """Have the database log what this process asks from now on (its user may)."""
        self.log = self.log_file
        self.engine.dispose()
        event.listen(self.engine, "connect", _log_all)

    def ask(self, request: Mapping[str, Any]) -> tuple[int, bytes, dict[str, float]]:
        """Status, body, and seconds: `cpu` of the process, `wall`, `database` waited for."""
        body = request.get("body")
        environ = EnvironBuilder(
            path=request["path"],
            method=request.get("method", "GET"),
            query_string=request.get("query", ""),
            headers=request.get("headers"),
            input_stream=None if body is None else io.BytesIO(body.encode()),
            content_type=None if body is None else "application/json",
            content_length=None if body is None else len(body.encode()),
        ).get_environ()
        answered: list[str] = []

        def start(status: str, _headers: Any, _error: Any = None) -> Any:
            answered.append(status)

        self.listener.reset()
        wall, cpu = time.perf_counter(), time.process_time()
        result = self.app(environ, start)
        content = b"".join(result)
        closing = getattr(result, "close", None)
        if closing is not None:
            closing()
        spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        spent["database"] = self.listener.seconds
        return int(answered[0].split()[0]), content, spent

    @contextmanager
    def logged(self, found: list[str]) -> Iterator[None]:
        """Append to `found` each statement that the server logs meanwhile."""
        if self.log is None:
            yield
            return
        offset = self.log.stat().st_size
        yield
        with self.log.open("rb") as file:
            file.seek(offset)
            text = file.read().decode(errors="replace")
        found += [match[1] for match in map(STATEMENT.search, text.splitlines()) if match]

    def mogrified(self) -> list[str]:
        """The statements of the last request with their values in place."""
        with self.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            cursor = psycopg.ClientCursor(driver)
            return [cursor.mogrify(text, values or None) for text, values in self.listener.sent]


def _log_all(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET log_statement = 'all'")
    connection.commit()


def tokens(app: Flask, count: int) -> list[str]:
    """Bearer tokens of the generated trainees."""
    with app.app_context():
        made = [Account(fs_token_uniquifier=f"token-{n}") for n in range(count)]
        return [str(account.get_auth_token()) for account in made]


def capture(probe: Probe, paths: Sequence[str]) -> list[list[str]]:
    """The statements of each GET, with their values in place."""
    found = []
    for path in paths:
        plain, _, query = path.partition("?")
        status, content, _ = probe.ask({"path": plain, "query": query})
        if status != 200:
            raise RuntimeError(f"{path}: {status} {content[:300]!r}")
        found.append(probe.mogrified())
    return found


def measure(
    probe: Probe, kinds: Mapping[str, Sequence[Mapping[str, Any]]], *, profiled: bool = False
) -> dict[str, Any]:
    """For each kind of request: statements of one, and the middle of the others' times.

    A path may name the id of the answer before it, as `{id}`. `profiled` tells in which libraries
    the time was spent, and makes all times longer.
    """
    results: dict[str, list[tuple[dict[str, float], list[str], int]]] = {name: [] for name in kinds}
    profiles = {name: cProfile.Profile() for name in kinds}
    last_id, warm = "", _cold(len(next(iter(kinds.values()))))
    for turn, step in enumerate(zip(*kinds.values(), strict=True)):
        for name, request in zip(kinds, step, strict=True):
            logged: list[str] = []
            filled = {**request, "path": request["path"].replace("{id}", last_id)}
            watched = profiles[name] if profiled and turn >= warm else nullcontext()
            with probe.logged(logged), watched:
                status, content, spent = probe.ask(filled)
            if status >= 400:
                raise RuntimeError(f"{name}: {status} {content[:500]!r}")
            if name == "hold":
                last_id = json.loads(content)["id"]
            results[name].append((spent, logged, len(probe.listener.sent)))
    told = {name: _told(rows) for name, rows in results.items()}
    if profiled:
        for name, rows in results.items():
            told[name]["ms_by_library"] = by_library(profiles[name], len(rows) - warm)
    return told


def _cold(count: int) -> int:
    """How many first requests fill caches: compiled statements, schemas, connections."""
    return count // 3


def _told(rows: Sequence[tuple[dict[str, float], list[str], int]]) -> dict[str, Any]:
    warm = rows[_cold(len(rows)) :]
    texts = warm[-1][1]
    return {
        **{
            f"{part}_ms": round(middle(spent[part] for spent, _, _ in warm) * 1000, 3)
            for part in ("cpu", "wall", "database")
        },
        "statements": len(texts),
        "sent_by_the_orm": warm[-1][2],
        "texts": [" ".join(text.split())[:LONGEST_SHOWN] for text in texts],
    }


def by_library(profile: cProfile.Profile, units: int) -> dict[str, float]:
    """Milliseconds a request spent within each library, the largest first; waiting is included."""
    spent: Counter[str] = Counter()
    for (path, _, _), (_, _, seconds, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined] # not in its stubs
        _, inside, below = path.rpartition("site-packages/")
        library = below.partition("/")[0] if inside else "marketplace"
        if not inside and "/marketplace/" not in path:
            library = "python"
        spent[library] += seconds
    return {name: round(s / units * 1000, 3) for name, s in spent.most_common(LIBRARIES_SHOWN)}


def main(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Do what the plan asks for: `tokens` (a count), `capture` (paths), `measure`.

    `measure` is two maps of kinds of requests: the first is timed, the second counted.
    """
    app = create_app(load())
    probe = Probe(app, Path(plan["log"]) if plan.get("log") else None)
    done: dict[str, Any] = {}
    if "tokens" in plan:
        done["tokens"] = tokens(app, plan["tokens"])
    if "capture" in plan:
        done["capture"] = capture(probe, plan["capture"])
    if "measure" in plan:
        timed, counted = plan["measure"]
        done["measure"] = [measure(probe, timed)]
        probe.write_down()
        done["measure"].append(measure(probe, counted, profiled=True))
    return done
