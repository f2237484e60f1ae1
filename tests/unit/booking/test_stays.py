"""Stays and gaps: pure reckoning of days."""

import copy
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.booking.rules import itineraries, stay_rules, stays
from marketplace.booking.rules.stays import Traveller, Verdict

VISITOR = Traveller(needs_visa=True, visa_type="b1_b2")
DAY = timedelta(days=1)
TODAY = date(2026, 11, 22)
RULES = stay_rules.read(stay_rules.standard())


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
    (stay,) = stays.stays([(country, arrive + DAY, leave - DAY)], journey, RULES)
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
    here = [("US", date(2027, 1, 4), date(2028, 1, 2))]
    assert stays.stays(here, Traveller(False, None), RULES) == ()


def test_each_country_is_a_stay_with_margins():
    found = stays.stays(
        [
            ("US", date(2027, 1, 4), date(2027, 1, 31)),
            ("CA", date(2027, 3, 1), date(2027, 3, 28)),
            ("US", date(2027, 5, 3), date(2027, 6, 27)),
        ],
        Traveller(True, "b1_b2", date(2027, 1, 1), date(2027, 6, 30)),
        RULES,
    )
    assert [(one.country, one.arrive_on, one.leave_on, one.assumed) for one in found] == [
        ("CA", date(2027, 2, 26), date(2027, 3, 31), True),
        ("US", date(2027, 1, 1), date(2027, 6, 30), True),
    ]
    assert {one.limit.key for one in found} == {"ca_visitor", "us_b"}


def test_every_limit_names_its_rule_and_source():
    for limit in RULES.limits:
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


def a_document(**changes):
    """The package's document with other fields in its first limit."""
    found = copy.deepcopy(stay_rules.standard())
    found["limits"][0].update(changes)
    return found


def test_what_the_package_brings_can_count():
    assert stay_rules.faults(stay_rules.standard(), TODAY) == {}
    assert stay_rules.difference(stay_rules.standard(), stay_rules.standard()) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"days": 90}, "limits.0.months"),
        ({"months": None}, "limits.0.months"),
        ({"months": 0}, "limits.0.months"),
        ({"months": True}, "limits.0.months"),
        ({"months": 6.5}, "limits.0.months"),
        ({"country": "USA"}, "limits.0.country"),
        ({"visas": ["tourist"]}, "limits.0.visas"),
        ({"visas": []}, "limits.0.visas"),
        ({"rule": " "}, "limits.0.rule"),
        ({"source": None}, "limits.0.source"),
        ({"url": "http://example.org"}, "limits.0.url"),
        ({"as_of": "2026-11-23"}, "limits.0.as_of"),
        ({"as_of": "soon"}, "limits.0.as_of"),
        ({"note": "x"}, "limits.0.note"),
        ({"key": "us_esta"}, "limits.1.key"),
        # The first for a country and visa counts: nothing stands behind it that never would.
        ({"visas": None}, "limits.1"),
        ({"visas": ["b1", "esta"]}, "limits.1"),
    ],
)
def test_what_can_t_count_is_named_by_its_field(changes, field):
    assert list(stay_rules.faults(a_document(**changes), TODAY)) == [field]


@pytest.mark.parametrize("document", [None, [], 3, {}, {"limits": [], "margins": {}, "more": 1}])
def test_what_is_no_document_is_refused(document):
    assert list(stay_rules.faults(document, TODAY)) == ["document"]


def test_margins_and_lists_are_checked():
    found = stay_rules.faults({"limits": [], "margins": {"before_days": 3}}, TODAY)
    assert list(found) == ["margins", "limits"]
    margins = {**stay_rules.standard()["margins"], "close_days": -1}
    found = stay_rules.faults({"limits": ["US"], "margins": margins}, TODAY)
    assert list(found) == ["margins.close_days", "limits.0"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
)
ROWS = st.fixed_dictionaries({}, optional=dict.fromkeys(sorted(stay_rules.KNOWN), JSON))


@given(st.lists(ROWS | JSON, max_size=3), JSON)
def test_no_document_makes_an_accident(rows, margins):
    assert stay_rules.faults({"limits": rows, "margins": margins}, TODAY)


def test_what_differs_is_said_line_by_line():
    after = a_document(months=3)
    after["margins"]["close_days"] = 7
    after["limits"].append({**after["limits"].pop(1), "key": "us_waiver"})
    assert stay_rules.difference(stay_rules.standard(), after) == [
        "- us_esta: US, esta, 90 days",
        "+ us_waiver: US, esta, 90 days",
        "~ us_b.months: 6 -> 3",
        "~ margins.close_days: 14 -> 7",
    ]
