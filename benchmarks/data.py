"""Rows by the thousand, generated inside PostgreSQL: listings with seats, trainees, outcomes.

Foreign keys are not checked while loading (they hold by construction); every other constraint is.
"""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString

import psycopg
from sqlalchemy import create_engine

from benchmarks import ids
from marketplace.catalog.rules.policies import SELECTABLE
from marketplace.catalog.service import upkeep
from marketplace.core.db import Session, edge

DAYS_AHEAD = 120
WEEKS = 52
BLOCKS = WEEKS // 4
HOT_SEATS = 30_000
BOOKABLE = 1_000_000  # the number of the first listing to book; the first of all is the hot one
OUTCOME_YEARS = 10
MOST_VACUUMS = 200
LISTED: tuple[LiteralString, ...] = (
    *("account", "site", "preceptor", "listing", "listing_pool", "seat_pool", "search_word"),
    "stale_weeks",
)
BOOKED: tuple[LiteralString, ...] = ("booking", "booking_transition", "booking_week", "seat_week")

SPECIALTIES = (
    *("internal_medicine", "family_medicine", "pediatrics", "psychiatry", "neurology"),
    *("general_surgery", "obstetrics_and_gynecology", "emergency_medicine", "pathology"),
    *("anesthesiology", "cardiovascular_disease", "dermatology"),
)
STATES = ("IL", "NY", "TX", "CA", "FL", "NJ", "PA", "MI", "OH", "GA", "MA", "AZ")
CITIES = (
    *("Chicago", "Brooklyn", "Houston", "Fresno", "Miami", "Newark", "Philadelphia", "Detroit"),
    *("Cleveland", "Atlanta", "Boston", "Phoenix"),
)
WORDS = ("Inpatient", "Community", "Academic", "Intensive", "Ambulatory", "Rural", "Advanced")

_TRAINEES: LiteralString = """
WITH made AS (
    INSERT INTO account (id, email, name, fs_uniquifier, fs_token_uniquifier, confirmed_at)
    SELECT bench_id(%(trainee)s, n), 'trainee-' || n || '@example.org', 'Trainee ' || n,
           'trainee-' || n, 'token-' || n, now()
      FROM generate_series(0, %(count)s - 1) AS n
    RETURNING id)
INSERT INTO trainee_profile (account_id, version, updated_at, school_country, citizenship,
    needs_visa, visa_type, graduation_date, step1_result, step2_ck_score)
SELECT id, 1, now(), 'IN', 'other', true, 'b1_b2', '2025-03-31', 'passed', 245 FROM made
"""
_SITES: LiteralString = """
WITH owners AS (
    INSERT INTO account (id, email, name, fs_uniquifier, fs_token_uniquifier, confirmed_at)
    SELECT bench_id(%(owner)s, n), 'owner-' || n || '@example.org', 'Owner ' || n,
           'owner-' || n, 'owner-token-' || n, now()
      FROM generate_series(%(first)s::bigint / 10, %(last)s / 10) AS n)
INSERT INTO site (id, owner_account_id, name, address, city, state, country, time_zone)
SELECT bench_id(%(site)s, n), bench_id(%(owner)s, n), 'Hospital ' || n, n || ' Main Street',
       (%(cities)s::text[])[1 + n %% 12], (%(states)s::text[])[1 + n %% 12], 'US',
       'America/Chicago'
  FROM generate_series(%(first)s::bigint / 10, %(last)s / 10) AS n
"""
_PRECEPTORS: LiteralString = """
INSERT INTO preceptor (id, site_id, npi, name)
SELECT bench_id(%(preceptor)s, n), bench_id(%(site)s, n / 10), (1000000000 + n)::text,
       'Dr. Preceptor ' || n
  FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
# Tiers follow from audience and duties as `usce-1` says; a third of the listings is passive.
_LISTINGS: LiteralString = """
INSERT INTO listing (id, site_id, owner_account_id, preceptor_id, external_id, state, title,
    specialty, setting, duties, audience, weeks_min, weeks_max, price_minor, price_currency,
    seats_per_week, first_start, last_start, blackout_weeks, visa_types, step1_required,
    letter_policy, cancellation_policy, approval, tier_student, tier_graduate, classifier,
    reasons, conflicts, fingerprint, site_name, city, us_state, search_text, first_published_at)
