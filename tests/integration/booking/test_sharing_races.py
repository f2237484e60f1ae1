"""Sharing, closing, booking and giving up at once: every pool counts exactly the seats in use."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import select, text

from marketplace.booking import queries
from marketplace.booking.service import applications
from marketplace.booking.service.holders import BookedSeats
from marketplace.catalog.errors import CapacityBelowTaken, SeatTaken, WeeksInUse
from marketplace.catalog.models import SeatWeek
from marketplace.catalog.queries.calendars import Scope
from marketplace.catalog.rules.edits import Action
from marketplace.catalog.rules.weeks import run_of_weeks
from marketplace.catalog.service import calendars, pools
from marketplace.catalog.service.edit_records import Author
from tests.factories.rotations import FIRST_DAY

WEEKS = run_of_weeks(FIRST_DAY, 4)
SEATS = 3
HOLDERS = BookedSeats()


def author(stage):
    return Author(None, stage.now, "At once.")


def share(stage, place, pool_id, *, alone=True):
    """Whether the listing draws on the pool now: it may be too small for its bookings."""
    try:
        with stage.transaction() as session:
            pools.share(session, place.site_id, pool_id, [place.listing_id], author(stage),
                        HOLDERS, alone=alone)  # fmt: skip
    except CapacityBelowTaken:
        return False
    return True


def hold(stage, trainee, place):
    try:
        return stage.hold(trainee, place)
    except SeatTaken:
        return None


def give_up(stage, booking_id):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        applications.withdraw(session, booking, reason="", now=stage.now)


def edit(stage, place, action, seats=0, *, pool_id=None):
    """Whether the edit was made: seats that are taken stand against it."""
    scope = Scope(place.site_id, pool_id, None if pool_id else place.listing_id)
    try:
        with stage.transaction() as session:
            wish = calendars.Wish(action, WEEKS, seats)
            held = calendars.hold(session, scope, calendars.weeks_to_hold(scope, wish))
            plan = calendars.plan(session, held, wish, HOLDERS)
            calendars.carry_out(session, held, wish, plan, author(stage))
    except (CapacityBelowTaken, WeeksInUse):
        return False
    return True


@pytest.mark.fault(1)
@pytest.mark.fault(40)
@pytest.mark.parametrize("seed", range(3))
def test_every_pool_counts_the_seats_in_use_whatever_runs_at_once(live_stage, seed):
    stage, chance = live_stage, random.Random(seed)
    one = stage.place(seats_per_week=SEATS)
    other = stage.beside(one, seats_per_week=SEATS)
    with stage.transaction() as session:
        common = pools.create(session, one.site_id, "One preceptor").id
        calendars.set_capacity(session, common, WEEKS, SEATS, expected_version=1,
                               author=author(stage))  # fmt: skip
    trainees = [stage.trainee() for _ in range(16)]
    before = [stage.hold(trainee, place) for trainee, place in zip(trainees[:4], (one, other) * 2,
                                                                   strict=True)]  # fmt: skip
    acts = [
        *(lambda trainee=trainee: hold(stage, trainee, chance.choice((one, other)))
          for trainee in trainees[4:]),
        *(lambda booking=booking: give_up(stage, booking) for booking in before),
        *(lambda place=place, pool=pool: share(stage, place, pool)
          for place in (one, other) for pool in (common, one.pool_id, other.pool_id)),
        *(lambda place=place: share(stage, place, common, alone=False) for place in (one, other)),
        lambda: edit(stage, one, Action.SET, 1, pool_id=common),
        lambda: edit(stage, one, Action.SET, SEATS, pool_id=common),
    ]  # fmt: skip
    chance.shuffle(acts)
    gate = threading.Barrier(len(acts))

    def run(act):
        gate.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as everybody:
        list(everybody.map(run, acts))
    assert stage.findings() == []
    with stage.transaction() as session:
        rows = session.execute(select(SeatWeek.capacity, SeatWeek.taken)).all()
        pairs = session.execute(text("SELECT count(*) FROM listing_pool")).scalar_one()
    assert all(taken <= capacity for capacity, taken in rows)
    assert pairs >= 2


@pytest.mark.fault(1)
@pytest.mark.parametrize("seed", range(3))
def test_no_seat_is_taken_in_a_week_that_is_being_closed(live_stage, seed):
    stage = live_stage
    place = stage.place(seats_per_week=SEATS)
    trainees = [stage.trainee() for _ in range(8)]
    gate = threading.Barrier(9)
    answers = {}

    def book(number):
        gate.wait()
        answers[number] = hold(stage, trainees[number], place)

    def close(_):
        gate.wait()
        answers["closed"] = edit(stage, place, Action.CLOSE)

    with ThreadPoolExecutor(9) as everybody:
        list(everybody.map(lambda n: close(n) if n == 4 + seed else book(n - (n > 4 + seed)),
                           range(9)))  # fmt: skip
    taken = stage.taken(place)
    held = [answer for key, answer in answers.items() if key != "closed" and answer]
    assert not (answers["closed"] and held), "a seat in a closed week"
    assert answers["closed"] or held
    assert taken == ({week: len(held) for week in WEEKS} if held else {})
    assert stage.findings() == []


def test_a_seat_given_up_while_it_moves_is_free_in_the_new_pool(live_stage):
    """The release was under way before the listing moved: it waits, and gives back where it is."""
    stage = live_stage
    one = stage.place(seats_per_week=1)
    other = stage.beside(one, seats_per_week=1)
    booking_id = stage.hold(stage.trainee(), one)
    moved = threading.Event()
    with ThreadPoolExecutor(1) as helper, stage.transaction() as session:
        booking = queries.find(session, booking_id)
        applications.withdraw(session, booking, reason="", now=stage.now)
        future = helper.submit(lambda: (share(stage, one, other.pool_id), moved.set()))
        assert not moved.wait(0.3), "the move waits for the release"
        session.commit()
        future.result(10)
    assert stage.taken(one) == {}
    assert stage.taken(other) == {}
    assert stage.findings() == []
    assert stage.hold(stage.trainee(), one)
    assert stage.taken(other)[date(2027, 3, 1)] == 1
