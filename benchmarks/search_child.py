"""One client that searches, and the same SQL alone, search by search in turn.

What disturbs the machine for a moment disturbs all who are compared, and none finds its code and the
database's pages fresher than another does. The SQL is planned each time: who searches asks for
something else than the last one did.
"""

import http.client
import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import redis

from benchmarks.load import LOOPBACK, TIMEOUT_SECONDS

Ask = Callable[[int], object]


def main(plan: Mapping[str, Any]) -> dict[str, list[list[float]]]:
    """Seconds of each search by who answers and round.

    `servers` are a port and paths by name, `captured` the statements of each search, which
    `conninfo` is asked for by itself; who is in `seldom` answers in one round of so many.
    """
    times: dict[str, list[list[float]]] = {name: [] for name in (*plan["servers"], "bare")}
    with (
        redis.Redis.from_url(plan["redis"]) as kept,
        psycopg.connect(plan["conninfo"], autocommit=True, prepare_threshold=None) as connection,
    ):
        for turn in range(plan["rounds"]):
            asked = {
                name: given
                for name, given in plan["servers"].items()
                if turn % plan["seldom"].get(name, 1) == 0
            }
            ways = {name: _server(**given) for name, given in asked.items()}
            ways["bare"] = _bare(connection, plan["captured"])
            for name, found in _round(ways, len(plan["captured"]), kept.flushall).items():
                times[name].append(found)
    return times


def _round(
    ways: Mapping[str, Ask], count: int, forget: Callable[[], object]
) -> dict[str, list[float]]:
    """Each search once by each way, with nothing kept from the round before; each goes first in turn."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    forget()
    for nth in range(count):
        first = nth % len(names)
        for name in names[first:] + names[:first]:
            began = time.perf_counter()
            ways[name](nth)
            found[name].append(time.perf_counter() - began)
    return found


def _server(port: int, paths: list[str]) -> Ask:
    """A kept-alive connection of its own, opened before the first search."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_SECONDS)
    connection.connect()

    def ask(nth: int) -> None:
        connection.request("GET", paths[nth])
        response = connection.getresponse()
        content = response.read()
        if response.status != http.client.OK:
            raise RuntimeError(f"{paths[nth]}: {response.status} {content[:300]!r}")

    return ask


def _bare(connection: psycopg.Connection[Any], captured: list[list[str]]) -> Ask:
    def ask(nth: int) -> None:
        for query in captured[nth]:
            connection.execute(query.encode()).fetchall()

    return ask