SELECT bench_id(%(listing)s, n), bench_id(%(site)s, n / 10), bench_id(%(owner)s, n / 10),
    bench_id(%(preceptor)s, n), 'L-' || n, 'published',
    word || ' ' || initcap(replace(spec, '_', ' ')) || ' Rotation ' || n,
    spec, (ARRAY['inpatient', 'outpatient', 'both'])[1 + n %% 3],
    CASE WHEN passive THEN ARRAY['shadowing']
         ELSE ARRAY['history_taking', 'physical_examination', 'case_presentation'] END,
    audience, 1 + n %% 4, 12, 20000 + (n * 7919) %% 180000, 'USD', 3,
    %(first_day)s::date, %(first_day)s::date + 7 * 51, '{}', ARRAY['B1/B2', 'F-1'], false,
    'on_merit', %(policy)s, 'instant',
    CASE WHEN audience = 'graduates' THEN NULL WHEN passive THEN 'observership'
         ELSE 'elective' END,
    CASE WHEN audience = 'students' THEN NULL WHEN passive THEN 'observership'
         ELSE 'externship' END,
    'usce-1', '{}', '[]', 'generated', 'Hospital ' || n / 10, city, state,
    'Hospital ' || n / 10 || ' ' || city || ' Dr. Preceptor ' || n || ' '
        || replace(spec, '_', ' '), now()
  FROM (SELECT n, n %% 3 = 2 AS passive,
               CASE WHEN %(one_audience)s THEN 'both'
                    ELSE (ARRAY['both', 'students', 'graduates', 'both'])[1 + n %% 4]
               END AS audience,
               (%(specialties)s::text[])[1 + (n * 31) %% 12] AS spec,
               (%(words)s::text[])[1 + n %% 7] AS word,
               (%(cities)s::text[])[1 + (n / 10) %% 12] AS city,
               (%(states)s::text[])[1 + (n / 10) %% 12] AS state
          FROM generate_series(%(first)s::bigint, %(last)s) AS n) AS made
"""
_POOLS: LiteralString = """
WITH pools AS (
    INSERT INTO seat_pool (id, site_id, name)
    SELECT bench_id(%(pool)s, n), bench_id(%(site)s, n / 10), 'Seats of L-' || n
      FROM generate_series(%(first)s::bigint, %(last)s) AS n)
INSERT INTO listing_pool (listing_id, pool_id)
SELECT bench_id(%(listing)s, n), bench_id(%(pool)s, n) FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
# `taken` is a fixed pattern: half of the weeks are free, others full, so that filters must look.
_SEATS: LiteralString = """
INSERT INTO seat_week (pool_id, week, capacity, taken)
SELECT made.id, %(first_day)s::date + 7 * w, %(seats)s,
       CASE WHEN %(empty)s THEN 0 ELSE (n * 13 + w / 5) %% (%(seats)s + 1) END
  FROM (SELECT n, bench_id(%(pool)s, n) AS id  -- once a pool, not once a week
          FROM generate_series(%(first)s::bigint, %(last)s) AS n OFFSET 0) AS made,
       LATERAL generate_series(0, %(weeks)s - 1 + 0 * n::int) AS w
"""
_CAMPAIGNS: LiteralString = """
INSERT INTO campaign (id, match_year, questionnaire_version, opens_on, closes_on, freeze_on,
    made_at, framed_at)
SELECT bench_id(%(campaign)s, y), 2016 + y, 'v1', make_date(2016 + y::int, 3, 20),
       make_date(2016 + y::int, 6, 1), make_date(2016 + y::int, 7, 1),
       make_date(2016 + y::int, 3, 1), make_date(2016 + y::int, 3, 1)
  FROM generate_series(0, %(years)s - 1) AS y
"""
_PEOPLE: LiteralString = """
INSERT INTO person (id, external_id)
SELECT bench_id(%(person)s, n), 'P-' || n FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
_MEMBERS: LiteralString = """
INSERT INTO cohort_member (id, campaign_id, person_id, joined_at, changed_at, img_type, specialty,
    modality, grad_band, rotation_status, frame_flag, consent_to_contact, invited, delivery,
    disposition, match_items_answered, lor_earned, wave)
