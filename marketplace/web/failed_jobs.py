"""Jobs that failed at their last attempt: seen, and put back into the queue."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from marketplace.core.db import Session
from marketplace.core.errors import NotFound


@dataclass(frozen=True)
class FailedJob:
    """A job that gave up; `arguments` as JSON text, `at` when it last ended."""

    id: int
    task: str
    attempts: int
    arguments: str
    at: datetime | None


def count(session: Session) -> int:
    """How many jobs have failed and were not put back."""
    found = session.execute(text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'"))
    return int(found.scalar_one())


def newest(session: Session, limit: int) -> list[FailedJob]:
    """Return what failed last, first."""
    rows = session.execute(
        text(
            "SELECT job.id, job.task_name, job.attempts, job.args::text,"
            " (SELECT max(event.at) FROM procrastinate_events AS event WHERE event.job_id = job.id)"
            " FROM procrastinate_jobs AS job WHERE job.status = 'failed'"
            " ORDER BY job.id DESC LIMIT :many"
        ),
        {"many": limit},
    )
    return [FailedJob(*row) for row in rows]


def retry(session: Session, job_id: int) -> None:
    """Put a failed job back into the queue, due now; `NotFound` if it is none."""
    failed = session.execute(
        text("SELECT 1 FROM procrastinate_jobs WHERE id = :id AND status = 'failed' FOR UPDATE"),
        {"id": job_id},
    )
    if failed.first() is None:
        raise NotFound("This job has not failed, or was put back already.")
    session.execute(
        text("SELECT procrastinate_retry_job_v2(:id, now(), NULL, NULL, NULL)"), {"id": job_id}
    )
