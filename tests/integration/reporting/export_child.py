"""A worker that builds one export, a little slower than need be: to be killed.

`python -m tests.integration.reporting.export_child DATABASE_URL STORE_URL EXPORT_ID`
"""

import sys
import time
from uuid import UUID

from marketplace.app import build_parts, create_app, job_context
from marketplace.reporting.queries import outcomes_csv
from marketplace.reporting.service import export_build
from tests import settings

NOTES_A_SECOND = 5


def slowly(note):
    def noted(self, **values):
        note(self, **values)
        time.sleep(1 / NOTES_A_SECOND)

    return noted


if __name__ == "__main__":
    database, store, export_id = sys.argv[1:]
    made = settings.make(DATABASE_URL=database, OBJECT_STORE_URL=store)
    job = job_context(create_app(made, build_parts(made)))
    export_build.STRIDE = outcomes_csv.BATCH = 100
    export_build._Attempt._note = slowly(export_build._Attempt._note)
    export_build.build(job, UUID(export_id))