SELECT bench_id(%(member)s, n), bench_id(%(campaign)s, n %% %(years)s), bench_id(%(person)s, n),
    '2026-01-01', '2026-01-02', (ARRAY['us_img', 'non_us_img'])[1 + n %% 2],
    (%(specialties)s::text[])[1 + n %% 12], (ARRAY['in_person', 'virtual'])[1 + n %% 2],
    '0-2', 'completed', 'ok', true, true, 'delivered',
    (ARRAY['I', 'I', 'R', 'NC_no_reply'])[1 + n %% 4], n %% 4 < 2, n %% 3 = 0, 1 + n %% 3
  FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
_OUTCOMES: LiteralString = """
INSERT INTO match_outcome (id, person_id, match_year, registered, certified_rol, main_result,
    soap_result, outside_match, program, specialty, interviews, provenance, changed_at)
SELECT bench_id(%(outcome)s, n), bench_id(%(person)s, n), 2016 + n %% %(years)s, true, true,
    (ARRAY['matched_pgy1', 'unmatched'])[1 + n %% 2], 'not_applicable', false,
    'Program ' || n %% 5000, (%(specialties)s::text[])[1 + n %% 12], n %% 20,
    '{"main_result": "self_reported"}', '2026-01-03'
  FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""

_HOLDERS: LiteralString = """
INSERT INTO account (id, email, name, fs_uniquifier, fs_token_uniquifier, confirmed_at)
SELECT bench_id(%(trainee)s, n), 'holder-' || n || '@example.org', 'Holder ' || n,
       'holder-' || n, 'holder-token-' || n, now()
  FROM generate_series(%(first)s::bigint, %(last)s) AS n
"""
# As a booking that somebody made: only who, where, when and the hold are another.
_HOLDS: LiteralString = """
INSERT INTO booking
SELECT hold.*
  FROM (SELECT * FROM booking WHERE weeks = 4 ORDER BY id LIMIT 1) AS made,
       (SELECT n, %(first_day)s::date + 28 * (n / %(holders)s)::int AS day
          FROM generate_series(%(from)s::bigint, %(to)s) AS n) AS wished,
       -- Joined, the row is built once; expanded in the list above, once a column.
       LATERAL jsonb_populate_record(NULL::booking, to_jsonb(made) || jsonb_build_object(
           'id', bench_id(%(booking)s, n), 'state', 'held', 'version', 1, 'payment_id', NULL,
           'hold_expires_at', now() - interval '1 minute' - n * interval '1 millisecond',
           'trainee_id', bench_id(%(trainee)s, %(first)s::bigint + n %% %(holders)s),
           'listing_id', bench_id(%(listing)s, %(bookable)s::bigint + 1 + n %% %(others)s),
           'site_id', bench_id(%(site)s, (%(bookable)s::bigint + 1 + n %% %(others)s) / 10),
           'first_day', day, 'last_day', day + 27)) AS hold
"""
_HELD: LiteralString = """
INSERT INTO booking_transition (booking_id, number, to_state, at, actor_id, reason, kept_until)
SELECT id, 1, 'held', held_at, trainee_id, 'Seat held.', hold_expires_at
  FROM booking WHERE hold_expires_at < now() AND state = 'held'
"""
_HELD_WEEKS: LiteralString = """
INSERT INTO booking_week (id, booking_id, trainee_id, listing_id, week, taken_at)
SELECT uuidv7(), id, trainee_id, listing_id, first_day + 7 * w, held_at
  FROM booking, generate_series(0, 3) AS w WHERE hold_expires_at < now() AND state = 'held'
