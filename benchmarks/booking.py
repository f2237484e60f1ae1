"""Booking over HTTP: a seat held and its payment asked for, by 16 clients at once.

`spread`: each over many listings and weeks. `hot`: all of them one listing in the same four weeks.
`rush`: more trainees than seats, to see that none is sold twice.
"""

from collections.abc import Iterator
from typing import Any

import psycopg

from benchmarks import bare, data, ids, shared
from benchmarks.comparing import account, in_turns
from benchmarks.figures import Figure, Target
from benchmarks.shared import Shared
from benchmarks.stage import CLIENTS, Server, Stage

# Of the yardstick's rate; half of it is the ambition.
LEAST_RATIO = 0.35
# How much longer the slowest hundredth may take than the middle.
LONGEST_TAIL = 4
RUSH_SEATS = 40
RUSH_TURNS = 10

# Seats that are taken, against the bookings that keep one, by pool and week.
_SOLD = """
SELECT coalesce(max(sw.taken - sw.capacity), 0),
       coalesce(max(coalesce(kept.seats, 0) - sw.capacity), 0),
       count(*) FILTER (WHERE sw.taken <> coalesce(kept.seats, 0)), sum(sw.taken)
  FROM seat_week sw
  LEFT JOIN (SELECT lp.pool_id, bw.week, count(*) AS seats
               FROM booking_week bw JOIN listing_pool lp USING (listing_id)
              WHERE bw.released_at IS NULL GROUP BY lp.pool_id, bw.week) AS kept
    ON kept.pool_id = sw.pool_id AND kept.week = sw.week
 WHERE sw.pool_id >= %s
"""


def run(stage: Stage) -> Iterator[Figure]:
    """Spread, hot and rush over one database, emptied between the turns."""
    given = shared.of(stage)
    asked = plan(stage, given)
    audits: list[dict[str, int]] = []
    for name, spread in (("spread", True), ("hot", False)):
        stage.say(f"booking, {name}")
        yield from _compared(stage, given, {**asked, "spread": spread}, audits)
    yield _rush(stage, given, asked, audits)
    data.forget_bookings(given.conninfo)


def plan(stage: Stage, given: Shared) -> dict[str, Any]:
    """What the load generator is told of trainees, listings and weeks."""
    return {
        "tokens": given.tokens,
        "trainees": stage.sizes.trainees,
        "listings": stage.sizes.bookable,
        "first_listing": data.BOOKABLE,
        "blocks": data.BLOCKS,
        "first_day": data.first_day().isoformat(),
    }


def _compared(
    stage: Stage,
    given: Shared,
    asked: dict[str, Any],
    audits: list[dict[str, int]],
) -> Iterator[Figure]:
    conninfo = given.conninfo

    def turn(server: Server, seconds: float) -> dict[str, Any]:
        data.forget_bookings(conninfo)
        found = stage.load(server, "book", **asked, seconds=seconds)
        audits.append(audit(conninfo))
        return found

    product, yardstick = in_turns(stage, given.product, given.yardstick, turn)
    data.forget_bookings(conninfo)
    script = bare.booking_script(
        spread=asked["spread"],
        listings=asked["listings"],
        per_client=asked["trainees"] // CLIENTS,
    )
    floor = bare.pgbench(stage, conninfo, script, seconds=stage.sizes.seconds)
    audits.append(audit(conninfo))
    name = "spread" if asked["spread"] else "hot"
    shown = account(product)
    yield Figure(
        f"booking.{name}",
        product["rate"],
        "bookings/s",
        "yardstick",
        yardstick["rate"],
        Target("ratio", "at least", LEAST_RATIO),
        detail={
            "clients": CLIENTS,
            "product": shown,
            "yardstick": account(yardstick),
            "pgbench": {**floor, "rate": round(floor["rate"], 1)},
            "audits": audits[-3:],
        },
    )
    latency = shown["latency_ms"]
    yield Figure(
        f"booking.{name}_tail",
        latency.get("p99", 0.0),
        "ms at p99",
        "p50",
        latency.get("p50"),
        Target("ratio", "below", LONGEST_TAIL),
    )


def _rush(
    stage: Stage,
    given: Shared,
    asked: dict[str, Any],
    audits: list[dict[str, int]],
) -> Figure:
    """More clients' turns than seats: as many are sold as there are, the others are told so."""
    stage.say("booking, rush")
    conninfo = given.conninfo
    data.forget_bookings(conninfo)
    data.heat(conninfo, RUSH_SEATS)
    found = stage.load(given.product, "book", **asked, spread=False, turns=RUSH_TURNS, seconds=60)
    audits.append(audit(conninfo))
    over = max(each["taken_over_capacity"] + each["booked_over_capacity"] for each in audits)
    apart = sum(each["weeks_that_disagree"] for each in audits)
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(
            "SELECT max(taken) FROM seat_week WHERE pool_id = %s", [ids.of(ids.POOL, data.BOOKABLE)]
        ).fetchone()
    sold = row[0] if row else 0
    return Figure(
        "booking.oversold",
        over + apart,
        "seats",
        target=Target("value", "at most", 0),
        detail={
            "tried": CLIENTS * RUSH_TURNS,
            "seats": RUSH_SEATS,
            "sold": sold,
            "statuses": found["statuses"],
            "audits": len(audits),
        },
    )


def audit(conninfo: str) -> dict[str, int]:
    """What the database says of seats and bookings after a turn."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(_SOLD, [ids.of(ids.POOL, data.BOOKABLE)]).fetchone()
    assert row is not None
    return {
        "taken_over_capacity": max(0, row[0]),
        "booked_over_capacity": max(0, row[1]),
        "weeks_that_disagree": row[2],
        "seats_taken": int(row[3]),
    }
