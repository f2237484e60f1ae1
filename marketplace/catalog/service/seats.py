"""Taking and giving back seats: a seat in every week and every pool of a listing, or none at all.

The listing is held first, against a change of its pools or closed weeks; then one statement locks
the weeks it wants in the order of pool and week, so that two of them never wait for each other, and
changes them only if all of them can be changed. That a week never has more seats taken than it has
is held by a constraint besides.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.catalog.errors import CapacityBelowTaken, PoolsFixed, SeatsNotTaken, SeatTaken
from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import ListingPool, SeatPool, SeatWeek
from marketplace.catalog.queries import listings
from marketplace.catalog.rules.weeks import is_monday
from marketplace.catalog.service import holding, waking
from marketplace.core.db import Session, affected
from marketplace.core.errors import Invalid, PreconditionFailed
from marketplace.core.ids import new_id

MOST_WEEKS_AT_ONCE = 520

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
           SET taken = sw.taken + 1
          FROM wanted
         WHERE sw.pool_id = wanted.pool_id
           AND sw.week = wanted.week
           AND sw.taken < sw.capacity
           AND (SELECT count(*) FROM wanted WHERE taken < capacity)
             = (SELECT pools FROM needed) * cardinality(:weeks)
        RETURNING sw.week
    )
    SELECT (SELECT count(*) FROM changed) AS changed,
           (SELECT pools FROM needed) AS pools,
           ARRAY(SELECT week FROM wanted WHERE taken < capacity
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
        RETURNING sw.week
    )
    SELECT (SELECT count(*) FROM changed) AS changed, (SELECT count(*) FROM given) AS wanted,
           ARRAY(SELECT DISTINCT other.listing_id
                   FROM given JOIN listing_pool other ON other.pool_id = given.pool_id) AS touched
    """
)


def take(session: Session, listing_id: uuid.UUID, weeks: Sequence[date]) -> None:
    """Take a seat in each of `weeks` (Mondays); `SeatTaken` names those without one.

    Nothing is taken where it raises. Whether the listing is open for booking is the caller's
    question: see `queries.listing_for_booking`.
    """
    wanted = sorted(set(weeks))
    if not wanted or len(wanted) != len(weeks):
        raise ValueError("weeks to take are one or more, each once")
    session.execute(_HOLD_LISTINGS, {"listings": [listing_id]})
    row = session.execute(_TAKE, {"listing": listing_id, "weeks": wanted}).one()
    if row.pools and row.changed == row.pools * len(wanted):
        waking.seats_changed(session, row.touched)
        return
    gone = [week for week in wanted if week not in set(row.free)]
    named = ", ".join(week.isoformat() for week in gone)
    raise SeatTaken(
        f"No seat is left in the week of {named}.",
        extra={"weeks": [week.isoformat() for week in gone]},
    )


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


def set_capacity(
    session: Session,
    pool_id: uuid.UUID,
    weeks: Sequence[date],
    capacity: int,
    *,
    expected_version: int,
    holders: SeatHolders | None = None,
) -> int:
    """Give a pool `capacity` seats in each of `weeks`; returns the pool's new version.

    `PreconditionFailed` if somebody edited the pool since `expected_version`;
    `CapacityBelowTaken`, naming the weeks and (by `holders`) the bookings, if more seats are taken
    than would be left.
    """
    wanted = sorted(set(weeks))
    if not wanted or len(wanted) > MOST_WEEKS_AT_ONCE or not all(map(is_monday, wanted)):
        raise Invalid(
            f"Name from 1 to {MOST_WEEKS_AT_ONCE} weeks by their Mondays.",
            fields={"weeks": ["These are not Mondays, or too many, or none."]},
        )
    touched = affected(
        session,
        update(SeatPool)
        .where(SeatPool.id == pool_id, SeatPool.version == expected_version)
        .values(version=SeatPool.version + 1),
    )
    if not touched:
        raise PreconditionFailed
    statement = upsert(SeatWeek).values(
        [{"pool_id": pool_id, "week": week, "capacity": capacity, "taken": 0} for week in wanted]
    )
    changed = session.execute(
        statement.on_conflict_do_update(
            index_elements=[SeatWeek.pool_id, SeatWeek.week],
            set_={"capacity": statement.excluded.capacity},
            where=SeatWeek.taken <= statement.excluded.capacity,
        ).returning(SeatWeek.week)
    ).all()
    if len(changed) != len(wanted):
        raise _below_taken(session, pool_id, wanted, capacity, holders)
    waking.pools_changed(session, [pool_id])
    return expected_version + 1


def _below_taken(
    session: Session,
    pool_id: uuid.UUID,
    weeks: Sequence[date],
    capacity: int,
    holders: SeatHolders | None,
) -> CapacityBelowTaken:
    rows = session.execute(
        select(SeatWeek.week, SeatWeek.taken)
        .where(SeatWeek.pool_id == pool_id, SeatWeek.week.in_(weeks), SeatWeek.taken > capacity)
        .order_by(SeatWeek.week)
    ).all()
    named = ", ".join(f"{week} ({taken} taken)" for week, taken in rows)
    found = holding.of_pools(session, [pool_id], [week for week, _ in rows], holders)
    by = f" By {holding.named(found)}." if found else ""
    return CapacityBelowTaken(
        f"{capacity} seats are fewer than are taken in the week of {named}.{by}",
        extra={
            "weeks": [{"week": week.isoformat(), "taken": taken} for week, taken in rows],
            "bookings": holding.as_json(found),
        },
    )


def draw_on(session: Session, listing_id: uuid.UUID, pool_id: uuid.UUID) -> None:
    """Have a listing draw on another pool too, such as its preceptor's; twice is once.

    Only before its first publication: seats that are taken are given back to the pools that they
    were taken from, so a listing with bookings keeps its pools. Raises `PoolsFixed`.
    """
    listing = listings.locked(session, listing_id)
    if listing.first_published_at is not None:
        raise PoolsFixed
    pool = session.get(SeatPool, pool_id)
    if pool is None or pool.site_id != listing.site_id:
        raise Invalid(
            "The pool belongs to another site.", fields={"pool_id": ["Not of this site."]}
        )
    session.execute(
        upsert(ListingPool).values(listing_id=listing_id, pool_id=pool_id).on_conflict_do_nothing()
    )


def new_pool(session: Session, site_id: uuid.UUID, name: str) -> SeatPool:
    """A pool without seats yet, to be shared by listings of a site."""
    pool = SeatPool(id=new_id(), site_id=site_id, name=name, version=1)
    session.add(pool)
    session.flush()
    return pool
