"""A worker that takes one run of force majeure to its end, or as far as it is let live.

`python -m tests.integration.booking.force_majeure_child DATABASE_URL RUN_ID`
"""

import sys

from marketplace.app import build_parts, create_app, job_context
from marketplace.booking.tasks import run_force_majeure
from marketplace.core.clock import Clock, FixedClock
from tests import settings
from tests.conftest import NOW

if __name__ == "__main__":
    database, run_id = sys.argv[1:]
    made = settings.make(DATABASE_URL=database)
    parts = build_parts(made)
    parts.add(Clock, FixedClock(NOW))
    run_force_majeure(job_context(create_app(made, parts)), run_id)
