"""Search and a year's availability over generated listings, against the same SQL alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from itertools import product as pairs
from typing import Any
from urllib.parse import urlencode

import psycopg

from benchmarks import data, ids, shared
from benchmarks.comparing import account, in_turns
from benchmarks.figures import Figure, Target, latencies, middle, percentile
from benchmarks.processes import run_forked
from benchmarks.shared import Shared
from benchmarks.stage import Server, Stage

AVAILABILITY_PATHS = 200
# A search is short, and a p95 rests on the slowest few: more of them than elsewhere.
MORE_ROUNDS = 2
# At the same time, before what is measured.
WARMING = 4
# The yardstick has no target here: asked in one round of so many.
YARDSTICK_EACH = 3
# An answer of availability takes a millisecond: a turn need not be as long as elsewhere.
SHORTER = 0.4
KEEP_UP = {"task": "catalog.refresh_free_weeks"}
ARRANGE = {"task": "catalog.arrange_search"}
MOST_RUNS = 60
TIMES_BARE = Target("ratio", "at most", 2)
TIMES_FEW = Target("ratio", "at most", 1.5)


def searches(count: int) -> list[str]:
    """Queries as trainees ask: words, specialty, state, tier, dates, price, several at once."""
    start = data.first_day()
    shapes: list[dict[str, Any]] = [
        {"q": "{specialty} {city}"},
        {"specialty": "{code}", "state": "{state}"},
        {"q": "hospital rotation", "tier": "elective", "learner_status": "student"},
        {"specialty": "{code}", "start_from": start, "weeks": 4, "price_max": 400000},
        {"q": "{specialty}", "state": "{state}", "start_from": start, "weeks": 4},
        {"learner_status": "graduate", "tier": "externship", "setting": "inpatient"},
        {"q": "{city}", "price_max": 600000, "weeks": 4, "sort": "price"},
        {"state": "{state}", "sort": "soonest", "visa": "B1/B2"},
    ]
    places = list(pairs(data.SPECIALTIES, zip(data.STATES, data.CITIES, strict=True)))
    found = []
    for number in range(count):
        shape = shapes[number % len(shapes)]
        code, (state, city) = places[(number * 37) % len(places)]
        words = {"code": code, "specialty": code.replace("_", " "), "state": state, "city": city}
        filled = {
            name: value.format(**words) if isinstance(value, str) else value
            for name, value in shape.items()
        }
        found.append(f"/api/v1/listings?{urlencode(filled)}")
    return found


def run(stage: Stage) -> Iterator[Figure]:
    """Both sizes of the catalogue; then availability over the larger one."""
    given = shared.of(stage)
    paths = searches(stage.sizes.searches)
    stage.say(f"{stage.sizes.listings} listings with {data.WEEKS} weeks each")
    data.add_listings(given.conninfo, stage.sizes.listings)
    _kept_up(stage, given)
    stage.say("searches")
    captured = shared.probe(stage, given.conninfo, capture=paths)["capture"]
    shared.give_searches(stage, captured)
    with _few(stage) as few:
        times = _latencies(stage, given, few, paths, captured)
    # The middle of the rounds: what disturbs one of them says nothing of a search.
    p95 = {
        name: middle(percentile(one, 95) for one in found) * 1000 for name, found in times.items()
    }
    detail = {
        "listings": stage.sizes.listings,
        "weeks": data.WEEKS,
        "searches": stage.sizes.searches,
        "latency_ms": {name: latencies(list(chain(*found))) for name, found in times.items()},
        "slowest_bare_ms": _slowest(times["bare"][-1], paths),
        "slowest_product_ms": _slowest(times["product"][-1], paths),
    }
    yield Figure(
        "search.p95", p95["product"], "ms", "bare SQL", p95["bare"], TIMES_BARE, detail=detail
    )
    yield Figure("search.p95_yardstick", p95["product"], "ms", "yardstick", p95["yardstick"])
    yield Figure(
        "search.growth",
        p95["product"],
        "ms",
        f"the same over {stage.sizes.few_listings} listings",
        p95["few"],
        TIMES_FEW,
    )
    stage.say("availability")
    yield _availability(stage, given)


def _kept_up(stage: Stage, given: Shared) -> None:
    """Work off the notes that bookings before this have left, as a worker does each minute."""
    with psycopg.connect(given.conninfo, autocommit=True) as connection:
        for _ in range(MOST_RUNS):
            noted = connection.execute("SELECT EXISTS (SELECT FROM stale_weeks)").fetchone()
            if noted is None or not noted[0]:
                break
            run_forked("benchmarks.job_child", KEEP_UP, stage.environment(given.conninfo))
    data.vacuum(given.conninfo, "stale_weeks")
    _arranged(stage, given.conninfo)


def _arranged(stage: Stage, conninfo: str) -> None:
    """Put in order what searches read, as a worker does each hour where enough is out of place."""
    run_forked("benchmarks.job_child", ARRANGE, stage.environment(conninfo))
    data.settle(conninfo, "listing_search")


@contextmanager
def _few(stage: Stage) -> Iterator[Server]:
    """The product over a small catalogue."""
    with stage.database("few") as conninfo:
        stage.say(f"{stage.sizes.few_listings} listings with {data.WEEKS} weeks each")
        data.add_listings(conninfo, stage.sizes.few_listings)
        _arranged(stage, conninfo)
        # With a cache of its own: it must not be told what the other has counted.
        with stage.product(conninfo, redis_database=1) as product:
            yield product


def _slowest(times: list[float], paths: list[str]) -> dict[str, float]:
    """A round's slowest searches, in milliseconds."""
    ranked = sorted(zip(times, paths, strict=True), reverse=True)
    return {path: round(seconds * 1000, 1) for seconds, path in ranked[:3]}


