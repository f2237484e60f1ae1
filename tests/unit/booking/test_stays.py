"""Stays and gaps: pure reckoning of days."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.booking.rules import itineraries, stays
from marketplace.booking.rules.stays import Traveller, Verdict

VISITOR = Traveller(needs_visa=True, visa_type="b1_b2")
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [
        (date(2027, 1, 15), 6, date(2027, 7, 15)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 12, 31), 12, date(2028, 12, 31)),
        (date(2027, 6, 30), 6, date(2027, 12, 30)),
    ],
)
def test_months_end_where_the_calendar_does(day, months, after):
    assert stays.add_months(day, months) == after


@given(st.dates(date(2000, 1, 1), date(2099, 1, 1)), st.integers(0, 24))
def test_months_later_is_that_month(day, months):
    after = stays.add_months(day, months)
    assert (after.year * 12 + after.month) - (day.year * 12 + day.month) == months
    assert after.day == day.day or (after + DAY).day == 1


def judged(leave, arrive=date(2027, 1, 10), traveller=VISITOR, country="US"):
    journey = Traveller(traveller.needs_visa, traveller.visa_type, arrive, leave)
    (stay,) = stays.stays([(country, arrive + DAY, leave - DAY)], journey)
    return stay


def test_six_months_to_the_day():
    last = date(2027, 7, 9)
    assert judged(last).last_day == last
    assert judged(last).verdict is Verdict.CLOSE
    assert judged(last + DAY).verdict is Verdict.TOO_LONG
    assert judged(last - DAY * 14).verdict is Verdict.FITS
    assert judged(last - DAY * 13).verdict is Verdict.CLOSE
    assert not judged(last).assumed
    assert "1 longer than" in judged(last + DAY).sentence


def test_ninety_days_without_a_visa():
    waiver = Traveller(needs_visa=True, visa_type="esta")
    ninetieth = date(2027, 1, 10) + DAY * 89
    assert judged(ninetieth, traveller=waiver).days == 90
    assert judged(ninetieth, traveller=waiver).verdict is Verdict.CLOSE
    assert judged(ninetieth + DAY, traveller=waiver).verdict is Verdict.TOO_LONG


def test_what_is_not_known_is_said_to_be_so():
    other = Traveller(needs_visa=True, visa_type="j1")
    assert judged(date(2028, 1, 1), traveller=other).verdict is Verdict.UNKNOWN
    assert stays.stays([("US", date(2027, 1, 4), date(2028, 1, 2))], Traveller(False, None)) == ()


def test_each_country_is_a_stay_with_margins():
    found = stays.stays(
        [
            ("US", date(2027, 1, 4), date(2027, 1, 31)),
            ("CA", date(2027, 3, 1), date(2027, 3, 28)),
            ("US", date(2027, 5, 3), date(2027, 6, 27)),
        ],
        Traveller(True, "b1_b2", date(2027, 1, 1), date(2027, 6, 30)),
    )
    assert [(one.country, one.arrive_on, one.leave_on, one.assumed) for one in found] == [
        ("CA", date(2027, 2, 26), date(2027, 3, 31), True),
        ("US", date(2027, 1, 1), date(2027, 6, 30), True),
    ]
    assert {one.limit.key for one in found} == {"ca_visitor", "us_b"}


def test_every_limit_names_its_rule_and_source():
    for limit in stays.limits():
        assert limit.rule
        assert limit.source
        assert limit.url.startswith("https://")
        assert limit.last_day(date(2027, 1, 1)) > date(2027, 1, 1)


def test_gaps_and_overlaps():
    first, second, third = (
        (1, date(2027, 3, 1), date(2027, 3, 28)),
        (2, date(2027, 3, 29), date(2027, 4, 25)),
        (3, date(2027, 5, 10), date(2027, 6, 6)),
    )
    (gap,) = itineraries.gaps([third, first, second])
    assert (gap.after, gap.before, gap.days) == (2, 3, 14)
    assert (gap.first_day, gap.last_day) == (date(2027, 4, 26), date(2027, 5, 9))
    assert itineraries.overlaps([first, second, third]) == []
    assert itineraries.overlaps([first, (4, date(2027, 3, 22), date(2027, 5, 16)), third]) == [
        (1, 4), (4, 3),
    ]  # fmt: skip
