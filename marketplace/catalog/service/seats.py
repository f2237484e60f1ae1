"""All that changes seats: taking and giving them back, setting them, moving them between pools.

Taking takes a seat in every week and every pool of a listing, or none at all.

The listing is held first, against a change of its pools or closed weeks; then one statement locks
the weeks it wants in the order of pool and week, so that two of them never wait for each other, and
changes them only if all of them can be changed. That a week never has more seats taken than it has
is held by a constraint besides.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import TextClause, text

from marketplace.catalog.errors import SeatsNotTaken, SeatTaken
from marketplace.catalog.events import SeatsFreed
from marketplace.catalog.queries.calendars import PoolWeek
from marketplace.catalog.rules.edits import WeekState
from marketplace.catalog.service import waking
from marketplace.core.db import Session, fetch
from marketplace.core.events import publish
from marketplace.core.rows import Part

_TAKE = text(
    """
    WITH wanted AS MATERIALIZED (
        SELECT sw.pool_id, sw.week, sw.capacity, sw.taken
          FROM listing_pool lp
          JOIN listing l ON l.id = lp.listing_id
          JOIN seat_week sw ON sw.pool_id = lp.pool_id
         WHERE lp.listing_id = :listing
           AND sw.week = ANY(:weeks)
           AND NOT sw.week = ANY(l.blackout_weeks)
         ORDER BY sw.pool_id, sw.week
           FOR UPDATE OF sw
    ), needed AS (
        SELECT count(*) AS pools FROM listing_pool WHERE listing_id = :listing
    ), changed AS (
        UPDATE seat_week AS sw
           SET taken = sw.taken + :seats
          FROM wanted
         WHERE sw.pool_id = wanted.pool_id
           AND sw.week = wanted.week
           AND sw.taken + :seats <= sw.capacity
           AND (SELECT count(*) FROM wanted WHERE taken + :seats <= capacity)
             = (SELECT pools FROM needed) * cardinality(:weeks)
        RETURNING sw.week
    )
    SELECT (SELECT count(*) FROM changed) AS changed,
           (SELECT pools FROM needed) AS pools,
           ARRAY(SELECT week FROM wanted WHERE taken + :seats <= capacity
                  GROUP BY week HAVING count(*) = (SELECT pools FROM needed)) AS free,
           ARRAY(SELECT DISTINCT other.listing_id
                   FROM listing_pool own JOIN listing_pool other ON other.pool_id = own.pool_id
                  WHERE own.listing_id = :listing) AS touched
    """
)
# Held to the end of the transaction: whoever changes a listing's pools or closes its weeks holds the
# whole row, so that they and we never read past each other. A statement of its own, since the next
# one must see what was committed while this one waited.
_HOLD_LISTINGS = text("SELECT id FROM listing WHERE id = ANY(:listings) ORDER BY id FOR KEY SHARE")
_WRITE = """
    INSERT INTO seat_week (pool_id, week, capacity, closed_capacity)
    SELECT * FROM unnest(CAST(:week_pools AS uuid[]), CAST(:weeks AS date[]),
                         CAST(:capacity AS smallint[]), CAST(:closed AS smallint[]))
        ON CONFLICT (pool_id, week) DO UPDATE
       SET capacity = excluded.capacity, closed_capacity = excluded.closed_capacity
    RETURNING 1
"""
_BEGIN = """
    INSERT INTO seat_week (pool_id, week, capacity)
    SELECT n.pool_id, n.first + 7 * at, n.seats
      FROM unnest(CAST(:begun AS uuid[]), CAST(:begun_from AS date[]), CAST(:begun_to AS date[]),
                  CAST(:begun_seats AS smallint[])) AS n(pool_id, first, last, seats),
           generate_series(0, (n.last - n.first) / 7) AS at
"""
_WRITE_TAKEN = """
    INSERT INTO seat_week (pool_id, week, capacity, closed_capacity, taken)
    SELECT * FROM unnest(CAST(:week_pools AS uuid[]), CAST(:weeks AS date[]),
                         CAST(:capacity AS smallint[]), CAST(:closed AS smallint[]),
                         CAST(:taken AS smallint[]))
        ON CONFLICT (pool_id, week) DO UPDATE
       SET capacity = excluded.capacity, closed_capacity = excluded.closed_capacity,
           taken = excluded.taken
    RETURNING 1
