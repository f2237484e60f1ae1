"""Force majeure over some hundred bookings, its worker killed on the way: each is ended once."""

import os
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import text

from marketplace.adapters.queue import Context
from marketplace.booking import queries
from marketplace.booking.service import force_majeure
from marketplace.booking.tasks import resume_force_majeure
from tests.factories.copies import copies
from tests.integration.booking.test_force_majeure import plan, progress, run

PAID, HELD = 24, 72


class Workers:
    """Processes of their own that work on one run."""

    def __init__(self, stage, live, planned):
        self.stage, self.planned = stage, planned
        url = live.url.replace("postgresql+psycopg", "postgresql")
        module = "tests.integration.booking.force_majeure_child"
        self.command = [sys.executable, "-m", module, url, str(planned.id)]

    def done(self):
        return progress(self.stage, self.planned).get("done", 0)

    def killed_after(self, more):
        """Let one work until `more` bookings are done, then kill it with -9."""
        wanted = self.done() + more
        worker = subprocess.Popen(self.command)
        try:
            until = time.monotonic() + 120
            while self.done() < wanted:
                assert worker.poll() is None, "the worker came to its end before it was killed"
                assert time.monotonic() < until
                time.sleep(0.02)
        finally:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
        return self.done()

    def to_the_end(self):
        subprocess.run(self.command, check=True, timeout=300)


def one(stage, statement, **values):
    with stage.transaction() as session:
        return session.execute(text(statement), values).one()


@pytest.mark.fault(38)
def test_a_killed_worker_leaves_each_booking_ended_once_and_the_rest_to_be_resumed(
    live_stage, live
):
    place = live_stage.place(seats_per_week=2)
    paid = live_stage.confirmed(place, whole=True)
    held = live_stage.hold(live_stage.trainee(), place)
    copies(live_stage, place, paid, PAID - 1)
    copies(live_stage, place, held, HELD - 1)
    assert live_stage.findings() == []
    planned = plan(live_stage, place.owner_id)
    assert (planned.bookings, planned.refunds) == (
        PAID + HELD,
        [{"amount": 224000 * PAID, "currency": "USD"}],
    )
    run(live_stage, planned)
    workers = Workers(live_stage, live, planned)
    for _ in range(2):
        done = workers.killed_after(20)
        # What was done stays done, and the operator sees how far it is.
        shown = progress(live_stage, planned)
        assert shown == {"done": done, "pending": PAID + HELD - done}
        assert one(
            live_stage,
            "SELECT count(*) FILTER (WHERE state = 'cancelled_by_operator') FROM booking",
        ) == (done,)
    with live_stage.transaction() as session:
        assert queries.force_majeure(session, planned.id).state == "running"
    workers.to_the_end()
    workers.to_the_end()
    assert progress(live_stage, planned) == {"done": PAID + HELD}
    with live_stage.transaction() as session:
        assert queries.force_majeure(session, planned.id).state == "done"
    cancelled = "state = 'cancelled_by_operator'"
    assert one(live_stage, f"SELECT count(*) FROM booking WHERE {cancelled}") == (PAID + HELD,)
    # One quote, one refund, one step and one notice each.
    assert one(
        live_stage,
        "SELECT count(*), count(DISTINCT booking_id), min(jsonb_array_length(refunds)),"
        " max(jsonb_array_length(refunds)) FROM booking_cancellation",
    ) == (PAID, PAID, 1, 1)
    assert one(
        live_stage, "SELECT count(*), count(DISTINCT payment_id), sum(amount_minor) FROM refund"
    ) == (PAID, PAID, 224000 * PAID)
    assert one(
        live_stage,
        "SELECT count(*), count(DISTINCT booking_id) FROM booking_transition"
        " WHERE to_state = 'cancelled_by_operator'",
    ) == (PAID + HELD, PAID + HELD)
    assert one(
        live_stage,
        "SELECT count(*), count(DISTINCT account_id) FROM notice"
        " WHERE template = 'force_majeure' AND account_id <> :host",
        host=place.owner_id,
    ) == (PAID + HELD, PAID + HELD)
    assert live_stage.taken(place) == {}
    assert live_stage.findings() == []


def test_a_run_whose_job_was_lost_is_taken_up_again(live_stage, live):
    place = live_stage.place(seats_per_week=2)
    held = live_stage.hold(live_stage.trainee(), place)
    planned = plan(live_stage, place.owner_id)
    run(live_stage, planned)
    with live_stage.transaction() as session:
        session.execute(text("DELETE FROM procrastinate_jobs"))
    job = Context(live.parts, live.sessions)
    resume_force_majeure(job)
    with live_stage.transaction() as session:
        asked = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :name")
        assert session.execute(asked, {"name": force_majeure.RUN}).scalar_one() == 0
    live_stage.clock.advance(force_majeure.SILENT)
    for _ in range(2):
        resume_force_majeure(job)
    with live_stage.transaction() as session:
        assert session.execute(asked, {"name": force_majeure.RUN}).scalar_one() >= 1
    assert live_stage.state(held) == "held"
