"""The process that exports: the application and the job, as a worker has them.

`python -m benchmarks.export_child PLAN` prints seconds, CPU, peak memory, and the query.
"""

import json
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg import sql
from sqlalchemy import select, text

from benchmarks.memory import peak_memory
from config.settings import load
from marketplace.app import create_app, job_context
from marketplace.core.ids import new_id
from marketplace.reporting.models import ExportRun
from marketplace.reporting.queries.outcomes_csv import QUERY
from marketplace.reporting.service import exports
from marketplace.reporting.tasks import build_export

# Again and again: the same one.
_ANALYST = text(
    "INSERT INTO account (id, email, name, fs_uniquifier, fs_token_uniquifier)"
    " VALUES (:id, 'analyst@example.org', 'Analyst', 'analyst', 'analyst-token')"
    " ON CONFLICT (email) DO UPDATE SET name = excluded.name RETURNING id"
)


def export(formats: list[str]) -> dict[str, Any]:
    """Ask for the export of all years, in CSV and `formats`, and build it."""
    job = job_context(create_app(load()))
    with job.transaction() as session:
        analyst = session.execute(_ANALYST, {"id": new_id()}).scalar_one()
        asked = exports.ask(
            session,
            match_year=None,
            profile="pii_free",
            asked_by=analyst,
            now=job.clock.now(),
            formats=formats,
        )
        export_id: UUID = asked.id
        session.flush()
    before, began = peak_memory(), time.perf_counter()
    build_export(job, str(export_id))
    seconds = time.perf_counter() - began
    with job.transaction() as session:
        run = session.execute(select(ExportRun).where(ExportRun.id == export_id)).scalar_one()
        files = run.files or []
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "state": run.state,
            "rows": run.row_count,
            "bytes": sum(file["size"] for file in files),
            "file_bytes": {file["name"]: file["size"] for file in files},
            "seconds": seconds,
            "cpu_seconds": used.ru_utime + used.ru_stime,
            "before": before,
            "peak": peak_memory(),
            "query": _query(),
        }


def _query() -> str:
    """The export's statement with its parameters in place."""
    values = {"match_year": None, "as_of": datetime.now(UTC), "identified": False}
    # Without the year that comes before each line: it is not in the file.
    rest = QUERY.replace("SELECT match_year AS of_year,", "SELECT", 1)
    for name, value in values.items():
        rest = rest.replace(f":{name}", sql.Literal(value).as_string(None))
    return rest


if __name__ == "__main__":
    print(json.dumps(export(json.loads(Path(sys.argv[1]).read_text())["formats"])))