"""
_REMOVE = """
    DELETE FROM seat_week sw
     USING unnest(CAST(:gone_pools AS uuid[]), CAST(:gone_weeks AS date[])) gone(pool_id, week)
     WHERE sw.pool_id = gone.pool_id AND sw.week = gone.week AND sw.taken = 0
    RETURNING 1
"""
_DRAWING = (
    "SELECT DISTINCT listing_id FROM listing_pool WHERE pool_id = ANY(CAST(:drawn AS uuid[]))"
)
_COUNT_ANEW = text(
    """
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:pools AS uuid[]), CAST(:weeks AS date[]), CAST(:seats AS int[]))
               AS w(pool_id, week, seats)
    ), locked AS MATERIALIZED (
        SELECT sw.pool_id, sw.week, wanted.seats
          FROM wanted
          JOIN seat_week sw ON sw.pool_id = wanted.pool_id AND sw.week = wanted.week
         ORDER BY sw.pool_id, sw.week
           FOR UPDATE OF sw
    ), changed AS (
        UPDATE seat_week AS sw
           SET taken = sw.taken + locked.seats
          FROM locked
         WHERE sw.pool_id = locked.pool_id AND sw.week = locked.week
           AND sw.taken + locked.seats >= 0
        RETURNING sw.week
    )
    SELECT (SELECT count(*) FROM changed) AS changed,
           ARRAY(SELECT DISTINCT listing_id
                   FROM listing_pool WHERE pool_id = ANY(:pools)) AS touched
    """
)
_RELEASE = text(
    """
    WITH given AS (
        SELECT lp.pool_id, g.week, sum(g.seats) AS seats
          FROM unnest(CAST(:listings AS uuid[]), CAST(:weeks AS date[]), CAST(:seats AS int[]))
               AS g(listing_id, week, seats)
          JOIN listing_pool lp ON lp.listing_id = g.listing_id
         GROUP BY lp.pool_id, g.week
    ), locked AS MATERIALIZED (
        SELECT sw.pool_id, sw.week, given.seats
          FROM given
          JOIN seat_week sw ON sw.pool_id = given.pool_id AND sw.week = given.week
         ORDER BY sw.pool_id, sw.week
           FOR UPDATE OF sw
    ), changed AS (
        UPDATE seat_week AS sw
           SET taken = sw.taken - locked.seats
          FROM locked
         WHERE sw.pool_id = locked.pool_id AND sw.week = locked.week AND sw.taken >= locked.seats
        RETURNING sw.pool_id, sw.week
    )
    SELECT (SELECT count(*) FROM changed) AS changed, (SELECT count(*) FROM given) AS wanted,
           ARRAY(SELECT pool_id FROM changed ORDER BY pool_id, week) AS pools,
           ARRAY(SELECT week FROM changed ORDER BY pool_id, week) AS weeks,
           ARRAY(SELECT DISTINCT other.listing_id
                   FROM given JOIN listing_pool other ON other.pool_id = given.pool_id) AS touched
    """
)


# The weeks of pools that a listing draws on, locked in the order of takers.
_HOLD_WEEKS = text(
    """
    SELECT sw.pool_id, sw.week, sw.capacity, sw.taken
      FROM seat_week sw
     WHERE sw.pool_id IN (SELECT pool_id FROM listing_pool WHERE listing_id = ANY(:listings))
       AND sw.week = ANY(:weeks)
     ORDER BY sw.pool_id, sw.week
       FOR UPDATE OF sw
    """
)
# Of rows that this transaction holds already: what is free now stays free until it takes it.
_KEEP = """
    WITH asking (listing_id, week, seats) AS ({asking}),
    wanted AS (
        SELECT sw.pool_id, sw.week, least(sum(asking.seats), sw.capacity - sw.taken) AS seats
          FROM asking
          JOIN listing_pool lp ON lp.listing_id = asking.listing_id
          JOIN unnest(CAST(:freed_pools AS uuid[]), CAST(:freed_weeks AS date[]))
               AS freed(pool_id, week)
            ON freed.pool_id = lp.pool_id AND freed.week = asking.week
          JOIN seat_week sw ON sw.pool_id = freed.pool_id AND sw.week = freed.week
         WHERE sw.taken < sw.capacity
         GROUP BY sw.pool_id, sw.week
    ), kept AS (
        UPDATE seat_week AS sw SET taken = sw.taken + wanted.seats
          FROM wanted
         WHERE sw.pool_id = wanted.pool_id AND sw.week = wanted.week
        RETURNING sw.pool_id, sw.week, wanted.seats
    ), {then}
    SELECT count(*) FROM kept
