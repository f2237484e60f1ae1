"""The export of all outcomes by the worker's own job, against `COPY`."""

from collections.abc import Iterator
from typing import Any

from benchmarks import bare, data
from benchmarks.figures import Figure, Target
from benchmarks.processes import run_python
from benchmarks.stage import Stage

LARGEST_MIB = 150
# Of the rate at which COPY sends a plain table.
LEAST_RATIO, LEAST_PARQUET_RATIO = 0.3, 0.2
# numpy and a group of rows more.
LARGEST_PARQUET_MIB = 200
MIB = 1 << 20


def run(stage: Stage) -> Iterator[Figure]:
    """One process builds the export; then COPY sends a table of the very same columns."""
    rows = stage.sizes.outcomes
    with stage.database("export") as conninfo:
        stage.say(f"{rows} outcomes")
        data.add_outcomes(conninfo, rows)
        stage.say("export")
        environment = stage.environment(conninfo)
        built = _built(stage, environment, [])
        stage.say("export with Parquet")
        parquet = _built(stage, environment, ["parquet"])
        stage.say("COPY")
        same = bare.copy_out(conninfo, built["query"])
        bare.keep(conninfo, "flat", built["query"])
        flat = bare.copy_out(conninfo, "SELECT * FROM flat")
    yield from _csv(stage, built, same, flat)
    yield from _parquet(stage, built, parquet, flat)


def _built(stage: Stage, environment: dict[str, str], formats: list[str]) -> dict[str, Any]:
    """Export all in a process of its own."""
    plan = {"formats": formats}
    built = run_python("benchmarks.export_child", plan, stage.folder, environment)
    if built["rows"] != stage.sizes.outcomes:
        raise RuntimeError(f"{built['rows']} rows were exported of {stage.sizes.outcomes}")
    return built


def _csv(
    stage: Stage, built: dict[str, Any], same: tuple[int, float], flat: tuple[int, float]
) -> Iterator[Figure]:
    rows = stage.sizes.outcomes
    detail = {
        "rows": rows,
        "seconds": round(built["seconds"], 2),
        "cpu_seconds": round(built["cpu_seconds"], 2),
        "bytes": built["bytes"],
        "copy_of_the_same_query_seconds": round(same[1], 2),
        "copy_of_a_plain_table_seconds": round(flat[1], 2),
    }
    yield Figure(
        "export.rate",
        rows / built["seconds"],
        "rows/s",
        "COPY of a plain table",
        rows / flat[1],
        Target("ratio", "at least", LEAST_RATIO),
        detail,
    )
    yield Figure(
        "export.rate_same_query",
        rows / built["seconds"],
        "rows/s",
        "COPY of the same query",
        rows / same[1],
    )
    yield Figure(
        "export.peak_memory",
        built["peak"] / MIB,
        "MiB",
        "the process before it exports",
        built["before"] / MIB,
        Target("value", "below", LARGEST_MIB),
        {"rows": rows},
    )


def _parquet(
    stage: Stage, plain: dict[str, Any], built: dict[str, Any], flat: tuple[int, float]
) -> Iterator[Figure]:
    """CSV and Parquet together: nobody gets the second without the first."""
    rows = stage.sizes.outcomes
    yield Figure(
        "export.parquet_rate",
        rows / built["seconds"],
        "rows/s",
        "COPY of a plain table",
        rows / flat[1],
        Target("ratio", "at least", LEAST_PARQUET_RATIO),
        {
            "rows": rows,
            "seconds": round(built["seconds"], 2),
            "cpu_seconds": round(built["cpu_seconds"], 2),
            "seconds_without_parquet": round(plain["seconds"], 2),
            "bytes": built["file_bytes"],
        },
    )
    yield Figure(
        "export.parquet_peak_memory",
        built["peak"] / MIB,
        "MiB",
        "the process before it exports",
        built["before"] / MIB,
        Target("value", "below", LARGEST_PARQUET_MIB),
        {"rows": rows},
    )
