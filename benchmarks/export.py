"""The export of all outcomes by the worker's own job, against `COPY`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from benchmarks import bare, data
from benchmarks.figures import Figure, Target, middle
from benchmarks.processes import run_python
from benchmarks.stage import Stage

LARGEST_MIB = 150
# Of the rate at which COPY sends a plain table.
LEAST_RATIO, LEAST_PARQUET_RATIO = 0.3, 0.2
# numpy and a group of rows more.
LARGEST_PARQUET_MIB = 200
MIB = 1 << 20
# The longest part of this: less often than the rest.
PARQUET_TURNS = 2


@dataclass(slots=True)
class Times:
    """Seconds of each turn, and what the export's processes told."""

    export: list[dict[str, Any]] = field(default_factory=list)
    parquet: list[dict[str, Any]] = field(default_factory=list)
    same_query: list[float] = field(default_factory=list)
    plain_table: list[float] = field(default_factory=list)


def run(stage: Stage) -> Iterator[Figure]:
    """In turns, a process builds the export and COPY sends a table of the very same columns."""
    rows = stage.sizes.outcomes
    times = Times()
    with stage.database("export") as conninfo:
        stage.say(f"{rows} outcomes")
        data.add_outcomes(conninfo, rows)
        stage.say("exports, with Parquet and without, and COPY")
        environment = stage.environment(conninfo)
        for turn in range(stage.sizes.rounds):
            built = _built(stage, environment, [])
            if turn == 0:
                bare.keep(conninfo, "flat", built["query"])
            times.export.append(built)
            times.plain_table.append(bare.copy_out(conninfo, "SELECT * FROM flat")[1])
            times.same_query.append(bare.copy_out(conninfo, built["query"])[1])
            if turn < PARQUET_TURNS:
                times.parquet.append(_built(stage, environment, ["parquet"]))
    yield from _csv(stage, times)
    yield from _parquet(stage, times)


def _built(stage: Stage, environment: dict[str, str], formats: list[str]) -> dict[str, Any]:
    """Export all in a process of its own."""
    plan = {"formats": formats}
    built = run_python("benchmarks.export_child", plan, stage.folder, environment)
    if built["rows"] != stage.sizes.outcomes:
        raise RuntimeError(f"{built['rows']} rows were exported of {stage.sizes.outcomes}")
    return built


def _seconds(builds: list[dict[str, Any]]) -> list[float]:
    return [built["seconds"] for built in builds]


def _shown(seconds: list[float]) -> list[float]:
    return [round(one, 2) for one in seconds]


def _csv(stage: Stage, times: Times) -> Iterator[Figure]:
    rows = stage.sizes.outcomes
    rate = rows / middle(_seconds(times.export))
    yield Figure(
        "export.rate",
        rate,
        "rows/s",
        "COPY of a plain table",
        rows / middle(times.plain_table),
        Target("ratio", "at least", LEAST_RATIO),
        {
            "rows": rows,
            "seconds": _shown(_seconds(times.export)),
            "cpu_seconds": _shown([built["cpu_seconds"] for built in times.export]),
            "bytes": times.export[0]["bytes"],
            "copy_of_the_same_query_seconds": _shown(times.same_query),
            "copy_of_a_plain_table_seconds": _shown(times.plain_table),
        },
    )
    yield Figure(
        "export.rate_same_query",
        rate,
        "rows/s",
        "COPY of the same query",
        rows / middle(times.same_query),
    )
    largest = max(times.export, key=itemgetter("peak"))
    yield Figure(
        "export.peak_memory",
        largest["peak"] / MIB,
        "MiB",
        "the process before it exports",
        largest["before"] / MIB,
        Target("value", "below", LARGEST_MIB),
        {"rows": rows},
    )


def _parquet(stage: Stage, times: Times) -> Iterator[Figure]:
    """CSV and Parquet together: nobody gets the second without the first."""
    rows = stage.sizes.outcomes
    largest = max(times.parquet, key=itemgetter("peak"))
    yield Figure(
        "export.parquet_rate",
        rows / middle(_seconds(times.parquet)),
        "rows/s",
        "COPY of a plain table",
        rows / middle(times.plain_table),
        Target("ratio", "at least", LEAST_PARQUET_RATIO),
        {
            "rows": rows,
            "seconds": _shown(_seconds(times.parquet)),
            "cpu_seconds": _shown([built["cpu_seconds"] for built in times.parquet]),
            "bytes": times.parquet[0]["file_bytes"],
        },
    )
    yield Figure(
        "export.parquet_peak_memory",
        largest["peak"] / MIB,
        "MiB",
        "the process before it exports",
        largest["before"] / MIB,
        Target("value", "below", LARGEST_PARQUET_MIB),
        {"rows": rows},
    )
