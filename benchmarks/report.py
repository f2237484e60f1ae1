"""The public reports of ten years over 100,000 trainees, by the worker's own job."""

from collections.abc import Iterator
from typing import LiteralString

import psycopg

from benchmarks import data
from benchmarks.figures import Figure, Target
from benchmarks.processes import run_python
from benchmarks.stage import Stage

TRAINEES, FEW = 100_000, 5_000
FEW_YEARS = 2
MOST_SECONDS, LARGEST_MIB = 10, 500
MIB = 1 << 20

# As trainees are: few in some specialties, tiers and waves, so that small counts have to be hidden.
# Everybody is silent, or answered, by chance.
_MIXED: LiteralString = """
UPDATE cohort_member SET
    img_type = (ARRAY['us_img', 'non_us_img', 'non_us_img'])[1 + (a >> 3) %% 3],
    specialty = (%(specialties)s::text[])[1 + least((a %% 997) * (a %% 997) / 76000, 11)],
    tier = (ARRAY['elective', 'externship', 'externship', 'observership'])[1 + (b >> 2) %% 4],
    learner_status = (ARRAY['student', 'graduate'])[1 + (b >> 5) %% 2],
    site_group = (ARRAY['northeast', 'midwest', 'south', 'west', 'west'])[1 + (b >> 7) %% 5],
    wave = CASE WHEN disposition = 'I' THEN (ARRAY[1, 1, 1, 2, 2, 3, 4])[1 + (a >> 9) %% 7] END
FROM (
    SELECT id AS mixed_id, abs(hashtext(id::text)) AS a, abs(hashtext('b' || id::text)) AS b
    FROM cohort_member
) mixed
WHERE id = mixed_id
"""


def run(stage: Stage) -> Iterator[Figure]:
    """One process freezes a public report of each year, one after the other."""
    trainees, years = (FEW, FEW_YEARS) if stage.sizes.quick else (TRAINEES, data.OUTCOME_YEARS)
    with stage.database("report") as conninfo:
        stage.say(f"{trainees} trainees over {data.OUTCOME_YEARS} years")
        data.add_outcomes(conninfo, trainees)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(_MIXED, {"specialties": list(data.SPECIALTIES)})
            connection.execute("VACUUM ANALYZE cohort_member")
        stage.say("reports")
        environment = stage.environment(conninfo)
        made = run_python("benchmarks.report_child", {"years": years}, stage.folder, environment)
    detail = {
        "trainees": made["eligible"],
        "years": made["years"],
        "hidden": made["hidden"],
        "withheld": made["withheld"],
        "cpu_seconds": round(made["cpu_seconds"], 2),
        "longest_year_seconds": round(made["longest"], 2),
    }
    target: Target | None = Target("value", "below", MOST_SECONDS)
    if stage.sizes.quick:
        # Few trainees have more small counts to hide: that is another piece of work.
        target, detail["target"] = None, f"for {TRAINEES} trainees"
    yield Figure(
        "report.seconds",
        made["seconds"],
        "s",
        target=target,
        detail=detail,
    )
    yield Figure(
        "report.peak_memory",
        made["peak"] / MIB,
        "MiB",
        "the process before it reports",
        made["before"] / MIB,
        Target("value", "below", LARGEST_MIB),
    )
