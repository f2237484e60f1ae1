"""Whatever is taken, given back, set, closed, shared and undone, in whatever order, no shared seat
is sold twice: the database against a model that counts by itself.
"""

from collections import Counter, defaultdict
from datetime import date

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from marketplace.catalog.errors import (
    CapacityBelowTaken,
    EditedSince,
    LastPool,
    SeatsShared,
    SeatTaken,
    WeeksInUse,
)
from marketplace.catalog.models import Listing, ListingPool, SeatWeek
from marketplace.catalog.queries import seats as seat_queries
from marketplace.catalog.queries.calendars import Scope, week_state
from marketplace.catalog.rules.edits import NO_SEATS, Action, WeekState
from marketplace.catalog.rules.weeks import run_of_weeks
from marketplace.catalog.service import calendars, pools, seats, undoing
from marketplace.catalog.service.importing import import_listings
from marketplace.core.errors import Invalid
from tests.conftest import NOW
from tests.integration.catalog.conftest import AUTHOR, SHEET, Sold, listing_of

FIRST = date(2027, 3, 1)
SEASON = run_of_weeks(FIRST, 5)
LISTINGS, POOLS = st.integers(0, 2), st.integers(0, 4)
firsts, lengths = st.integers(0, 3), st.integers(1, 3)


