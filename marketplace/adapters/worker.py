"""Jobs run by procrastinate, in worker processes.

A worker that was killed leaves its jobs as "doing"; a periodic job gives those back, which is why
every task must be harmless the second time.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import procrastinate
import structlog
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from marketplace.adapters.queue import Context
from marketplace.core.jobs import RetryPolicy, Task

log = structlog.get_logger(__name__)
STALLED = "queue.retry_stalled"
# A worker reports itself every 10 seconds; one silent for this long is gone.
SILENT_SECONDS = 30.0


class _Retry(BaseRetryStrategy):
    """Waits twice as long each time, and gives up after the policy's attempts."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy

    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate.jobs.Job
    ) -> RetryDecision | None:
        tried = job.attempts + 1
        if tried >= self._policy.attempts:
            log.error("job_given_up", task=job.task_name, job=job.id, exc_info=exception)
            return None
        seconds = min(self._policy.first * 2**job.attempts, self._policy.longest)
        log.warning(
            "job_retried", task=job.task_name, job=job.id, wait=seconds, error=repr(exception)
        )
        return RetryDecision(retry_in={"seconds": seconds})


def build_worker_app(tasks: Iterable[Task], context: Context, conninfo: str) -> procrastinate.App:
    """Return the procrastinate application that a worker process runs."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=conninfo))
    for task in tasks:
        run = _runner(task, context)
        registered = app.task(name=task.name, queue=task.queue, retry=_Retry(task.retry))(run)
        if task.cron is not None:
            app.periodic(cron=task.cron, periodic_id=task.name)(registered)

    @app.periodic(cron="* * * * *")
    @app.task(name=STALLED, queue="default", pass_context=True, queueing_lock=STALLED)
    async def retry_stalled(job: Any, timestamp: int) -> None:
        del timestamp
        stalled = await job.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=SILENT_SECONDS)
        for lost in stalled:
            try:
                await job.app.job_manager.retry_job(lost)
            except procrastinate.exceptions.ConnectorException as refused:
                # It has ended by now, or another like it waits: no reason to hold up the next one.
                log.warning("job_not_recovered", task=lost.task_name, job=lost.id, exc_info=refused)
            else:
                log.warning("job_recovered", task=lost.task_name, job=lost.id)

    return app


def run_worker(app: procrastinate.App, *, concurrency: int) -> None:
    """Run jobs until the process is told to stop; what runs then is finished first."""

    async def work() -> None:
        async with app.open_async():
            await app.run_worker_async(
                concurrency=concurrency,
                delete_jobs="successful",
                shutdown_graceful_timeout=20,
                fetch_job_polling_interval=5,
            )

    asyncio.run(work())


def _runner(task: Task, context: Context) -> Callable[..., None]:
    def run(timestamp: int | None = None, **arguments: Any) -> None:
        """Periodic jobs get a timestamp from the queue, which none of ours needs."""
        if timestamp is not None and task.cron is None:
            arguments["timestamp"] = timestamp
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(task=task.name)
        task.run(context, **arguments)
        log.info("job_done")

    return run
