"""Jobs of the catalogue."""

from uuid import UUID

from marketplace.catalog.rules.classifiers import Classifiers
from marketplace.catalog.service import reclassifying, tier_files
from marketplace.core.jobs import JobContext, RetryPolicy, Task


def reclassify(job: JobContext, run_id: str) -> None:
    """Take a run of a classifier over the catalogue to its end."""
    tier_files.build(job, UUID(run_id), job.parts.get(Classifiers))


TASKS = (Task(reclassifying.RUN, reclassify, retry=RetryPolicy(attempts=6), queue="reports"),)