def _latencies(
    stage: Stage, given: Shared, few: Server, paths: list[str], captured: list[list[str]]
) -> dict[str, list[list[float]]]:
    """Seconds a search, by whose and round: one client, what a trainee waits for without a queue.

    The cache of counts is emptied before each round: a search is worked out, as its SQL alone is.
    """
    numbered = [f"/api/v1/listings?nth={nth}" for nth in range(len(paths))]
    servers = {
        "product": (given.product, paths),
        "few": (few, paths),
        "yardstick": (given.yardstick, numbered),
    }
    for server, asked in servers.values():  # each worker's code and connections, and the buffers
        stage.load(server, "get", paths=asked, clients=WARMING, turns=len(paths), seconds=120)
    plan = {
        "servers": {
            name: {"port": server.port, "paths": asked} for name, (server, asked) in servers.items()
        },
        "seldom": {"yardstick": YARDSTICK_EACH},
        "captured": captured,
        "conninfo": given.conninfo,
        "redis": stage.redis,
        "rounds": stage.sizes.rounds * MORE_ROUNDS,
    }
    return run_forked("benchmarks.search_child", plan, stage.environment(given.conninfo))


def _availability(stage: Stage, given: Shared) -> Figure:
    listings = stage.sizes.listings
    paths = [
        f"/api/v1/listings/{ids.of(ids.LISTING, (number * 7919) % listings)}/availability"
        f"?from={data.first_day()}&weeks={data.WEEKS}"
        for number in range(AVAILABILITY_PATHS)
    ]

    def turn(server: Server, seconds: float) -> dict[str, Any]:
        enough = max(stage.sizes.warmup, seconds * SHORTER)
        return stage.load(server, "get", paths=paths, seconds=enough)

    ours, theirs = in_turns(stage, given.product, given.yardstick, turn)
    return Figure(
        "availability.rate",
        ours["rate"],
        "answers/s",
        "yardstick",
        theirs["rate"],
        Target("ratio", "at least", 0.6),
        detail={"weeks": data.WEEKS, "product": account(ours), "yardstick": account(theirs)},
    )
