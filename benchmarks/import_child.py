"""The process that imports: the application and the job, as a worker has them.

`python -m benchmarks.import_child PLAN` prints seconds, CPU, peak memory and counts.
"""

import hashlib
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
from marketplace.catalog.queries import imports
from marketplace.catalog.service import import_job, import_runs
from marketplace.catalog.states import ImportMode
from marketplace.core.ids import new_id
from marketplace.core.ports import ObjectStore

_OWNER = text(
    "INSERT INTO account (id, email, name, fs_uniquifier, fs_token_uniquifier)"
    " VALUES (:id, 'owner@example.org', 'Owner', 'owner', 'owner-token')"
)


def bring_in(sheet: Path, *, write: bool) -> dict[str, Any]:
    """Upload a sheet, have it planned, and done at once if `write`."""
    job = job_context(create_app(load()))
    owner, import_id = new_id(), new_id()
    content = sheet.read_bytes()
    with job.transaction() as session:
        session.execute(_OWNER, {"id": owner})
        run = import_runs.begin(
            session,
            import_id,
            owner_account_id=owner,
            account_id=owner,
            site=None,
            mode=ImportMode.ROWS,
            commit=write,
            file_name=sheet.name,
            now=job.clock.now(),
        )
        key = run.file_key or ""
        job.parts.get(ObjectStore).put(key, content)
        digest = hashlib.sha256(content).digest()
        import_runs.uploaded(session, import_id, key=key, size=len(content), digest=digest)
    del content
    before, began = peak_memory(), time.perf_counter()
    import_job.work(job, import_id)
    ended = time.perf_counter()
    used = resource.getrusage(resource.RUSAGE_SELF)
    with job.transaction() as session:
        found = imports.run(session, import_id)
        assert found is not None
        return {
            "state": found.state,
            "counts": found.counts,
            "seconds": ended - began,
            "cpu_seconds": used.ru_utime + used.ru_stime,
            "before": before,
            "peak": peak_memory(),
        }


if __name__ == "__main__":
    plan = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps(bring_in(Path(plan["sheet"]), write=plan["write"])))
