"""Booking over HTTP: a seat held and its payment asked for, by 16 clients at once.

`spread`: each over many listings and weeks. `hot`: all of them one listing in the same four weeks.
`rush`: more trainees than seats, to see that none is sold twice.
"""

from collections.abc import Iterator
from typing import Any

import psycopg

from benchmarks import bare, data, ids
from benchmarks.comparing import account, in_turns
from benchmarks.figures import Figure, Target
from benchmarks.processes import run_python
from benchmarks.stage import CLIENTS, Server, Stage

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
"""


def run(stage: Stage) -> Iterator[Figure]:
    """Spread, hot and rush over one database, emptied between the turns."""
    sizes = stage.sizes
    with stage.database("booking") as conninfo:
        stage.say(f"{sizes.bookable} listings, {sizes.trainees} trainees")
        data.add_listings(conninfo, sizes.bookable, seats=60, empty=True, one_audience=True)
        data.heat(conninfo, data.HOT_SEATS)
        data.add_trainees(conninfo, sizes.trainees)
        plan = _plan(stage, conninfo)
        with stage.both(conninfo) as (product, yardstick):
            audits: list[dict[str, int]] = []
            for name, spread in (("spread", True), ("hot", False)):
                stage.say(f"booking, {name}")
                yield _compared(
                    stage, conninfo, (product, yardstick), {**plan, "spread": spread}, audits
                )
            yield _rush(stage, conninfo, product, plan, audits)


def _plan(stage: Stage, conninfo: str) -> dict[str, Any]:
    made = run_python(
        "benchmarks.probe",
        {"tokens": stage.sizes.trainees},
        stage.folder,
        stage.environment(conninfo),
    )
    return {
        "tokens": made["tokens"],
        "trainees": stage.sizes.trainees,
        "listings": stage.sizes.bookable,
        "blocks": data.BLOCKS,
        "first_day": data.first_day().isoformat(),
    }


def _compared(
    stage: Stage,
    conninfo: str,
    servers: tuple[Server, Server],
    plan: dict[str, Any],
    audits: list[dict[str, int]],
) -> Figure:
    def turn(server: Server) -> dict[str, Any]:
        data.forget_bookings(conninfo)
        found = stage.load(server, "book", **plan)
        audits.append(_audit(conninfo))
        return found

    product, yardstick = in_turns(stage, *servers, turn)
    data.forget_bookings(conninfo)
    script = bare.booking_script(
        spread=plan["spread"],
        listings=plan["listings"],
        per_client=plan["trainees"] // CLIENTS,
    )
    floor = bare.pgbench(stage, conninfo, script, seconds=stage.sizes.seconds)
    audits.append(_audit(conninfo))
    name = "spread" if plan["spread"] else "hot"
    shown = account(product)
    return Figure(
        f"booking.{name}",
        product["rate"],
        "bookings/s",
        "yardstick",
        yardstick["rate"],
        detail={
            "clients": CLIENTS,
            "product": shown,
            "yardstick": account(yardstick),
            "pgbench": {**floor, "rate": round(floor["rate"], 1)},
            "p99_over_p50": _tail(shown["latency_ms"]),
            "audits": audits[-3:],
        },
    )


def _rush(
    stage: Stage,
    conninfo: str,
    product: Server,
    plan: dict[str, Any],
    audits: list[dict[str, int]],
) -> Figure:
    """More clients' turns than seats: as many are sold as there are, the others are told so."""
    stage.say("booking, rush")
    data.forget_bookings(conninfo)
    data.heat(conninfo, RUSH_SEATS)
    found = stage.load(
        product,
        "book",
        **{**plan, "spread": False, "turns": RUSH_TURNS, "warmup": 0, "seconds": 60},
    )
    audit = _audit(conninfo)
    audits.append(audit)
    over = max(each["taken_over_capacity"] + each["booked_over_capacity"] for each in audits)
    apart = sum(each["weeks_that_disagree"] for each in audits)
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(
            "SELECT max(taken) FROM seat_week WHERE pool_id = %s", [ids.of(ids.POOL, 0)]
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


def _audit(conninfo: str) -> dict[str, int]:
    """What the database says of seats and bookings after a turn."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(_SOLD).fetchone()
    assert row is not None
    return {
        "taken_over_capacity": max(0, row[0]),
        "booked_over_capacity": max(0, row[1]),
        "weeks_that_disagree": row[2],
        "seats_taken": int(row[3]),
    }


def _tail(shown: dict[str, Any]) -> float | None:
    return round(shown["p99"] / shown["p50"], 2) if shown.get("p50") else None
