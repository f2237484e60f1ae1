"""A site's roster of a thousand rotations in one page, against the same rows by bare SQL."""

from collections.abc import Iterator
from datetime import date

import psycopg

from benchmarks import bare, data, ids, shared
from benchmarks.figures import Figure, Target, middle
from benchmarks.stage import Stage

ROWS = 1000
MARKED_DAYS = 10
# Of the bare SQL, whose rows are fetched and not shown to anybody.
MOST_RATIO = 3

_BOOKINGS = """
INSERT INTO booking (id, trainee_id, listing_id, listing_version, listing_title, site_id,
    site_name, time_zone, first_day, last_day, weeks, state, version, approval,
    price, total_minor, total_currency, deposit_minor, deposit_currency, paid_minor,
    paid_currency, policy, tier, classifier_version, learner_status, held_at)
SELECT uuidv7(), bench_id(%(kind)s, n %% %(trainees)s), l.id, l.version, l.title, l.site_id,
    l.site_name, s.time_zone, %(first_day)s::date, %(first_day)s::date + 27, 4, 'confirmed', 1,
    'instant', '{"lines": [], "deposit": [], "balance": []}', 200000, 'USD', 40000, 'USD', 40000,
    'USD', '{}', 'externship', l.classifier, 'graduate', now()
  FROM generate_series(1, %(rows)s) AS n, listing l JOIN site s ON s.id = l.site_id
 WHERE l.id = %(listing)s
"""
_HISTORY = """
INSERT INTO booking_transition (booking_id, number, to_state, at, actor_id, reason)
SELECT id, 1, 'confirmed', now(), trainee_id, 'Confirmed.' FROM booking
"""
_MARKS = """
INSERT INTO attendance_mark (id, booking_id, day, revision, mark, marked_by, marked_at)
SELECT uuidv7(), b.id, b.first_day + n, 1, 'present', b.trainee_id, now()
  FROM booking b, generate_series(0, %(days)s - 1) AS n
"""
_MEMBER = """
INSERT INTO membership (id, account_id, role, site_id, granted_at)
SELECT uuidv7(), bench_id(%(kind)s, 0), 'coordinator', site_id, now()
  FROM listing WHERE id = %(listing)s
    ON CONFLICT DO NOTHING
"""
# What a page shows, by the three statements that read it.
_BARE = (
    (
        "SELECT * FROM booking WHERE site_id = '{site}' AND state IN ('confirmed', 'in_progress',"
        " 'completed', 'no_show') AND first_day <= '{end}' AND last_day >= '{start}'"
        " ORDER BY first_day, id LIMIT 1001"
    ),
    (
        "SELECT id, email, name FROM account WHERE id IN"
        " (SELECT trainee_id FROM booking WHERE site_id = '{site}')"
    ),
    (
        "SELECT DISTINCT ON (booking_id, day) booking_id, day, mark FROM attendance_mark"
        " WHERE booking_id IN (SELECT id FROM booking WHERE site_id = '{site}')"
        " ORDER BY booking_id, day, revision DESC"
    ),
)


def run(stage: Stage) -> Iterator[Figure]:
    """Read the page again and again; then the same by SQL."""
    given, repeats = shared.of(stage), stage.sizes.repeats
    stage.say(f"a roster of {ROWS} rotations")
    site = fill(
        given.conninfo, trainees=stage.sizes.trainees, rows=ROWS, first_day=data.first_day()
    )
    start = data.first_day().isoformat()
    request = {
        "path": f"/api/v1/sites/{site}/roster",
        "query": f"from={start}&to={start}&limit={ROWS}",
        "headers": {"Authorization": f"Bearer {given.tokens[0]}"},
    }
    found = shared.probe(
        stage,
        given.conninfo,
        measure=[{"roster": [request] * repeats}] * 2,
        log=str(stage.postgres.log),
    )
    spent, told = (one["roster"] for one in found["measure"])
    queries = [text.format(site=site, start=start, end=start) for text in _BARE]
    times = bare.time_queries(given.conninfo, [queries] * repeats)
    data.forget_bookings(given.conninfo)
    yield Figure(
        "roster.rows_1000",
        spent["wall_ms"],
        "ms",
        against="bare SQL",
        reference=middle(times) * 1000,
        target=Target("ratio", "at most", MOST_RATIO),
        detail={
            "rows": ROWS,
            "marked_days": MARKED_DAYS,
            "statements": told["statements"],
            "cpu_ms": spent["cpu_ms"],
            "database_wait_ms": spent["database_ms"],
        },
    )


def fill(conninfo: str, *, trainees: int, rows: int, first_day: date) -> str:
    """Confirm `rows` rotations from a day on, let the first trainee coordinate; return their site."""
    values = {
        "kind": ids.TRAINEE,
        "trainees": trainees,
        "rows": rows,
        "days": MARKED_DAYS,
        "first_day": first_day,
        "listing": ids.of(ids.LISTING, data.BOOKABLE),
    }
    with psycopg.connect(conninfo) as connection:
        for statement in (_BOOKINGS, _HISTORY, _MARKS, _MEMBER):
            connection.execute(statement, values)
        row = connection.execute("SELECT site_id FROM booking LIMIT 1").fetchone()
    data.vacuum(conninfo, "booking", "attendance_mark")
    assert row is not None
    return str(row[0])