"""


def take(
    session: Session,
    listing_id: uuid.UUID,
    weeks: Sequence[date],
    *,
    held: bool = False,
    seats: int = 1,
) -> None:
    """Take a seat, or `seats`, in each of `weeks` (Mondays); `SeatTaken` names those without.

    Nothing is taken where it raises. Whether the listing is open for booking is the caller's
    question: see `queries.listing_for_booking`. `held`: this transaction has inserted a row whose
    foreign key names the listing, and the check of that key holds it as this would.
    """
    wanted = sorted(set(weeks))
    if not wanted or len(wanted) != len(weeks):
        raise ValueError("weeks to take are one or more, each once")
    if not held:
        session.execute(_HOLD_LISTINGS, {"listings": [listing_id]})
    values = {"listing": listing_id, "weeks": wanted, "seats": seats}
    ((changed, pools, free, touched),) = fetch(session, _TAKE, values)
    if pools and changed == pools * len(wanted):
        waking.seats_changed(session, touched)
        return
    gone = [week for week in wanted if week not in set(free)]
    named = ", ".join(week.isoformat() for week in gone)
    raise SeatTaken(
        f"No seat is left in the week of {named}.",
        extra={"weeks": [week.isoformat() for week in gone]},
    )


def hold_listings(session: Session, listing_ids: Iterable[uuid.UUID]) -> None:
    """Hold listings against a change of their pools or closed weeks, in the order of everybody."""
    session.execute(_HOLD_LISTINGS, {"listings": sorted(set(listing_ids))})


def release(session: Session, listing_id: uuid.UUID, weeks: Sequence[date]) -> None:
    """Give a seat back in each of `weeks`; `SeatsNotTaken` if one was not taken."""
    release_many(session, {(listing_id, week): 1 for week in weeks})


def release_many(session: Session, seats: Mapping[tuple[uuid.UUID, date], int]) -> None:
    """Give back so many seats of each listing and week, all in one ordered statement."""
    if not seats:
        return
    session.execute(_HOLD_LISTINGS, {"listings": sorted({listing for listing, _ in seats})})
    row = session.execute(
        _RELEASE,
        {
            "listings": [listing_id for listing_id, _ in seats],
            "weeks": [week for _, week in seats],
            "seats": list(seats.values()),
        },
    ).one()
    if row.changed != row.wanted or not row.wanted:
        raise SeatsNotTaken
    waking.seats_changed(session, row.touched)
    places = tuple(zip(row.pools, row.weeks, strict=True))
    publish(session, SeatsFreed(tuple(row.touched), places))


def tell_of_more(
    session: Session,
    listing_ids: tuple[uuid.UUID, ...],
    places: Sequence[tuple[uuid.UUID, date]],
) -> None:
    """Say that weeks of pools, which these listings draw on, have been given more seats."""
    if listing_ids and places:
        publish(session, SeatsFreed(listing_ids, places))


def hold_weeks(
    session: Session, listing_ids: Sequence[uuid.UUID], weeks: Sequence[date]
) -> dict[tuple[uuid.UUID, date], int]:
    """Hold the listings' pools in `weeks` against takers; return the free seats of each.

    The listings come first, as for a taker. A pool has no entry for a week without seats.
    """
    session.execute(_HOLD_LISTINGS, {"listings": sorted(listing_ids)})
    rows = session.execute(_HOLD_WEEKS, {"listings": list(listing_ids), "weeks": sorted(weeks)})
    return {(row.pool_id, row.week): row.capacity - row.taken for row in rows}


def keep(
    session: Session,
    places: Collection[tuple[uuid.UUID, date]],
    asking: Part,
    then: Sequence[Part],
) -> None:
    """Take free seats of these weeks of pools for who asks for them, in one statement.

    `asking` finds listings and weeks, and for each how many seats are asked for; the parts of
    `then`, all silent, may read what is `kept`: pool_id, week, seats. For a subscriber of
    `SeatsFreed`, whose transaction holds these rows. Given back by `count_anew`.
    """
    values = {
        "freed_pools": [pool_id for pool_id, _ in places],
        "freed_weeks": [week for _, week in places],
        **asking.values,
    }
    for part in then:
        values |= part.values
    session.execute(_keeping(asking.sql, tuple(part.sql for part in then)), values)


@cache
def _keeping(asking: str, then: Sequence[str]) -> TextClause:
    parts = ", ".join(f"then_{number} AS ({sql})" for number, sql in enumerate(then))
    return text(_KEEP.format(asking=asking, then=parts))


def count_anew(session: Session, taken: Mapping[tuple[uuid.UUID, date], int]) -> None:
    """Add so many taken seats (fewer where negative) to weeks of pools.

    The caller holds these weeks. `SeatsNotTaken` if a week is not there or
    had fewer; `CapacityBelowTaken`, by the constraint, if one would have too many.
    """
    places = sorted(place for place, seats in taken.items() if seats)
    if not places:
        return
    row = session.execute(
        _COUNT_ANEW,
        {
            "pools": [pool_id for pool_id, _ in places],
            "weeks": [week for _, week in places],
            "seats": [taken[place] for place in places],
        },
    ).one()
    if row.changed != len(places):
        raise SeatsNotTaken
    waking.seats_changed(session, row.touched)


def exchange(
    session: Session,
    given: Mapping[tuple[uuid.UUID, date], int],
    listing_id: uuid.UUID,
    weeks: Sequence[date],
) -> None:
    """Give seats back and take one in each of `weeks` of a listing, or neither: `SeatTaken`.

    All the weeks of both are locked first, in the one order, so that two who want each other's
    seats don't wait for each other. A week of the listing that is in both keeps its seat: nobody
    is told that it is free.
    """
    both = {(listing_id, week) for week in weeks} & given.keys()
    listings = sorted({listing_id, *(listing for listing, _ in given)})
    hold_weeks(session, listings, sorted({*weeks, *(week for _, week in given)}))
    more = [week for week in weeks if (listing_id, week) not in both]
    if more:
        take(session, listing_id, more, held=True)
    release_many(session, {place: seats for place, seats in given.items() if place not in both})


def written(weeks: Mapping[tuple[uuid.UUID, date], WeekState]) -> Part:
    """What gives weeks of pools these seats, open or closed, in the order of takers.

    The caller has looked at what is taken; the constraint refuses what would fall below it.
    """
    return Part(_WRITE, _places(weeks))


def recounted(weeks: Mapping[tuple[uuid.UUID, date], PoolWeek]) -> Part:
    """The same with the seats that are taken: for seats that change their pool.

    The caller holds these weeks, their pools, and the listings whose seats they are.
    """
    places = _places({place: week.state for place, week in weeks.items()})
    return Part(_WRITE_TAKEN, {**places, "taken": [weeks[place].taken for place in sorted(weeks)]})


def begun(calendars: Iterable[tuple[uuid.UUID, date, date, int]]) -> Part:
    """What gives new pools a calendar each: pool, first and last Monday, seats of every week."""
    pools, firsts, lasts, seats = zip(*calendars, strict=True)
    return Part(
        _BEGIN,
        {
            "begun": list(pools),
            "begun_from": list(firsts),
            "begun_to": list(lasts),
            "begun_seats": list(seats),
        },
        silent=True,
    )


def removed(places: Iterable[tuple[uuid.UUID, date]]) -> Part:
    """What takes weeks out of pools in which no seat is taken."""
    some = sorted(places)
    return Part(
        _REMOVE,
        {
            "gone_pools": [pool_id for pool_id, _ in some],
            "gone_weeks": [week for _, week in some],
        },
    )


def drawing(pool_ids: Iterable[uuid.UUID]) -> Part:
    """What finds the listings that draw on one of these pools."""
    return Part(_DRAWING, {"drawn": sorted(pool_ids)})


def _places(weeks: Mapping[tuple[uuid.UUID, date], WeekState]) -> dict[str, list[Any]]:
    places = sorted(weeks)
    return {
        "week_pools": [pool_id for pool_id, _ in places],
        "weeks": [week for _, week in places],
        "capacity": [weeks[place].capacity for place in places],
        "closed": [weeks[place].seats if weeks[place].closed else None for place in places],
    }
