"""Jobs of the catalogue."""

from datetime import timedelta
from uuid import UUID

from marketplace.catalog.queries import changes
from marketplace.catalog.rules.classifiers import Classifiers
from marketplace.catalog.service import (
    alerting,
    arranging,
    import_job,
    import_runs,
    reclassifying,
    tier_files,
    upkeep,
)
from marketplace.core.jobs import JobContext, RetryPolicy, Task
from marketplace.core.ports import ObjectStore

# As docs/partners/feed.md promises.
KEEP_CHANGES = timedelta(days=30)

# A run ends before the next begins, whatever has piled up: the rest is the next run's.
MOST_BATCHES = 50


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


def refresh_free_weeks(job: JobContext) -> None:
    """Bring the free weeks that searches read up to date, batch by batch."""
    for _ in range(MOST_BATCHES):
        with job.transaction() as session:
            done = upkeep.refresh_free_weeks(session, job.clock.now().date())
        if done < upkeep.BATCH:
            return


def gather_words(job: JobContext) -> None:
    """Gather the words that typing errors are corrected to."""
    with job.transaction() as session:
        upkeep.gather_words(session)


def arrange_search(job: JobContext) -> None:
    """Put what searches read back in its order on disk, once enough of it is out of place."""
    with job.transaction() as session:
        if not arranging.is_loose(session):
            return
    with job.transaction() as session:
        arranging.arrange(session)
    with job.transaction() as session:
        arranging.vacuum(session)


def run_import(job: JobContext, import_id: str) -> None:
    """Take the import of a sheet as far as it may go now."""
    import_job.work(job, UUID(import_id))


def sweep_imports(job: JobContext) -> None:
    """Give up uploads that never ended, and forget the files of old imports."""
    with job.transaction() as session:
        keys = import_runs.sweep(session, job.clock.now())
    store = job.parts.get(ObjectStore)
    for key in keys:
        store.delete(key)


def fail_imports(job: JobContext) -> None:
    """End imports whose job has given up: their owners' next ones would wait for them for ever."""
    with job.transaction() as session:
        import_runs.fail_given_up(session, job.clock.now())


TASKS = (
    Task(reclassifying.RUN, reclassify, retry=RetryPolicy(attempts=6), queue="reports"),
    Task("catalog.alert", alert, cron="37 * * * *", retry=RetryPolicy(attempts=3)),
    Task("catalog.refresh_free_weeks", refresh_free_weeks, cron="* * * * *"),
    Task("catalog.gather_words", gather_words, cron="*/10 * * * *"),
    Task(
        "catalog.arrange_search",
        arrange_search,
        cron="17 * * * *",
        retry=RetryPolicy(attempts=3, first=60),
    ),
    Task("catalog.forget_changes", forget_changes, cron="41 3 * * *"),
    Task(import_runs.RUN, run_import, queue="imports"),
    Task("catalog.fail_imports", fail_imports, cron="*/10 * * * *"),
    Task("catalog.sweep_imports", sweep_imports, cron="40 3 * * *"),
)
