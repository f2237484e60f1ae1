"""A worker that takes one import as far as it may go, in small steps: to be killed.

`python -m tests.integration.catalog.import_child DATABASE_URL STORE_URL IMPORT_ID BATCH`
"""

import sys
from uuid import UUID

from marketplace.app import build_parts, create_app, job_context
from marketplace.catalog.service import import_job
from tests import settings

if __name__ == "__main__":
    database, store, import_id, batch = sys.argv[1:]
    made = settings.make(DATABASE_URL=database, OBJECT_STORE_URL=store)
    job = job_context(create_app(made, build_parts(made)))
    import_job.BATCH = int(batch)
    import_job.work(job, UUID(import_id))
