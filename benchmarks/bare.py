"""What PostgreSQL itself can do: pgbench scripts, psycopg loops, COPY. The floor below the yardstick."""

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks import data, ids, statements
from benchmarks.figures import latencies
from benchmarks.stage import CLIENTS, Stage
from marketplace.catalog.rules.policies import SELECTABLE, TERMS

PLACE = re.compile(r"%\((\w+)\)s")
TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
TRANSACTIONS = re.compile(r"actually processed: (\d+)")
GRACE_SECONDS = 60
# Kinds of ids that only the script makes.
BOOKING, PAYMENT = 32, 33


def booking_script(*, spread: bool, listings: int, per_client: int) -> str:
    """The pgbench script of one booking: the yardstick's statements in its two transactions."""
    blocks = data.BLOCKS if spread else 1
    own = ":client_id * 1000000 + :turn"
    values = {
        "booking": f"bench_id({BOOKING}, {own})",
        "payment": f"bench_id({PAYMENT}, {own})",
        "trainee": f"bench_id({ids.TRAINEE}, :trainee)",
        "listing": f"bench_id({ids.LISTING}, :listing)",
        "first_day": f"(date '{data.first_day()}' + 28 * :block)",
        "price": _literal(json.dumps(statements.PRICE)),
        "policy": _literal(json.dumps({"own": TERMS[SELECTABLE[0]], "always": []})),
        "queue": "'default'",
        "task": "'payments.open_checkout'",
        "arguments": f"jsonb_build_object('payment_id', bench_id({PAYMENT}, {own}))",
    }
    lines = [
        "\\set turn :turn + 1",
        f"\\set block :turn % {blocks}",
        f"\\set trainee :client_id * {per_client} + :turn / {blocks}",
        f"\\set listing {f'(:client_id + {CLIENTS} * :turn) % {listings} + {data.BOOKABLE}' if spread else data.BOOKABLE}",
    ]
    for group in (statements.HOLD, statements.PAY):
        lines += ["BEGIN;", *(f"{as_script(text, values)};" for text in group), "COMMIT;"]
    return "\n".join(lines) + "\n"


def as_script(statement: str, values: dict[str, str]) -> str:
    """A statement for pgbench: named places filled in, on one line."""
    filled = PLACE.sub(lambda place: values[place[1]], statement)
    return " ".join(filled.split())


def pgbench(stage: Stage, conninfo: str, script: str, *, seconds: float) -> dict[str, Any]:
    """Run a script from all clients at once; rate and latencies of whole scripts."""
    logs = Path(tempfile.mkdtemp(prefix="pgbench-", dir=stage.folder))
    path = stage.folder / f"{logs.name}.sql"
    path.write_text(script)
    command = [
        *(str(stage.postgres.binaries / "pgbench"), "--no-vacuum", "--protocol=prepared"),
        *(f"--client={CLIENTS}", "--jobs=2", f"--time={max(1, round(seconds))}"),
        *("--define=turn=-1", "--log", f"--log-prefix={logs / 'times'}", f"--file={path}"),
    ]
    done = subprocess.run(
        command,
        env={**os.environ, **_libpq(conninfo)},
        capture_output=True,
        text=True,
        timeout=seconds + GRACE_SECONDS,
        check=False,
    )
    if done.returncode != 0 or (rate := TPS.search(done.stdout)) is None:
        raise RuntimeError(f"pgbench: {done.stderr[-1500:]}")
    units = TRANSACTIONS.search(done.stdout)
    times = [
        int(line.split()[2]) / 1e6
        for log in logs.iterdir()
        for line in log.read_text().splitlines()
    ]
    return {
        "rate": float(rate[1]),
        "units": int(units[1]) if units else 0,
        "latency_ms": latencies(times),
    }


def time_queries(conninfo: str, groups: Sequence[Sequence[str]]) -> list[float]:
    """Seconds for each group of queries, every row fetched, on one connection."""
    taken: list[float] = []
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for group in groups:
            began = time.perf_counter()
            for query in group:
                connection.execute(query.encode()).fetchall()
            taken.append(time.perf_counter() - began)
    return taken


def copy_out(conninfo: str, query: str) -> tuple[int, float]:
    """Bytes and seconds of `COPY (query) TO STDOUT`, read and thrown away."""
    with psycopg.connect(conninfo) as connection, connection.cursor() as cursor:
        began = time.perf_counter()
        with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)".encode()) as copy:
            size = sum(len(piece) for piece in copy)
        return size, time.perf_counter() - began


def best(timings: Iterable[float]) -> float:
    """The shortest of repeated timings: the one that was disturbed least."""
    return min(timings)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _libpq(conninfo: str) -> dict[str, str]:
    """The environment by which libpq finds the database: no password in a list of processes."""
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    given = conninfo_to_dict(conninfo)
    return {
        **{variable: str(given[name]) for name, variable in names.items()},
        "PGDATABASE": str(given["dbname"]),
    }


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def keep(conninfo: str, table: str, query: str) -> None:
    """Keep a query's rows as a plain table."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(f"CREATE UNLOGGED TABLE {table} AS {query}".encode())
