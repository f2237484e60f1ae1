"""Search and a year's availability over generated listings, against the same SQL alone."""

from collections.abc import Iterator
from itertools import product as pairs
from typing import Any
from urllib.parse import urlencode

from benchmarks import bare, data, ids, shared
from benchmarks.comparing import account, in_turns
from benchmarks.figures import Figure, Target, latencies, percentile
from benchmarks.shared import Shared
from benchmarks.stage import Stage

AVAILABILITY_PATHS = 200
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
    stage.say("searches")
    captured = shared.probe(stage, given.conninfo, capture=paths)["capture"]
    shared.give_searches(stage, captured)
    many = _latencies(stage, given, paths, captured)
    p95 = {name: percentile(times, 95) * 1000 for name, times in many.items()}
    detail = {
        "listings": stage.sizes.listings,
        "weeks": data.WEEKS,
        "searches": stage.sizes.searches,
        "latency_ms": {name: latencies(times) for name, times in many.items()},
        "slowest_bare_ms": _slowest(many["bare"], paths),
        "slowest_product_ms": _slowest(many["product"], paths),
    }
    yield Figure(
        "search.p95", p95["product"], "ms", "bare SQL", p95["bare"], TIMES_BARE, detail=detail
    )
    yield Figure("search.p95_yardstick", p95["product"], "ms", "yardstick", p95["yardstick"])
    stage.say("availability")
    yield _availability(stage, given)
    yield _growth(stage, paths, p95["product"])


def _growth(stage: Stage, paths: list[str], p95: float) -> Figure:
    """The same searches where there are few listings."""
    listings = stage.sizes.few_listings
    with stage.database("few") as conninfo:
        stage.say(f"{listings} listings with {data.WEEKS} weeks each")
        data.add_listings(conninfo, listings)
        with stage.product(conninfo) as product:
            stage.load(product, "get", paths=paths, **_one_by_one(paths))
            times: list[float] = []
            for _ in range(stage.sizes.rounds):
                times += stage.load(product, "get", paths=paths, **_one_by_one(paths))[
                    "unit_seconds"
                ]
    return Figure(
        "search.growth",
        p95,
        "ms",
        f"the same over {listings} listings",
        percentile(times, 95) * 1000,
        TIMES_FEW,
        detail={"latency_ms": latencies(times)},
    )


def _one_by_one(paths: list[str]) -> dict[str, Any]:
    """One client, one search after another: what a trainee waits for, without a queue."""
    return {"clients": 1, "turns": len(paths), "seconds": 120}


def _slowest(times: list[float], paths: list[str]) -> dict[str, float]:
    """The last round's slowest searches, in milliseconds."""
    ranked = sorted(zip(times[-len(paths) :], paths, strict=True), reverse=True)
    return {path: round(seconds * 1000, 1) for seconds, path in ranked[:3]}


def _latencies(
    stage: Stage, given: Shared, paths: list[str], captured: list[list[str]]
) -> dict[str, list[float]]:
    plan = _one_by_one(paths)
    numbered = [f"/api/v1/listings?nth={nth}" for nth in range(len(paths))]
    stage.load(given.product, "get", paths=paths, **plan)  # each worker's caches, and the buffers
    times: dict[str, list[float]] = {"product": [], "yardstick": [], "bare": []}
    for _ in range(stage.sizes.rounds):
        times["product"] += stage.load(given.product, "get", paths=paths, **plan)["unit_seconds"]
        times["yardstick"] += stage.load(given.yardstick, "get", paths=numbered, **plan)[
            "unit_seconds"
        ]
        times["bare"] += bare.time_queries(given.conninfo, captured)
    return times


def _availability(stage: Stage, given: Shared) -> Figure:
    listings = stage.sizes.listings
    paths = [
        f"/api/v1/listings/{ids.of(ids.LISTING, (number * 7919) % listings)}/availability"
        f"?from={data.first_day()}&weeks={data.WEEKS}"
        for number in range(AVAILABILITY_PATHS)
    ]
    ours, theirs = in_turns(
        stage,
        given.product,
        given.yardstick,
        lambda server, seconds: stage.load(server, "get", paths=paths, seconds=seconds),
    )
    return Figure(
        "availability.rate",
        ours["rate"],
        "answers/s",
        "yardstick",
        theirs["rate"],
        Target("ratio", "at least", 0.6),
        detail={"weeks": data.WEEKS, "product": account(ours), "yardstick": account(theirs)},
    )
