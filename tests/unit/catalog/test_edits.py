"""Edits of calendars, before anything is changed: which weeks, what they become, how they are kept."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalog.rules import edits
from marketplace.catalog.rules.edits import NO_SEATS, Action, Run, WeekState
from marketplace.catalog.rules.holidays import holidays_in
from marketplace.catalog.rules.weeks import WEEK

JUNE, AUGUST = date(2027, 6, 7), date(2027, 8, 30)
states = st.builds(WeekState, st.integers(0, 5), st.booleans())
calendars = st.dictionaries(st.integers(0, 20).map(lambda n: JUNE + n * WEEK), states, max_size=12)


def test_every_week_or_every_nth_from_monday_to_monday():
    assert len(edits.chosen(JUNE, AUGUST)) == 13
    assert edits.chosen(JUNE, AUGUST, 5) == [JUNE, date(2027, 7, 12), date(2027, 8, 16)]
    assert edits.chosen(JUNE, JUNE, 9) == [JUNE]


@pytest.mark.parametrize(
    ("first", "last", "every", "said"),
    [
        (date(2027, 6, 8), AUGUST, 1, "2027-06-08 is not a Monday: 2027-06-07 or 2027-06-14"),
        (JUNE, date(2027, 8, 29), 1, "not a Monday"),
        (AUGUST, JUNE, 1, "before the first"),
        (JUNE, JUNE + 105 * WEEK, 1, "At most 105 weeks"),
        (JUNE, AUGUST, 0, "Every week, or every second"),
    ],
)
def test_weeks_that_can_not_be_chosen(first, last, every, said):
    with pytest.raises(ValueError, match=said):
        edits.chosen(first, last, every)


def test_a_closed_week_keeps_its_number_and_has_no_seat():
    closed = edits.after(Action.CLOSE, 0, WeekState(3))
    assert (closed.seats, closed.capacity) == (3, 0)
    assert edits.after(Action.ADD, 2, closed) == WeekState(5, closed=True)
    assert edits.after(Action.OPEN, 0, closed).capacity == 3
    for action, number in ((Action.ADD, -4), (Action.SET, -1), (Action.SET, 1001)):
        with pytest.raises(ValueError, match="from 0 to 1000 seats"):
            edits.after(action, number, WeekState(3))


@given(calendars, calendars)
def test_runs_say_exactly_what_changes_and_are_kept_as_they_are(before, after):
    found = edits.runs(before, after)
    told = {week: (run.before, run.after) for week, run in edits.weeks_of(found).items()}
    assert told == {
        week: (before.get(week, NO_SEATS), state)
        for week, state in after.items()
        if before.get(week, NO_SEATS) != state
    }
    for run, following in itertools.pairwise(found):
        joined = (run.before, run.after) == (following.before, following.after)
        assert not (joined and following.first_week == run.last_week + WEEK)
    assert edits.from_json(edits.to_json(found)) == found


def test_a_run_may_be_longer_than_what_one_edit_may_name():
    weeks = [JUNE + number * WEEK for number in range(200)]
    (found,) = edits.runs({}, dict.fromkeys(weeks, WeekState(2)))
    assert list(edits.weeks_of([found])) == weeks


def test_what_is_kept_names_mondays_and_states():
    run = Run(JUNE, AUGUST, WeekState(2), WeekState(2, closed=True))
    assert edits.to_json([run]) == [
        {"first_week": "2027-06-07", "last_week": "2027-08-30",
         "before": {"seats": 2, "closed": False}, "after": {"seats": 2, "closed": True}}
    ]  # fmt: skip


def test_holidays_of_the_country_and_the_state_lie_in_their_weeks():
    found = holidays_in("US", "LA", date(2027, 1, 4), date(2027, 12, 27))
    named = {day.name: (week, day) for week, days in found.items() for day in days}
    week, mardi_gras = named["Mardi Gras"]
    assert (mardi_gras.kind, mardi_gras.day - week) == ("state", timedelta(days=1))
    # A federal holiday that the state does not keep is one all the same.
    assert named["Columbus Day"][1].kind == "federal"
    # On a Sunday, and observed on the Monday: both weeks.
    assert named["Independence Day"][0] == date(2027, 6, 28)
    assert named["Independence Day (observed)"][0] == date(2027, 7, 5)
    assert all(week.weekday() == 0 for week in found)
    assert holidays_in("XX", "LA", JUNE, AUGUST) == {}
    assert {
        day.kind for days in holidays_in("US", "XX", JUNE, AUGUST).values() for day in days
    } == {"federal"}
