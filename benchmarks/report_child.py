"""The process that reports: the application and the job, as a worker has them.

`python -m benchmarks.report_child PLAN` prints seconds, CPU, peak memory, and what is hidden.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.memory import peak_memory
from config.settings import load
from marketplace.app import create_app, job_context
from marketplace.reporting.queries import runs
from marketplace.reporting.service import benchmarks, reports
from marketplace.reporting.tasks import freeze_report

K = 11


def freeze(most: int) -> dict[str, Any]:
    """Freeze the public reports of the first years that have a campaign."""
    job = job_context(create_app(load()))
    with job.transaction() as session:
        benchmarks.load_shipped(session, job.clock.now())
        found = session.execute(
            text("SELECT match_year FROM campaign ORDER BY 1 LIMIT :n"), {"n": most}
        )
        years = list(found.scalars())
    before, began, used = peak_memory(), time.perf_counter(), _cpu_seconds()
    took = []
    for year in years:
        since = time.perf_counter()
        now = job.clock.now()
        with job.transaction() as session:
            run = reports.ask(
                session, match_year=year, as_of=now, public=True, k=K, asked_by=None, now=now
            )
            run_id = str(run.id)
        freeze_report(job, run_id)
        took.append(time.perf_counter() - since)
    seconds, cpu_seconds = time.perf_counter() - began, _cpu_seconds() - used
    with job.transaction() as session:
        made = [run.result for run in runs.published_of_all_years(session) if run.result]
    documents = [json.loads(result) for result in made]
    return {
        "years": len(documents),
        "eligible": sum(document["groups"]["all"]["rows"] for document in documents),
        "hidden": sum(result.count('"*"') for result in made),
        "withheld": sum(result.count('"withheld"') for result in made),
        "seconds": seconds,
        "longest": max(took),
        "cpu_seconds": cpu_seconds,
        "before": before,
        "peak": peak_memory(),
    }


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(json.dumps(freeze(json.loads(Path(sys.argv[1]).read_text())["years"])))
