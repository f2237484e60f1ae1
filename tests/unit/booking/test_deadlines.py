"""Deadlines at the site: clock changes, leap days, exact boundaries (fault 29)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.booking.rules.deadlines import (
    day_begins,
    days_before,
    decide_by,
    held_until,
    pay_by,
    site_day,
)
from marketplace.booking.rules.terms import Terms
from tests import settings

NEW_YORK = "America/New_York"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.fault(29)
@pytest.mark.parametrize(
    ("now", "days"),
    [
        # Midnight at the site is 05:00 UTC in winter: the count changes there and nowhere else.
        (utc(2027, 1, 1, 4, 59, 59), 60),
        (utc(2027, 1, 1, 5, 0, 0), 59),
        (utc(2027, 1, 1, 23, 59, 59), 59),
    ],
)
def test_days_change_at_the_sites_midnight(now, days):
    assert days_before(date(2027, 3, 1), now, NEW_YORK) == days


@pytest.mark.fault(29)
def test_a_day_of_23_or_25_hours_is_one_day():
    # 14 March 2027 has 23 hours in New York, 7 November 2027 has 25.
    assert days_before(date(2027, 3, 15), utc(2027, 3, 14, 5), NEW_YORK) == 1
    assert days_before(date(2027, 3, 15), utc(2027, 3, 15, 3, 59), NEW_YORK) == 1
    assert days_before(date(2027, 3, 15), utc(2027, 3, 15, 4), NEW_YORK) == 0
    assert days_before(date(2027, 11, 8), utc(2027, 11, 7, 4), NEW_YORK) == 1
    assert days_before(date(2027, 11, 8), utc(2027, 11, 8, 4, 59), NEW_YORK) == 1
    assert days_before(date(2027, 11, 8), utc(2027, 11, 8, 5), NEW_YORK) == 0


@pytest.mark.fault(29)
def test_a_leap_day_counts():
    assert days_before(date(2028, 3, 6), utc(2028, 2, 28, 12), NEW_YORK) == 7
    assert days_before(date(2028, 3, 6), utc(2028, 2, 29, 12), NEW_YORK) == 6
    assert days_before(date(2027, 3, 8), utc(2027, 2, 28, 12), NEW_YORK) == 8


def test_a_skipped_midnight_begins_at_the_first_instant_there_is():
    # In Beirut the clock went from 0:00 to 1:00 on 31 March 2024.
    begins = day_begins(date(2024, 3, 31), "Asia/Beirut")
    assert begins == utc(2024, 3, 30, 22)
    assert site_day(begins, "Asia/Beirut") == date(2024, 3, 31)


def test_the_host_has_ten_business_days():
    # Friday 1 January 2027, 09:00 in New York: the tenth business day after is Friday the 15th.
    until = decide_by(utc(2027, 1, 1, 14), date(2027, 6, 7), NEW_YORK)
    assert until == day_begins(date(2027, 1, 16), NEW_YORK)


def test_no_deadline_lies_beyond_the_first_day():
    first_day = date(2027, 1, 11)
    begins = day_begins(first_day, NEW_YORK)
    now = utc(2027, 1, 8, 14)
    assert decide_by(now, first_day, NEW_YORK) == begins
    assert pay_by(now, first_day, NEW_YORK) == begins
    assert held_until(now, first_day, NEW_YORK, timedelta(minutes=35)) == now + timedelta(
        minutes=35
    )


def test_a_hold_outlives_its_payment_page():
    terms = Terms.of(settings.make())
    assert terms.checkout < terms.hold
    with pytest.raises(ValueError, match="outlives"):
        Terms(hold=timedelta(minutes=30), checkout=timedelta(minutes=30))


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 400),
    st.sampled_from([NEW_YORK, "Pacific/Honolulu", "America/Phoenix", "Pacific/Kiritimati"]),
)
def test_days_before_never_grow_as_time_passes(now, ahead, zone):
    first_day = site_day(now, zone) + timedelta(days=ahead)
    assert days_before(first_day, now, zone) == ahead
    assert days_before(first_day, now + timedelta(hours=25), zone) in {ahead - 1, ahead - 2}
