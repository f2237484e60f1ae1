"""Holds that have all ended at once: given up by one run of the job, while others go on booking."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from benchmarks import data, shared
from benchmarks.booking import audit, plan
from benchmarks.comparing import account
from benchmarks.figures import Figure, Target
from benchmarks.processes import run_forked
from benchmarks.shared import Shared
from benchmarks.stage import CLIENTS, Stage

LONGEST_SECONDS = 60
_LEFT = "SELECT count(*) FROM booking WHERE state = 'held' AND hold_expires_at < now()"


def run(stage: Stage) -> Iterator[Figure]:
    """Bookings alone first; then the same with the job beside them, until the job is done."""
    given = shared.of(stage)
    count = stage.sizes.holds
    asked = {**plan(stage, given), "spread": True}
    data.forget_bookings(given.conninfo)
    stage.load(given.product, "book", **_others(asked, 0), seconds=stage.sizes.warmup)
    alone = stage.load(given.product, "book", **_others(asked, 1), seconds=stage.sizes.seconds)
    stage.say(f"{count} holds that have ended")
    data.add_ended_holds(given.conninfo, count, stage.sizes.bookable)
    beside, job = _beside(stage, given, _others(asked, 2))
    yield _given_up(given, count, job)
    yield _undisturbed(alone, beside)
    data.forget_bookings(given.conninfo)


def _others(asked: dict[str, Any], turn: int) -> dict[str, Any]:
    """The same wishes by trainees who have not booked yet, a third of them at a time.

    Somebody who booked in an earlier turn would rightly be refused: one place at a time.
    """
    share = len(asked["tokens"]) // 3
    some = asked["tokens"][turn * share : (turn + 1) * share]
    return {**asked, "tokens": some, "trainees": share, "first_trainee": turn * share}


def _beside(
    stage: Stage, given: Shared, asked: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(
            run_forked,
            "benchmarks.job_child",
            {"task": "booking.expire_holds"},
            stage.environment(given.conninfo),
        )
        found = stage.load(given.product, "book", **asked, seconds=stage.sizes.seconds)
        return found, job.result()


def _given_up(given: Shared, count: int, job: dict[str, Any]) -> Figure:
    with psycopg.connect(given.conninfo) as connection:
        row = connection.execute(_LEFT).fetchone()
    left = row[0] if row else 0
    checked = audit(given.conninfo)
    if left or checked["weeks_that_disagree"] or checked["booked_over_capacity"]:
        raise RuntimeError(f"{left} of {count} holds are left; seats: {checked}")
    return Figure(
        "expiry.seconds",
        job["seconds"],
        "seconds",
        target=Target("value", "below", LONGEST_SECONDS),
        detail={"holds": count, "cpu_seconds": job["cpu_seconds"], "audit": checked},
    )


def _undisturbed(alone: dict[str, Any], beside: dict[str, Any]) -> Figure:
    """What matters is that nobody is refused or waits for the job; it takes CPU from bookings."""
    return Figure(
        "expiry.bookings_refused",
        sum(count for status, count in beside["statuses"].items() if not status.endswith(" 201")),
        "answers",
        target=Target("value", "at most", 0),
        detail={"clients": CLIENTS, "alone": account(alone), "beside": account(beside)},
    )
