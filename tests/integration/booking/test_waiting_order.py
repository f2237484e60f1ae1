"""In which order seats are offered: strict among wishes that could be met, and nothing stands empty.

Wishes for the same weeks are met in the order of joining, always. One whose weeks are not all free
keeps its place and may be overtaken by one that needs fewer.
"""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.booking.errors import AlreadyBookedThen
from marketplace.booking.rules.waiting import Turn, places, turns
from marketplace.booking.service import offering
from marketplace.catalog.errors import SeatTaken
from marketplace.catalog.service import pools, publishing
from marketplace.catalog.states import ListingState
from marketplace.identity import queries as identity
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.test_sharing_races import HOLDERS, author, share
from tests.integration.booking.test_waiting import answer, ask, join, seen, state, withdraw

WEEK = timedelta(days=7)
LISTING, POOL = UUID(int=1), UUID(int=2)
WISHES = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4)), min_size=1, max_size=8)
FREE = st.lists(st.integers(0, 2), min_size=8, max_size=8)


def test_a_longer_wish_is_overtaken_only_where_its_own_weeks_are_not_free(stage):
    place = stage.place()
    early = stage.hold(stage.trainee(), place, FIRST_DAY, 2)
    late = stage.hold(stage.trainee(), place, FIRST_DAY + WEEK * 2, 2)
    long, short = stage.trainee("Long"), stage.trainee("Short")
    first = join(stage, long, place, FIRST_DAY, 4)
    second = join(stage, short, place, FIRST_DAY, 2)
    assert [seen(stage, one)[1] for one in (first, second)] == [1, 2]
    withdraw(stage, early)
    assert ask(stage, place) == 1
    assert (state(stage, first), state(stage, second)) == ("waiting", "offered")
    # The place in the line is kept: when the seat comes back, and the rest with it, it is theirs.
    assert seen(stage, first)[1] == 1
    withdraw(stage, late)
    assert ask(stage, place) == 0
    answer(stage, second, accept=False)
    assert ask(stage, place) == 1
    assert state(stage, first) == "offered"
    assert stage.findings() == []


def test_a_longer_wish_whose_weeks_are_free_goes_first(stage):
    place = stage.place()
    whole = stage.hold(stage.trainee(), place, FIRST_DAY, 4)
    first = join(stage, stage.trainee("Long"), place, FIRST_DAY, 4)
    second = join(stage, stage.trainee("Short"), place, FIRST_DAY, 1)
    third = join(stage, stage.trainee("Late"), place, FIRST_DAY + WEEK * 3, 1)
    withdraw(stage, whole)
    assert ask(stage, place) == 1
    assert [state(stage, one) for one in (first, second, third)] == [
        "offered",
        "waiting",
        "waiting",
    ]


@given(WISHES, FREE)
def test_nobody_is_passed_over_who_could_be_served(wishes, free_weeks):
    """For any line and any seats: an earlier wish that is passed over lacks a week at that moment."""
    waiting = [
        Turn(UUID(int=100 + number), number, LISTING, FIRST_DAY + WEEK * start, weeks)
        for number, (start, weeks) in enumerate(wishes)
    ]
    free = {(POOL, FIRST_DAY + WEEK * number): seats for number, seats in enumerate(free_weeks)}
    served: list[Turn] = []
    for turn in turns(waiting, {LISTING: [POOL]}, {}, free):
        for before in waiting[: turn.number]:
            if before not in served:
                assert any(free.get(one, 0) < 1 for one in places(before, [POOL]))
                assert before.mondays != turn.mondays
        for one in places(turn, [POOL]):
            free[one] -= 1
        served.append(turn)
    assert all(seats >= 0 for seats in free.values())
    # What is left is of no use to anybody who was not served.
    left = [turn for turn in waiting if turn not in served]
    assert all(any(free.get(one, 0) < 1 for one in places(turn, [POOL])) for turn in left)


def test_the_order_of_joining_holds_for_the_same_weeks_whatever_happened_between(stage):
    place = stage.place()
    whole = stage.hold(stage.trainee(), place, FIRST_DAY, 2)
    line = [join(stage, stage.trainee(str(n)), place, FIRST_DAY, 2) for n in range(3)]
    assert [seen(stage, one)[1] for one in line] == [1, 2, 3]
    withdraw(stage, whole)
    for one in line:
        assert ask(stage, place) <= 1
        assert state(stage, one) == "offered"
        assert seen(stage, one)[2].first_day == date(2027, 3, 1)
        answer(stage, one, accept=False)
    assert stage.findings() == []


def test_nobody_waits_for_a_seat_that_is_theirs(stage):
    place, asha = stage.place(), stage.trainee()
    own = stage.confirmed(place, asha)
    for first_day in (FIRST_DAY, FIRST_DAY + 2 * WEEK):
        with pytest.raises(AlreadyBookedThen) as refused:
            join(stage, asha, place, first_day)
        assert refused.value.extra["booking_id"] == str(own)
    # A seat elsewhere is something to fall back on.
    elsewhere, ben = stage.place(), stage.trainee()
    stage.confirmed(elsewhere, ben)
    join(stage, ben, place)


def test_seats_that_are_shared_no_more_go_to_the_list_first(stage):
    place = stage.place()
    other = stage.beside(place)
    assert share(stage, other, place.pool_id)
    stage.hold(stage.trainee(), place)
    entry = join(stage, stage.trainee(), other)
    # The line that it had before has a free seat in these weeks.
    with stage.transaction() as session:
        pools.give_back(session, place.site_id, place.pool_id, author(stage), HOLDERS)
    assert stage.taken(place)[FIRST_DAY] == 1
    with pytest.raises(SeatTaken):
        stage.hold(stage.trainee(), other)
    ask(stage, other)
    assert state(stage, entry) == "offered"
    assert stage.findings() == []


def test_who_waits_at_a_listing_that_is_retired_is_told(stage, mail, run_jobs):
    place = stage.place()
    stage.hold(stage.trainee(), place)
    trainee = stage.trainee()
    entry = join(stage, trainee, place)
    with stage.transaction() as session:
        facts = identity.contact(session, trainee)
        for to in (ListingState.PAUSED, ListingState.RETIRED):
            publishing.take_off(session, place.listing_id, to, place.owner_id, "Moved.", stage.now)
    with stage.transaction() as session:
        assert offering.close_retired(session, stage.now, 100) == 1
        assert offering.close_retired(session, stage.now, 100) == 0
    assert state(stage, entry) == "closed"
    run_jobs()
    assert any("No longer on the waiting list" in one.subject for one in mail.to(facts.email))
