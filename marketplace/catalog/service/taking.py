"""Seats of many listings taken at once: all of them or none."""

import uuid
from collections.abc import Mapping
from datetime import date

from sqlalchemy import text

from marketplace.catalog.service import waking
from marketplace.core.db import Session

# Many listings' weeks at once, a number of seats in each: all of them or none. The weeks are locked
# by a statement of their own, so that the next one reads them as they are and nobody changes them.
_LOCK_WEEKS = text(
    """
    SELECT sw.pool_id
      FROM unnest(CAST(:listings AS uuid[]), CAST(:weeks AS date[])) AS g(listing_id, week)
      JOIN listing_pool lp ON lp.listing_id = g.listing_id
      JOIN seat_week sw ON sw.pool_id = lp.pool_id AND sw.week = g.week
     ORDER BY sw.pool_id, sw.week
       FOR UPDATE OF sw
    """
)
_TAKE_ALL = text(
    """
    WITH given AS (
        SELECT * FROM unnest(CAST(:listings AS uuid[]), CAST(:weeks AS date[]), CAST(:seats AS int[]))
               AS g(listing_id, week, seats)
    ), needed AS (
        SELECT given.listing_id, given.week, lp.pool_id, given.seats
          FROM given
          JOIN listing l ON l.id = given.listing_id AND NOT given.week = ANY(l.blackout_weeks)
          JOIN listing_pool lp ON lp.listing_id = given.listing_id
    ), summed AS (
        SELECT pool_id, week, sum(seats) AS seats FROM needed GROUP BY pool_id, week
    ), lacking AS MATERIALIZED (
        SELECT given.listing_id, given.week
          FROM given
          LEFT JOIN needed ON needed.listing_id = given.listing_id AND needed.week = given.week
          LEFT JOIN summed ON summed.pool_id = needed.pool_id AND summed.week = needed.week
          LEFT JOIN seat_week sw ON sw.pool_id = summed.pool_id AND sw.week = summed.week
         GROUP BY given.listing_id, given.week
        HAVING NOT bool_and(coalesce(sw.taken + summed.seats <= sw.capacity, false))
    ), changed AS (
        UPDATE seat_week AS sw
           SET taken = sw.taken + summed.seats
          FROM summed
         WHERE sw.pool_id = summed.pool_id
           AND sw.week = summed.week
           AND NOT EXISTS (SELECT FROM lacking)
        RETURNING sw.week
    )
    SELECT (SELECT count(*) FROM changed) AS changed,
           (SELECT count(*) FROM summed) AS wanted,
           (SELECT coalesce(json_agg(json_build_array(listing_id, week) ORDER BY listing_id, week),
                            '[]') FROM lacking) AS lacking,
           ARRAY(SELECT DISTINCT other.listing_id
                   FROM summed JOIN listing_pool other ON other.pool_id = summed.pool_id) AS touched
    """
)


def take_all(
    session: Session, seats: Mapping[tuple[uuid.UUID, date], int]
) -> dict[uuid.UUID, list[date]]:
    """Take so many seats of each listing and week (a Monday), all of them or none.

    The weeks are locked in the order of every taker, so that two who want the same ones in whatever
    order never wait for each other in a ring. Returns the weeks that lack a seat, by listing: empty
    where all were taken. The caller has held the listings (`seats.hold_listings`).
    """
    places = sorted(seats)
    if not places or min(seats.values()) < 1:
        raise ValueError("seats to take are one or more, of one week at least")
    wanted = {
        "listings": [listing_id for listing_id, _ in places],
        "weeks": [week for _, week in places],
    }
    session.execute(_LOCK_WEEKS, wanted)
    row = session.execute(_TAKE_ALL, {**wanted, "seats": [seats[place] for place in places]}).one()
    lacking: dict[uuid.UUID, list[date]] = {}
    for listing_id, week in row.lacking:
        lacking.setdefault(uuid.UUID(listing_id), []).append(date.fromisoformat(week))
    if not lacking and row.changed != row.wanted:
        raise RuntimeError(f"{row.wanted} weeks were wanted, {row.changed} were taken")
    if not lacking:
        waking.seats_changed(session, row.touched)
    return lacking
