"""Search and a year's availability over generated listings, against the same SQL alone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product as pairs
from typing import Any
from urllib.parse import urlencode

from benchmarks import bare, data, ids
from benchmarks.comparing import account, in_turns
from benchmarks.figures import Figure, latencies, percentile
from benchmarks.processes import run_python
from benchmarks.stage import Server, Stage

AVAILABILITY_PATHS = 200


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
    few, _ = _at(stage, "search_few", stage.sizes.few_listings, availability=False)
    many, year = _at(stage, "search_many", stage.sizes.listings, availability=True)
    p95 = {name: percentile(times, 95) * 1000 for name, times in many["times"].items()}
    detail = {
        "listings": stage.sizes.listings,
        "weeks": data.WEEKS,
        "searches": stage.sizes.searches,
        "latency_ms": {name: latencies(times) for name, times in many["times"].items()},
        "slowest_shapes_ms": many["slowest"],
    }
    yield Figure("search.p95", p95["product"], "ms", "bare SQL", p95["bare"], detail=detail)
    yield Figure("search.p95_yardstick", p95["product"], "ms", "yardstick", p95["yardstick"])
    yield Figure(
        "search.growth",
        p95["product"],
        "ms",
        f"the same over {stage.sizes.few_listings} listings",
        percentile(few["times"]["product"], 95) * 1000,
        detail={"latency_ms": latencies(few["times"]["product"])},
    )
    assert year is not None
    yield year


def _at(
    stage: Stage, name: str, listings: int, *, availability: bool
) -> tuple[dict[str, Any], Figure | None]:
    paths = searches(stage.sizes.searches)
    with stage.database(name) as conninfo:
        stage.say(f"{listings} listings with {data.WEEKS} weeks each")
        data.add_listings(conninfo, listings)
        stage.say("searches")
        captured = run_python(
            "benchmarks.probe", {"capture": paths}, stage.folder, stage.environment(conninfo)
        )["capture"]
        with _served(stage, conninfo, captured) as (product, yardstick):
            found = _latencies(stage, conninfo, product, yardstick, paths, captured)
            if not availability:
                return found, None
            stage.say("availability")
            return found, _availability(stage, product, yardstick, listings)


@contextmanager
def _served(
    stage: Stage, conninfo: str, captured: list[list[str]]
) -> Iterator[tuple[Server, Server]]:
    file = stage.folder / "searches.json"
    file.write_text(json.dumps(captured))
    with stage.both(conninfo, BENCH_SEARCHES=str(file)) as servers:
        yield servers


def _latencies(
    stage: Stage,
    conninfo: str,
    product: Server,
    yardstick: Server,
    paths: list[str],
    captured: list[list[str]],
) -> dict[str, Any]:
    """One client, one search after another: what a trainee waits for, without a queue."""
    plan = {"clients": 1, "turns": len(paths), "seconds": 120, "warmup": 0}
    numbered = [f"/api/v1/listings?nth={nth}" for nth in range(len(paths))]
    stage.load(product, "get", paths=paths, **plan)  # each worker's caches, and the buffers
    times: dict[str, list[float]] = {"product": [], "yardstick": [], "bare": []}
    for _ in range(max(2, stage.sizes.rounds)):
        times["product"] += stage.load(product, "get", paths=paths, **plan)["unit_seconds"]
        times["yardstick"] += stage.load(yardstick, "get", paths=numbered, **plan)["unit_seconds"]
        times["bare"] += bare.time_queries(conninfo, captured)
    ranked = sorted(zip(times["bare"][-len(paths) :], paths, strict=True), reverse=True)
    slowest = {path: round(seconds * 1000, 1) for seconds, path in ranked[:3]}
    return {"times": times, "slowest": slowest}


def _availability(stage: Stage, product: Server, yardstick: Server, listings: int) -> Figure:
    paths = [
        f"/api/v1/listings/{ids.of(ids.LISTING, (number * 7919) % listings)}/availability"
        f"?from={data.first_day()}&weeks={data.WEEKS}"
        for number in range(AVAILABILITY_PATHS)
    ]
    ours, theirs = in_turns(
        stage, product, yardstick, lambda server: stage.load(server, "get", paths=paths)
    )
    return Figure(
        "availability.rate",
        ours["rate"],
        "answers/s",
        "yardstick",
        theirs["rate"],
        detail={"weeks": data.WEEKS, "product": account(ours), "yardstick": account(theirs)},
    )