class Calendars(RuleBasedStateMachine):
    """Three listings of a site with a pool each and two pools between them."""

    session = None
    listings: list = []
    extra: list = []

    def __init__(self):
        super().__init__()
        self.example = self.session.begin_nested()
        self.sold = Sold()
        self.site_id = self.listings[0].site_id
        self.ids = [listing.id for listing in self.listings]
        self.links = defaultdict(set)
        for listing_id in self.ids:
            self.links[listing_id] = {p.id for p in seat_queries.pools(self.session, listing_id)}
        self.pools = [*(next(iter(self.links[one])) for one in self.ids), *self.extra]
        self.weeks = dict(self.rows()[0])
        self.closed = {listing_id: set() for listing_id in self.ids}
        self.edits = []

    def teardown(self):
        self.example.rollback()
        self.session.expire_all()

    def rows(self):
        found = self.session.execute(
            select(
                SeatWeek.pool_id,
                SeatWeek.week,
                SeatWeek.capacity,
                SeatWeek.closed_capacity,
                SeatWeek.taken,
            ).where(SeatWeek.pool_id.in_(self.pools), SeatWeek.week.in_(SEASON))
        ).all()
        states = {(r.pool_id, r.week): week_state(r.capacity, r.closed_capacity) for r in found}
        return states, {(r.pool_id, r.week): (r.capacity, r.taken) for r in found}

    def taken(self):
        return Counter(
            (pool, week)
            for listing_id, run in self.sold.runs
            for pool in self.links[listing_id]
            for week in run
        )

    def run(self, first, count):
        return SEASON[first : first + count]

    @rule(which=LISTINGS, first=firsts, count=lengths)
    def take(self, which, first, count):
        listing_id, weeks = self.ids[which], self.run(first, count)
        taken = self.taken()
        free = all(
            taken[pool, week] < self.weeks.get((pool, week), NO_SEATS).capacity
            for pool in self.links[listing_id]
            for week in weeks
        )
        if free and not self.closed[listing_id] & set(weeks):
            seats.take(self.session, listing_id, weeks)
            self.sold.runs.append((listing_id, weeks))
        else:
            with pytest.raises(SeatTaken):
                seats.take(self.session, listing_id, weeks)

    @rule(place=st.integers(0, 20))
    def release(self, place):
        if self.sold.runs:
            listing_id, weeks = self.sold.runs.pop(place % len(self.sold.runs))
            seats.release(self.session, listing_id, weeks)

    @rule(
        which=POOLS,
        first=firsts,
        count=lengths,
        action=st.sampled_from(Action),
        number=st.integers(-2, 4),
    )
    def edit_pool(self, which, first, count, action, number):
        self.edit(Scope(self.site_id, self.pools[which]), [self.pools[which]], first, count,
                  action, number)  # fmt: skip

    @rule(which=LISTINGS, first=firsts, count=lengths, number=st.integers(-2, 4))
    def edit_listings_seats(self, which, first, count, number):
        listing_id = self.ids[which]
        drawn = Counter(pool for links in self.links.values() for pool in links)
        own = sorted(pool for pool in self.links[listing_id] if drawn[pool] == 1)
        scope = Scope(self.site_id, listing_id=listing_id)
        if own:
            self.edit(scope, own, first, count, Action.ADD, number)
        else:
            with pytest.raises(SeatsShared):
                self.carry(scope, Action.ADD, self.run(first, count), number)

    def edit(self, scope, concerned, first, count, action, number):
        weeks = self.run(first, count)
        before = {
            (pool, week): self.weeks.get((pool, week), NO_SEATS)
            for pool in concerned
            for week in weeks
        }
        after = {place: self.after(action, number, state) for place, state in before.items()}
        taken = self.taken()
        if any(state.seats < 0 for state in after.values()):
            errors = [Invalid]
        elif any(taken[place] > state.capacity for place, state in after.items()):
            errors = [CapacityBelowTaken, WeeksInUse]
        else:
            edit_id = self.carry(scope, action, weeks, number)
            assert (edit_id is not None) == (before != after)
            self.weeks.update(after)
            if edit_id:
                self.edits.append((edit_id, before, after))
            return
        with pytest.raises(tuple(errors)), self.session.begin_nested():
            self.carry(scope, action, weeks, number)

    def after(self, action, number, state):
        return {
            Action.SET: WeekState(number, state.closed),
            Action.ADD: WeekState(state.seats + number, state.closed),
            Action.CLOSE: WeekState(state.seats, True),
            Action.OPEN: WeekState(state.seats, False),
        }[action]

    def carry(self, scope, action, weeks, number=0):
        wish = calendars.Wish(action, weeks, number)
        held = calendars.hold(self.session, scope, calendars.weeks_to_hold(scope, wish))
        plan = calendars.plan(self.session, held, wish, self.sold)
        return calendars.carry_out(self.session, held, wish, plan, AUTHOR).edit_id

    @rule(which=LISTINGS, first=firsts, count=lengths, close=st.booleans())
    def close_or_open_for_a_listing(self, which, first, count, close):
        listing_id, weeks = self.ids[which], self.run(first, count)
        scope = Scope(self.site_id, listing_id=listing_id)
        used = {week for one, run in self.sold.runs if one == listing_id for week in run}
        if close and used & set(weeks) - self.closed[listing_id]:
            with pytest.raises(WeeksInUse), self.session.begin_nested():
                self.carry(scope, Action.CLOSE, weeks)
        else:
            self.carry(scope, Action.CLOSE if close else Action.OPEN, weeks)
            self.closed[listing_id] ^= self.closed[listing_id] & set(weeks)
            self.closed[listing_id] |= set(weeks) if close else set()

    @rule(which=LISTINGS, pool=POOLS, alone=st.booleans())
    def share(self, which, pool, alone):
        listing_id, pool_id = self.ids[which], self.pools[pool]
        arguments = (self.session, self.site_id, pool_id, [listing_id], AUTHOR, self.sold)
        used = Counter(w for one, run in self.sold.runs if one == listing_id for w in run)
        taken = self.taken()
        fits = pool_id in self.links[listing_id] or all(
            taken[pool_id, week] + count <= self.weeks.get((pool_id, week), NO_SEATS).capacity
            for week, count in used.items()
        )
        if fits:
            pools.share(*arguments, alone=alone)
            self.links[listing_id] = (set() if alone else self.links[listing_id]) | {pool_id}
        else:
            with pytest.raises(CapacityBelowTaken), self.session.begin_nested():
                pools.share(*arguments, alone=alone)

    @rule(which=LISTINGS, pool=POOLS)
    def unshare(self, which, pool):
        listing_id, pool_id = self.ids[which], self.pools[pool]
        arguments = (self.session, self.site_id, pool_id, listing_id, AUTHOR, self.sold)
        if self.links[listing_id] == {pool_id}:
            with pytest.raises(LastPool), self.session.begin_nested():
                pools.unshare(*arguments)
        else:
            pools.unshare(*arguments)
            self.links[listing_id] -= {pool_id}

    @rule()
    def undo_the_last_edit(self):
        if not self.edits:
            return
        edit_id, before, after = self.edits.pop()
        arguments = (self.session, self.site_id, edit_id, AUTHOR, self.sold)
        taken = self.taken()
        changed = [place for place in after if before[place] != after[place]]
        if any(self.weeks[place] != after[place] for place in changed):
            errors = [EditedSince]
        elif any(taken[place] > before[place].capacity for place in changed):
            errors = [CapacityBelowTaken, WeeksInUse]
        else:
            undoing.undo(*arguments, commit=True)
            self.weeks.update({place: before[place] for place in changed})
            return
        with pytest.raises(tuple(errors)), self.session.begin_nested():
            undoing.undo(*arguments, commit=True)

    @invariant()
    def the_database_is_as_the_model_says(self):
        states, rows = self.rows()
        taken = self.taken()
        for place, (capacity, found) in rows.items():
            assert states[place] == self.weeks.get(place, NO_SEATS)
            assert found == taken[place]
            assert found <= capacity
        assert set(taken) <= set(rows)
        pairs = self.session.execute(
            select(ListingPool.listing_id, ListingPool.pool_id).where(
                ListingPool.listing_id.in_(self.ids)
            )
        )
        assert {tuple(row) for row in pairs} == {
            (listing_id, pool) for listing_id in self.ids for pool in self.links[listing_id]
        }
        closed = self.session.execute(
            select(Listing.id, Listing.blackout_weeks).where(Listing.id.in_(self.ids))
        )
        assert {row[0]: set(row[1]) & set(SEASON) for row in closed} == self.closed


def test_no_shared_seat_is_sold_twice(session, owner, imported):
    Calendars.session = session
    Calendars.listings = [listing_of(session, one) for one in ("NYC-PSY-01", "NYC-NEU-01")]
    site_id = Calendars.listings[0].site_id
    assert Calendars.listings[1].site_id == site_id
    Calendars.listings.append(another(session, owner))
    Calendars.extra = []
    for name in ("One preceptor", "The ward"):
        pool = pools.create(session, site_id, name)
        calendars.set_capacity(session, pool.id, SEASON, 2, expected_version=1, author=AUTHOR)
        Calendars.extra.append(pool.id)
    run_state_machine_as_test(
        Calendars,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def another(session, owner):
    """A third listing at the site: one preceptor's elective beside the externship."""
    lines = SHEET.decode().splitlines(keepends=True)
    row = next(line for line in lines if line.startswith("NYC-NEU-01"))
    sheet = lines[0] + row.replace("NYC-NEU-01", "NYC-NEU-02")
    import_listings(session, sheet, owner, True, NOW)
    return listing_of(session, "NYC-NEU-02")
