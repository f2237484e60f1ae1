"""Jobs of procrastinate's tables, inserted through the caller's own connection.

Deferring is a row in the caller's transaction. The library itself is for those that run jobs
(`worker`): a process that asks for one starts without it.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, String, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import sessionmaker

from marketplace.core.clock import Clock
from marketplace.core.db import Session, edge, run
from marketplace.core.jobs import Task
from marketplace.core.parts import Parts
from marketplace.core.rows import Part

# As the library's own function does; its triggers tell the workers. Built and sent by the library
# itself, the same row costs twice the CPU, in every request that asks for a job.
_DEFER = text(
    """
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args, scheduled_at)
    VALUES (:queue, :task, :lock, :arguments, :run_at)
    """
).bindparams(
    bindparam("queue", type_=String),
    bindparam("task", type_=String),
    bindparam("lock", type_=String),
    bindparam("arguments", type_=JSONB),
    bindparam("run_at", type_=DateTime(timezone=True)),
)
_JOBS = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args)
    SELECT CAST(:jobs_queue AS text), CAST(:jobs_task AS text), CAST(:jobs_lock AS text), given.args
      FROM jsonb_array_elements(CAST(:jobs_all AS jsonb)) WITH ORDINALITY AS given(args, number)
     ORDER BY number
    RETURNING id
"""
_JOBS_FOR = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, args)
    SELECT CAST(:jobs_queue AS text), CAST(:jobs_task AS text), given.args
      FROM ({arguments}) AS given(args)
"""
_GIVEN_UP = text(
    """
    SELECT gone.args
      FROM procrastinate_jobs AS gone
     WHERE gone.task_name = :task AND gone.status = 'failed'
       AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS other
                        WHERE other.task_name = gone.task_name AND other.args = gone.args
                          AND other.status IN ('todo', 'doing'))
     ORDER BY gone.id DESC LIMIT 100
    """
)


@dataclass(frozen=True)
class Context:
    """What a running job is given; serves `core.jobs.JobContext`."""

    parts: Parts
    sessions: sessionmaker[Session]

    @property
    def clock(self) -> Clock:
        return self.parts.get(Clock)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with self.sessions() as session, edge(session):
            yield session


class ProcrastinateQueue:
    """Defers by name; an unknown name is an error at once, not a job that nobody runs.

    `find` returns the tasks of a package, the first part of a name: who defers one job needs not
    the code of all.
    """

    def __init__(self, find: Callable[[str], Iterable[Task]]) -> None:
        self._find = find
        self._tasks: dict[str, Task] = {}

    def defer(
        self,
        session: Session,
        name: str,
        arguments: dict[str, Any],
        *,
        run_at: datetime | None,
        lock: str | None,
    ) -> None:
        run(
            session,
            _DEFER,
            {
                "queue": self._task(name).queue,
                "task": name,
                "lock": lock,
                "arguments": arguments,
                "run_at": run_at,
            },
        )

    def part(self, name: str, all_arguments: list[dict[str, Any]], lock: str | None) -> Part:
        return Part(
            _JOBS,
            {
                "jobs_queue": self._task(name).queue,
                "jobs_task": name,
                "jobs_lock": lock,
                "jobs_all": json.dumps(all_arguments),
            },
        )

    def part_for(self, name: str, arguments: str) -> Part:
        return Part(
            _JOBS_FOR.format(arguments=arguments),
            {"jobs_queue": self._task(name).queue, "jobs_task": name},
            silent=True,
        )

    def _task(self, name: str) -> Task:
        if name not in self._tasks:
            self._tasks.update({task.name: task for task in self._find(name.partition(".")[0])})
        try:
            return self._tasks[name]
        except KeyError as error:
            raise LookupError(f"there is no task {name!r}") from error

    def given_up(self, session: Session, name: str) -> list[dict[str, Any]]:
        return list(session.execute(_GIVEN_UP, {"task": name}).scalars())