"""
_TAKEN: LiteralString = """
UPDATE seat_week SET taken = taken + kept.seats
  FROM (SELECT lp.pool_id, bw.week, count(*) AS seats
          FROM booking_week bw JOIN booking b ON b.id = bw.booking_id
          JOIN listing_pool lp ON lp.listing_id = bw.listing_id
         WHERE b.hold_expires_at < now() AND b.state = 'held' GROUP BY lp.pool_id, bw.week) AS kept
 WHERE seat_week.pool_id = kept.pool_id AND seat_week.week = kept.week
"""


def first_day(today: date | None = None) -> date:
    """The Monday on which the generated listings begin, far enough ahead to be booked."""
    day = (today or datetime.now(UTC).date()) + timedelta(days=DAYS_AHEAD)
    return day + timedelta(days=-day.weekday() % 7)


def add_listings(conninfo: str, count: int, weeks: int = WEEKS, today: date | None = None) -> None:
    """Make `count` published listings to search, with seats in so many weeks, some of them taken."""
    day = first_day(today)
    _add_listings(conninfo, 0, count, bookable=False, seats=3, weeks=weeks, first_day=day)


def add_bookable(conninfo: str, count: int) -> None:
    """Make `count` published listings to book, from number `BOOKABLE` on: for all, no seat taken."""
    day = first_day()
    _add_listings(conninfo, BOOKABLE, count, bookable=True, seats=60, weeks=WEEKS, first_day=day)


def _add_listings(conninfo: str, first: int, count: int, *, bookable: bool, **more: object) -> None:
    values = {
        **_kinds(),
        "policy": SELECTABLE[0],
        "empty": bookable,
        "one_audience": bookable,
        **more,
    }

    def load(part: tuple[int, int]) -> None:
        given = {**values, "first": part[0], "last": part[1]}
        _write(conninfo, (_SITES, _PRECEPTORS, _LISTINGS, _POOLS, _SEATS), given)

    with psycopg.connect(conninfo) as connection:
        connection.execute(ids.FUNCTION)
    # In two connections at once: a large catalogue takes one of them a minute.
    parts = _halves(first, count)
    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(load, parts))
        vacuum(conninfo, "seat_week")
        list(pool.map(lambda part: _publish(conninfo, part), parts))
    engine = create_engine(conninfo.replace("postgresql:", "postgresql+psycopg:", 1))
    with Session(engine) as session, edge(session):
        upkeep.gather_words(session)
    engine.dispose()
    vacuum(conninfo, *LISTED)
    settle(conninfo, "listing_search")


def _halves(first: int, count: int) -> list[tuple[int, int]]:
    """First and last of two parts of the listings, the ten of a site together; one if they are few."""
    middle = first + count // 20 * 10
    parts = [(first, middle - 1), (middle, first + count - 1)]
    return [part for part in parts if part[0] <= part[1]]


def _publish(conninfo: str, part: tuple[int, int]) -> None:
    """What triggers, which are off while loading, would have done for searches.

    The free weeks are those of all that was loaded, so there is nothing that the job would look at.
    """
    ends = [ids.of(ids.LISTING, number) for number in part]
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "SELECT listing_search_put(array_agg(id)) FROM listing WHERE id BETWEEN %s AND %s", ends
        )
        connection.execute("DELETE FROM stale_weeks WHERE listing_id BETWEEN %s AND %s", ends)


def add_trainees(conninfo: str, count: int) -> None:
    """Make `count` trainees with a complete profile, who sign in by token only."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(ids.FUNCTION)
    _write(conninfo, (_TRAINEES,), {**_kinds(), "count": count})
    vacuum(conninfo, "account", "trainee_profile")


