"""The jobs of credit: its end by the clock, and the word before. Each is harmless the second time."""

from collections.abc import Callable
from datetime import datetime

from marketplace.core.db import Session
from marketplace.core.jobs import JobContext, Task
from marketplace.payments.service.credit import granting


def expire(job: JobContext) -> None:
    """End credit whose time is over, a batch at a time."""
    _in_batches(job, granting.expire_due)


def remind(job: JobContext) -> None:
    """Tell owners of credit that expires within 30 days, once for each expiry."""
    _in_batches(job, granting.remind_due)


def _in_batches(job: JobContext, step: Callable[[Session, datetime], int]) -> None:
    while True:
        with job.transaction() as session:
            if not step(session, job.clock.now()):
                return


TASKS = (
    Task("payments.expire_credit", expire, cron="17 * * * *"),
    Task("payments.remind_of_credit", remind, cron="37 6 * * *"),
)
