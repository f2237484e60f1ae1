"""The days of a rotation and the weeks of a roster."""

from datetime import date

import pytest

from marketplace.booking.rules.rotation import Rotation, keeps_begun_weeks, roster_weeks
from marketplace.booking.states import BookingState

FOUR_WEEKS = Rotation(date(2027, 2, 1), 4)


def test_a_rotation_is_whole_weeks():
    assert FOUR_WEEKS.mondays == [
        date(2027, 2, 1),
        date(2027, 2, 8),
        date(2027, 2, 15),
        date(2027, 2, 22),
    ]
    assert FOUR_WEEKS.last_day == date(2027, 2, 28)


def test_attendance_is_marked_for_days_that_have_come():
    today = date(2027, 2, 10)
    assert FOUR_WEEKS.can_be_marked(date(2027, 2, 1), today)
    assert FOUR_WEEKS.can_be_marked(today, today)
    assert not FOUR_WEEKS.can_be_marked(date(2027, 2, 11), today)
    assert not FOUR_WEEKS.can_be_marked(date(2027, 1, 31), today)
    assert not FOUR_WEEKS.can_be_marked(date(2027, 3, 1), date(2027, 4, 1))


def test_it_is_completed_from_its_last_friday_on():
    assert not FOUR_WEEKS.can_be_completed(date(2027, 2, 25))
    assert FOUR_WEEKS.can_be_completed(date(2027, 2, 26))


def test_only_a_rotation_that_had_begun_keeps_weeks():
    assert keeps_begun_weeks(BookingState.IN_PROGRESS, BookingState.CANCELLED_BY_HOST)
    assert keeps_begun_weeks(BookingState.IN_PROGRESS, BookingState.NO_SHOW)
    assert not keeps_begun_weeks(BookingState.CONFIRMED, BookingState.CANCELLED_BY_TRAINEE)
    assert not keeps_begun_weeks(BookingState.HELD, BookingState.EXPIRED)


def test_a_roster_has_the_weeks_that_its_days_lie_in():
    assert roster_weeks(date(2027, 2, 3), date(2027, 2, 8)) == [
        date(2027, 2, 1),
        date(2027, 2, 8),
    ]
    with pytest.raises(ValueError, match="before"):
        roster_weeks(date(2027, 2, 8), date(2027, 2, 3))
    with pytest.raises(ValueError, match="weeks at once"):
        roster_weeks(date(2027, 1, 1), date(2030, 1, 1))
