"""What most benchmarks share: one database to book in, product and yardstick over it, tokens."""

import json
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks import data
from benchmarks.processes import run_forked
from benchmarks.stage import Server, Stage


@dataclass(frozen=True, slots=True)
class Shared:
    """The servers are up side by side; only one of them is asked at a time."""

    conninfo: str
    product: Server
    yardstick: Server
    tokens: list[str]


def of(stage: Stage) -> Shared:
    """The run's shared database and servers, made when first asked for."""
    if stage.shared is None:
        stage.shared = _make(stage)
    made: Shared = stage.shared
    return made


def probe(stage: Stage, conninfo: str, **plan: Any) -> dict[str, Any]:
    """Ask a process of the product: see `benchmarks.probe`."""
    with stage.log_is_ours:
        return run_forked("benchmarks.probe", plan, stage.environment(conninfo))


def give_searches(stage: Stage, captured: list[list[str]]) -> None:
    """Tell the yardstick which statements a search is."""
    stage.searches.write_text(json.dumps(captured))


def _make(stage: Stage) -> Shared:
    sizes = stage.sizes
    with ExitStack() as stack:
        conninfo = stack.enter_context(stage.database("shared"))
        stage.say(f"{sizes.bookable} listings to book, {sizes.trainees} trainees")
        data.add_bookable(conninfo, sizes.bookable)
        data.heat(conninfo, data.HOT_SEATS)
        data.add_trainees(conninfo, sizes.trainees)
        tokens = probe(stage, conninfo, tokens=sizes.trainees)["tokens"]
        stage.say("starting product and yardstick")
        product = stack.enter_context(stage.product(conninfo))
        yardstick = stack.enter_context(stage.yardstick(conninfo))
        # All is up: it stays until the run ends.
        stage.kept.push(stack.pop_all())
    return Shared(conninfo, product, yardstick, tokens)
