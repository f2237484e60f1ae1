"""Housekeeping of the web package's own table."""

from datetime import timedelta

from marketplace.core.jobs import JobContext, Task
from marketplace.web import idempotency

# Longer than any client's own retries: a day, and the length of an outage on top.
KEEP_ANSWERS = timedelta(hours=48)


def forget_answers(job: JobContext) -> None:
    """Delete remembered answers that no retry can ask for any more."""
    with job.transaction() as session:
        idempotency.forget(session, job.clock.now() - KEEP_ANSWERS)


TASKS = (Task("web.forget_answers", forget_answers, cron="17 * * * *"),)
