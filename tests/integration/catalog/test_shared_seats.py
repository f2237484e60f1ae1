"""Whatever is taken, given back and changed, in whatever order, no shared seat is sold twice."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from marketplace.catalog.errors import CapacityBelowTaken, SeatTaken
from marketplace.catalog.models import SeatPool, SeatWeek
from marketplace.catalog.queries import seats as seat_queries
from marketplace.catalog.rules.weeks import run_of_weeks
from marketplace.catalog.service import seats
from tests.integration.catalog.conftest import listing_of

FIRST = date(2027, 3, 1)
SEASON = run_of_weeks(FIRST, 5)
step = st.one_of(
    st.tuples(st.just("take"), st.integers(0, 1), st.integers(0, 3), st.integers(1, 2)),
    st.tuples(st.just("release"), st.integers(0, 20)),
    st.tuples(st.just("capacity"), st.integers(0, 2), st.integers(0, 3), st.integers(0, 4)),
)


class Model:
    """What must be so: for each pool and week its capacity, and the runs that were sold."""

    def __init__(self, session, listings):
        self.session, self.listings = session, listings
        self.pools = [[p.id for p in seat_queries.pools(session, x.id)] for x in listings]
        self.every_pool = sorted({pool for pools in self.pools for pool in pools})
        rows = self.rows()
        self.capacity = {key: capacity for key, (capacity, _) in rows.items()}
        self.sold = []

    def rows(self):
        found = self.session.execute(
            select(SeatWeek.pool_id, SeatWeek.week, SeatWeek.capacity, SeatWeek.taken).where(
                SeatWeek.pool_id.in_(self.every_pool), SeatWeek.week.in_(SEASON)
            )
        )
        return {(row.pool_id, row.week): (row.capacity, row.taken) for row in found}

    def taken(self):
        return Counter(
            (pool, week)
            for which, weeks in self.sold
            for pool in self.pools[which]
            for week in weeks
        )

    def take(self, which, first, count):
        weeks = SEASON[first : first + count]
        taken = self.taken()
        keys = [(pool, week) for pool in self.pools[which] for week in weeks]
        if all(taken[key] < self.capacity[key] for key in keys):
            seats.take(self.session, self.listings[which].id, weeks)
            self.sold.append((which, weeks))
        else:
            with pytest.raises(SeatTaken):
                seats.take(self.session, self.listings[which].id, weeks)

    def release(self, place):
        if self.sold:
            which, weeks = self.sold.pop(place % len(self.sold))
            seats.release(self.session, self.listings[which].id, weeks)

    def set_capacity(self, which, first, capacity):
        pool = self.every_pool[which % len(self.every_pool)]
        weeks = SEASON[first : first + 2]
        version = self.session.scalar(select(SeatPool.version).where(SeatPool.id == pool))
        taken = self.taken()
        if any(taken[pool, week] > capacity for week in weeks):
            with pytest.raises(CapacityBelowTaken), self.session.begin_nested():
                seats.set_capacity(self.session, pool, weeks, capacity, expected_version=version)
        else:
            seats.set_capacity(self.session, pool, weeks, capacity, expected_version=version)
            self.capacity.update({(pool, week): capacity for week in weeks})

    def check(self):
        taken = self.taken()
        for key, (capacity, found) in self.rows().items():
            assert (capacity, found) == (self.capacity[key], taken[key])
            assert found <= capacity


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(step, max_size=25))
def test_no_shared_seat_is_sold_twice(session, shared, steps):
    with session.begin_nested() as example:
        model = Model(session, shared)
        for name, *arguments in steps:
            {"take": model.take, "release": model.release, "capacity": model.set_capacity}[name](
                *arguments
            )
            model.check()
        example.rollback()
    session.expire_all()


@pytest.fixture
def shared(session, imported):
    """Two listings of one site with calendars of their own and one between them."""
    listings = [listing_of(session, "NYC-PSY-01"), listing_of(session, "NYC-NEU-01")]
    pool = seats.new_pool(session, listings[0].site_id, "One preceptor")
    seats.set_capacity(session, pool.id, SEASON, 2, expected_version=1)
    for listing in listings:
        seats.draw_on(session, listing.id, pool.id)
    return listings
