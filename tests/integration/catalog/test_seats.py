"""A week never has more seats taken than it has, whoever asks at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial

import pytest
from sqlalchemy import select

from marketplace.catalog.errors import CapacityBelowTaken, SeatsNotTaken, SeatTaken
from marketplace.catalog.models import SeatWeek
from marketplace.catalog.queries import seats as seat_queries
from marketplace.catalog.rules.weeks import run_of_weeks
from marketplace.catalog.service import calendars, pools, seats
from marketplace.catalog.service.importing import import_listings
from marketplace.core.errors import PreconditionFailed
from tests.conftest import NOW
from tests.integration.catalog.conftest import (
    AUTHOR,
    SHEET,
    Sold,
    listing_of,
    new_account,
)

FIRST = date(2027, 3, 1)
WEEKS = run_of_weeks(FIRST, 4)


def taken(session, listing):
    (pool,) = seat_queries.pools(session, listing.id)
    rows = session.execute(
        select(SeatWeek.week, SeatWeek.taken).where(SeatWeek.pool_id == pool.id, SeatWeek.taken > 0)
    )
    return {row.week: row.taken for row in rows}


def test_all_weeks_or_none(session, imported):
    listing = listing_of(session, "NYC-NEU-01")
    seats.take(session, listing.id, WEEKS[2:])
    with pytest.raises(SeatTaken) as refused:
        seats.take(session, listing.id, WEEKS)
    assert refused.value.extra["weeks"] == ["2027-03-15", "2027-03-22"]
    assert taken(session, listing) == dict.fromkeys(WEEKS[2:], 1)


def test_closed_weeks_and_weeks_outside_the_season_have_no_seat(session, imported):
    listing = listing_of(session, "CHI-IM-01")
    with pytest.raises(SeatTaken) as refused:
        seats.take(session, listing.id, [date(2027, 11, 15), date(2027, 11, 22)])
    assert refused.value.extra["weeks"] == ["2027-11-22"]
    with pytest.raises(SeatTaken):
        seats.take(session, listing.id, [date(2026, 12, 28)])


def test_seats_given_back_can_be_taken_again(session, imported):
    listing = listing_of(session, "NYC-NEU-01")
    seats.take(session, listing.id, WEEKS)
    seats.release(session, listing.id, WEEKS)
    assert taken(session, listing) == {}
    with pytest.raises(SeatsNotTaken):
        seats.release(session, listing.id, WEEKS)
    seats.take(session, listing.id, WEEKS)


def test_many_seats_given_back_at_once(session, imported):
    one, other = listing_of(session, "CHI-IM-01"), listing_of(session, "HOU-FM-01")
    for listing in (one, one, other):
        seats.take(session, listing.id, WEEKS[:2])
    seats.release_many(session, {(one.id, WEEKS[0]): 2, (other.id, WEEKS[0]): 1})
    assert taken(session, one) == {WEEKS[1]: 2}
    assert taken(session, other) == {WEEKS[1]: 1}


def test_a_lowered_capacity_is_refused_below_what_is_taken(session, imported):
    listing = listing_of(session, "CHI-IM-01")
    (pool,) = seat_queries.pools(session, listing.id)
    for _ in range(2):
        seats.take(session, listing.id, WEEKS[:1])
    with pytest.raises(CapacityBelowTaken) as refused, session.begin_nested():
        calendars.set_capacity(session, pool.id, WEEKS, 1, expected_version=1, author=AUTHOR)
    assert refused.value.extra["weeks"] == [
        {"pool_id": str(pool.id), "week": "2027-03-01", "taken": 2}
    ]
    set_to = partial(calendars.set_capacity, session, pool.id, WEEKS, author=AUTHOR)
    assert set_to(2, expected_version=1) == 2
    # What is so already is no edit.
    assert set_to(2, expected_version=2) == 2
    with pytest.raises(PreconditionFailed):
        set_to(5, expected_version=1)


def test_shared_seats_are_taken_from_every_pool(session, imported):
    one, other = listing_of(session, "NYC-PSY-01"), listing_of(session, "NYC-NEU-01")
    shared = pools.create(session, one.site_id, "Both preceptors")
    calendars.set_capacity(session, shared.id, WEEKS, 1, expected_version=1, author=AUTHOR)
    pools.share(session, one.site_id, shared.id, [one.id, other.id], AUTHOR, Sold())
    seats.take(session, one.id, WEEKS)
    with pytest.raises(SeatTaken):
        seats.take(session, other.id, WEEKS)
    seats.release(session, one.id, WEEKS)
    seats.take(session, other.id, WEEKS)


@pytest.mark.fault(1)
def test_forty_buyers_on_five_seats_take_exactly_five(live):
    with live.transaction() as session:
        owner = new_account(session)
        import_listings(session, SHEET, owner, True, NOW)
        listing = listing_of(session, "NYC-PSY-01")
    gate = threading.Barrier(40)

    def buy(number: int) -> bool:
        # Overlapping runs in turn, so that buyers meet in different weeks too.
        weeks = run_of_weeks(WEEKS[number % 2], 3)
        gate.wait()
        try:
            with live.transaction() as session:
                seats.take(session, listing.id, weeks)
        except SeatTaken:
            return False
        return True

    with ThreadPoolExecutor(40) as buyers:
        sold = sum(buyers.map(buy, range(40)))
    with live.transaction() as session:
        weeks = taken(session, listing)
    assert sold == 5
    assert max(weeks.values()) == 5
    assert sum(weeks.values()) == 3 * sold


@pytest.mark.fault(40)
def test_capacity_lowered_while_seats_are_taken_never_ends_below_them(live):
    with live.transaction() as session:
        owner = new_account(session)
        import_listings(session, SHEET, owner, True, NOW)
        listing = listing_of(session, "NYC-PSY-01")
        (pool,) = seat_queries.pools(session, listing.id)
    gate = threading.Barrier(11)

    def buy(_: int) -> None:
        gate.wait()
        try:
            with live.transaction() as session:
                seats.take(session, listing.id, WEEKS)
        except SeatTaken:
            return

    def lower(_: int) -> None:
        gate.wait()
        try:
            with live.transaction() as session:
                calendars.set_capacity(
                    session, pool.id, WEEKS, 2, expected_version=1, author=AUTHOR
                )
        except CapacityBelowTaken:
            return

    with ThreadPoolExecutor(11) as people:
        list(people.map(lambda n: lower(n) if n == 5 else buy(n), range(11)))
    with live.transaction() as session:
        rows = session.execute(
            select(SeatWeek.capacity, SeatWeek.taken).where(
                SeatWeek.pool_id == pool.id, SeatWeek.week.in_(WEEKS)
            )
        ).all()
    assert all(taken_ <= capacity for capacity, taken_ in rows)
    assert len({tuple(row) for row in rows}) == 1