def add_ended_holds(conninfo: str, count: int, listings: int) -> None:
    """Make `count` holds of four weeks whose time has passed, over all bookable listings but the hot.

    By trainees of their own; one booking of four weeks must be there already, to be like.
    """
    holders = -(-count // BLOCKS)
    values = {
        **_kinds(),
        "holders": holders,
        "first": BOOKABLE,
        "last": BOOKABLE + holders - 1,
        "bookable": BOOKABLE,
        "others": listings - 1,
        "first_day": first_day(),
    }
    with psycopg.connect(conninfo) as connection:
        connection.execute(ids.FUNCTION)
    _write(conninfo, (_HOLDERS,), values)

    def hold(part: tuple[int, int]) -> None:
        _write(conninfo, (_HOLDS,), {**values, "from": part[0], "to": part[1]})

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(hold, _halves(0, count)))
        list(pool.map(lambda one: _write(conninfo, (one,), values), (_HELD, _HELD_WEEKS)))
    _write(conninfo, (_TAKEN,), values)
    vacuum(conninfo, "account", *BOOKED)


def add_outcomes(conninfo: str, count: int) -> None:
    """Make `count` persons, each a cohort member with an outcome in one of ten Match years."""
    values = {**_kinds(), "years": OUTCOME_YEARS}
    with psycopg.connect(conninfo) as connection:
        connection.execute(ids.FUNCTION)
    _write(conninfo, (_CAMPAIGNS,), values)

    def load(part: tuple[int, int]) -> None:
        given = {**values, "first": part[0], "last": part[1]}
        _write(conninfo, (_PEOPLE, _MEMBERS, _OUTCOMES), given)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(load, _halves(0, count)))
    vacuum(conninfo, "campaign", "person", "cohort_member", "match_outcome")


def heat(conninfo: str, seats: int) -> None:
    """Give the hot listing so many seats a week; none is taken."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "UPDATE seat_week SET capacity = %s, taken = 0 WHERE pool_id = %s",
            [seats, ids.of(ids.POOL, BOOKABLE)],
        )


def forget_bookings(conninfo: str) -> None:
    """Take every booking and payment back, so that the next turn begins where this one did."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "TRUNCATE booking, payment, procrastinate_jobs, remembered_answer CASCADE"
        )
        connection.execute(
            "UPDATE seat_week SET taken = 0 WHERE taken > 0 AND pool_id >= %s",
            [ids.of(ids.POOL, BOOKABLE)],
        )
    vacuum(conninfo, "seat_week")


def vacuum(conninfo: str, *tables: LiteralString) -> None:
    """Collect statistics and mark pages visible, as the autovacuum would in time."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for table in tables:
            connection.execute(
                psycopg.sql.SQL("VACUUM ANALYZE {}").format(psycopg.sql.Identifier(table))
            )
        if not tables:
            connection.execute("VACUUM ANALYZE")


def settle(conninfo: str, table: LiteralString) -> None:
    """Vacuum until each page is marked visible: what reads at that moment has pages left unmarked."""
    pages = "SELECT relallvisible < relpages FROM pg_class WHERE oid = CAST(%s AS regclass)"
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for _ in range(MOST_VACUUMS):
            vacuum(conninfo, table)
            left = connection.execute(pages, [table]).fetchone()
            if left is None or not left[0]:
                return
            time.sleep(0.5)
    raise RuntimeError(f"pages of {table} stay unmarked: something reads for minutes")


def _kinds() -> dict[str, Any]:
    names = [
        "trainee",
        "owner",
        "site",
        "preceptor",
        "listing",
        "pool",
        "person",
        "member",
        "campaign",
        "outcome",
        "booking",
    ]
    lists = {"specialties": SPECIALTIES, "states": STATES, "cities": CITIES, "words": WORDS}
    return {
        **{name: getattr(ids, name.upper()) for name in names},
        **{name: list(values) for name, values in lists.items()},
    }


def _write(conninfo: str, statements: tuple[LiteralString, ...], values: Mapping[str, Any]) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL synchronous_commit = off")
        cursor = psycopg.ClientCursor(connection)
        for statement in statements:
            cursor.execute(statement, values)
