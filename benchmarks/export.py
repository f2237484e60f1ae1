"""The export of all outcomes by the worker's own job, against `COPY`."""

from collections.abc import Iterator

from benchmarks import bare, data
from benchmarks.figures import Figure, Target
from benchmarks.processes import run_python
from benchmarks.stage import Stage

LARGEST_MIB = 150
MIB = 1 << 20


def run(stage: Stage) -> Iterator[Figure]:
    """One process builds the export; then COPY sends a table of the very same columns."""
    rows = stage.sizes.outcomes
    with stage.database("export") as conninfo:
        stage.say(f"{rows} outcomes")
        data.add_outcomes(conninfo, rows)
        stage.say("export")
        environment = stage.environment(conninfo)
        built = run_python("benchmarks.export_child", {"years": None}, stage.folder, environment)
        if built["rows"] != rows:
            raise RuntimeError(f"{built['rows']} rows were exported of {rows}")
        stage.say("COPY")
        same = bare.copy_out(conninfo, built["query"])
        bare.keep(conninfo, "flat", built["query"])
        flat = bare.copy_out(conninfo, "SELECT * FROM flat")
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
        detail=detail,
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
