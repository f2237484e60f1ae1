"""Jobs of the catalogue."""

from datetime import timedelta
from uuid import UUID

from marketplace.catalog.queries import changes
from marketplace.catalog.rules.classifiers import Classifiers
from marketplace.catalog.service import reclassifying, tier_files
from marketplace.core.jobs import JobContext, RetryPolicy, Task

# As docs/partners/feed.md promises.
KEEP_CHANGES = timedelta(days=30)


def reclassify(job: JobContext, run_id: str) -> None:
    """Take a run of a classifier over the catalogue to its end."""
    tier_files.build(job, UUID(run_id), job.parts.get(Classifiers))


def forget_changes(job: JobContext) -> None:
    """Delete what the change feed need not tell any more."""
    with job.transaction() as session:
        changes.forget(session, KEEP_CHANGES)


TASKS = (
    Task(reclassifying.RUN, reclassify, retry=RetryPolicy(attempts=6), queue="reports"),
    Task("catalog.forget_changes", forget_changes, cron="41 3 * * *"),
)
