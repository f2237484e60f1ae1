"""Product and yardstick in turns: rates, latencies, where the CPU went."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.figures import latencies
from benchmarks.stage import Server, Stage, merged

# The yardstick answers twice as often: as many answers come in less time.
YARDSTICK_SHARE = 0.6
# Asks a server for so many seconds.
Turn = Callable[[Server, float], dict[str, Any]]


def in_turns(
    stage: Stage, product: Server, yardstick: Server, turn: Turn, *, parts: int = 1
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure both, one after the other, as often as the sizes say; the machine drifts for both.

    Where a turn leaves nothing behind that the next one meets, it may go in `parts`: what slows the
    machine for some seconds is then shared more evenly.
    """
    runs: dict[str, list[dict[str, Any]]] = {"product": [], "yardstick": []}
    # Connections, caches of statements; small sizes are not for comparing.
    for server in () if stage.sizes.quick else (product, yardstick):
        turn(server, stage.sizes.warmup)
    if stage.sizes.quick:
        parts = 1
    for _ in range(stage.sizes.rounds * parts):
        for server, share in ((product, 1.0), (yardstick, YARDSTICK_SHARE)):
            runs[server.name].append(turn(server, stage.sizes.seconds / parts * share))
    return merged(runs["product"]), merged(runs["yardstick"])


def account(run: Mapping[str, Any]) -> dict[str, Any]:
    """What a run looked like: rate, latencies, CPU milliseconds a unit in each part."""
    units = max(run["units"], 1)
    return {
        "rate": round(run["rate"], 1),
        "units": run["units"],
        "latency_ms": latencies(run["unit_seconds"]),
        "statuses": run["statuses"],
        "cpu_ms_per_unit": {
            "web": round(run["web_cpu_seconds"] / units * 1000, 2),
            "database": round(run["database_cpu_seconds"] / units * 1000, 2),
            "load_generator": round(run["cpu_seconds"] / units * 1000, 2),
        },
        **({"errors": run["errors"][:3]} if run["errors"] else {}),
    }
