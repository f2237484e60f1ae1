"""Jobs of workers that are gone."""

import asyncio
from types import SimpleNamespace
from typing import Any

from sqlalchemy import text

from marketplace.adapters.queue import Context
from marketplace.adapters.worker import STALLED, build_worker_app


def test_a_lost_job_that_waits_again_holds_up_no_other(live: Any):
    queued = text(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, queueing_lock)"
        " VALUES ('default', :name, '{}', cast(:status AS procrastinate_job_status), :held)"
    )
    with live.transaction() as session:
        # Lost while it ran, and asked for again since; then one that nothing stands against.
        for name, status, held in (
            ("often", "doing", "often"),
            ("often", "todo", "often"),
            ("once", "doing", None),
        ):
            session.execute(queued, {"name": name, "status": status, "held": held})
    conninfo = live.url.replace("+psycopg", "", 1)
    worker = build_worker_app([], Context(live.parts, live.sessions), conninfo)

    async def look() -> None:
        async with worker.open_async():
            await worker.tasks[STALLED].func(SimpleNamespace(app=worker), timestamp=0)

    asyncio.run(look())
    with live.transaction() as session:
        found = session.execute(
            text("SELECT task_name, status FROM procrastinate_jobs ORDER BY id")
        )
        assert [tuple(row) for row in found] == [
            ("often", "doing"),
            ("often", "todo"),
            ("once", "todo"),
        ]
