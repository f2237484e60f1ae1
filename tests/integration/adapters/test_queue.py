"""A job that we insert is, column for column, the one that the queue's own library would insert."""

from datetime import UTC, datetime

import procrastinate
import pytest
from sqlalchemy import text

from marketplace.core.jobs import defer

AT = datetime(2027, 1, 4, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("lock", "run_at", "arguments"),
    [(None, None, {}), ("a lock", AT, {"payment_id": "42", "more": {"n": 1, "ü": None}})],
)
def test_the_row_is_the_librarys(live, lock, run_at, arguments):
    library = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
    with live.transaction() as session:
        defer(session, "web.forget_answers", run_at=run_at, lock=lock, **arguments)
        library.configure_task(
            "web.forget_answers",
            allow_unknown=True,
            queue="default",
            lock=lock,
            schedule_at=run_at,
            connection=session.connection().connection.driver_connection,
        ).defer(**arguments)
    with live.sessions() as session:
        ours, theirs = session.execute(
            text("SELECT to_jsonb(j) - 'id' AS row FROM procrastinate_jobs j ORDER BY id")
        ).scalars()
        events = session.execute(
            text(
                "SELECT array_agg(type::text ORDER BY type) FROM procrastinate_events"
                " GROUP BY job_id ORDER BY job_id"
            )
        ).scalars()
        assert ours == theirs
        first, second = events
        assert first == second
