"""Background jobs: asked for in the transaction that needs them, run by a worker afterwards.

`defer` inserts the job through the session's own connection, so a rollback leaves none and a
commit loses none. A job may run twice (a worker can die between effect and mark), so every task
must be harmless the second time. Tasks live in a package's `tasks.py`, listed in its `TASKS`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from marketplace.core.clock import Clock
from marketplace.core.db import Session
from marketplace.core.parts import Parts
from marketplace.core.rows import Part

QUEUE = "jobs"


@dataclass(frozen=True)
class RetryPolicy:
    """How often to try in all, and the wait in seconds: `first`, then doubled up to `longest`."""

    attempts: int = 8
    first: int = 2
    longest: int = 600


class JobContext(Protocol):
    """What a running job is given."""

    @property
    def clock(self) -> Clock:
        """Domain time."""

    @property
    def parts(self) -> Parts:
        """Gateways and other wired objects."""

    def transaction(self) -> AbstractContextManager[Session]:
        """One unit of work: commits at the end, rolls back on an error."""


@dataclass(frozen=True)
class Task:
    """A job's name (`package.verb`), what runs, and when by itself.

    `run(context, **arguments)`; arguments are JSON values. `cron` is a five-field expression in
    UTC, for jobs without arguments.
    """

    name: str
    run: Callable[..., None]
    cron: str | None = None
    retry: RetryPolicy = RetryPolicy()
    queue: str = "default"


class JobQueue(Protocol):
    """Serves `defer`; the adapter joins the session's transaction."""

    def defer(
        self,
        session: Session,
        name: str,
        arguments: dict[str, Any],
        *,
        run_at: datetime | None,
        lock: str | None,
    ) -> None:
        """Insert the job; `LookupError` if no task has that name."""

    def part(self, name: str, all_arguments: list[dict[str, Any]], lock: str | None) -> Part:
        """Return what inserts a job for each of the arguments, due now; `LookupError` as above."""

    def part_for(self, name: str, arguments: str) -> Part:
        """Return what inserts a job for each of the arguments that a query finds."""

    def given_up(self, session: Session, name: str) -> list[dict[str, Any]]:
        """Return the arguments of jobs that failed at their last attempt, as below."""


def defer(
    session: Session,
    name: str,
    *,
    run_at: datetime | None = None,
    lock: str | None = None,
    **arguments: Any,
) -> None:
    """Ask for the task `name` to run once this transaction has committed.

    `run_at` (aware) is the earliest real time; `lock` runs jobs of one lock one after another.
    """
    queue: JobQueue = session.info[QUEUE]
    queue.defer(session, name, arguments, run_at=run_at, lock=lock)


def deferred(
    session: Session, name: str, all_arguments: list[dict[str, Any]], *, lock: str | None = None
) -> Part:
    """Do as `defer` for each of the arguments (JSON values), within the caller's own statement.

    See `core.rows.flush`: what is written and the jobs that it asks for are one statement.
    """
    queue: JobQueue = session.info[QUEUE]
    return queue.part(name, all_arguments, lock)


def deferred_for(session: Session, name: str, arguments: str) -> Part:
    """Do so for the arguments that a query finds, one `jsonb` a row: SQL of the same statement."""
    queue: JobQueue = session.info[QUEUE]
    return queue.part_for(name, arguments)


def given_up(session: Session, name: str) -> list[dict[str, Any]]:
    """Return the arguments with which the task `name` has failed for good and is not to run again.

    Newest first, a hundred at most: what waits for such a job waits in vain.
    """
    queue: JobQueue = session.info[QUEUE]
    return queue.given_up(session, name)
