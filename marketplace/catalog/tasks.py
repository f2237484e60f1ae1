"""Jobs of the catalogue."""

from datetime import timedelta
from uuid import UUID

from marketplace.catalog.queries import changes
from marketplace.catalog.rules.classifiers import Classifiers
from marketplace.catalog.service import alerting, reclassifying, tier_files
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


def alert(job: JobContext) -> None:
    """Look for what fits saved searches since the last time, and mail it."""
    now = job.clock.now()
    alerting.find_news(job.transaction, now)
    alerting.send_digests(job.transaction, now)


TASKS = (
    Task(reclassifying.RUN, reclassify, retry=RetryPolicy(attempts=6), queue="reports"),
    Task("catalog.alert", alert, cron="7 * * * *", retry=RetryPolicy(attempts=3)),
    Task("catalog.forget_changes", forget_changes, cron="41 3 * * *"),
)
