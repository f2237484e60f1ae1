from dataclasses import dataclass, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalog.rules.eligibility import Outcome, check, may_book


@dataclass(frozen=True)
class Terms:
    audience: str = "both"
    step1_required: bool = True
    step2_min: int | None = 220
    visa_types: tuple[str, ...] = ("B1/B2", "J-1")
    weeks_min: int = 4
    weeks_max: int = 8
    first_start: date = date(2027, 1, 4)
    last_start: date = date(2027, 12, 6)
    blackout_weeks: tuple[date, ...] = (date(2027, 11, 22),)
    lead_days: int = 14


@dataclass(frozen=True)
class Profile:
    graduation_date: date | None = date(2027, 6, 2)
    step1_result: str | None = "passed"
    step2_ck_score: int | None = 230
    needs_visa: bool | None = True
    visa_type: str | None = "b1_b2"


TODAY = date(2026, 11, 22)
START = date(2027, 3, 1)


def answer(rule, *, terms=None, profile=None, first_day=START, today=TODAY, weeks=None):
    results = check(terms or Terms(), profile or Profile(), first_day, today, weeks)
    return next(result for result in results if result.rule == rule)


def test_who_meets_every_rule_may_book():
    results = check(Terms(), Profile(), START, TODAY)
    assert may_book(results)
    assert all(result.sentence for result in results)


@pytest.mark.parametrize(
    ("audience", "graduation", "outcome", "earliest"),
    [
        ("students", date(2027, 6, 2), "pass", None),
        ("graduates", date(2027, 6, 2), "fail", date(2027, 6, 7)),
        ("graduates", date(2027, 3, 1), "pass", None),
        ("students", date(2027, 3, 1), "fail", None),
        ("graduates", date(2028, 6, 2), "fail", None),
        ("both", None, "pass", None),
        ("students", None, "unknown", None),
    ],
)
def test_audience_by_the_status_on_the_first_day(audience, graduation, outcome, earliest):
    found = answer(
        "audience",
        terms=Terms(audience=audience),
        profile=Profile(graduation_date=graduation),
    )
    assert (found.outcome, found.earliest) == (outcome, earliest)
    assert found.outcome == "pass" or found.action


@pytest.mark.parametrize(
    ("result", "outcome"),
    [("passed", "pass"), ("failed", "fail"), ("not_taken", "unknown"), (None, "unknown")],
)
def test_step_1(result, outcome):
    assert answer("step1", profile=Profile(step1_result=result)).outcome == outcome
    free = answer("step1", terms=Terms(step1_required=False), profile=Profile(step1_result=result))
    assert free.outcome == "pass"


@pytest.mark.parametrize(
    ("score", "least", "outcome"),
    [
        (220, 220, "pass"),
        (219, 220, "fail"),
        (None, 220, "unknown"),
        (None, None, "pass"),
    ],
)
def test_step_2(score, least, outcome):
    found = answer("step2_ck", terms=Terms(step2_min=least), profile=Profile(step2_ck_score=score))
    assert found.outcome == outcome


@pytest.mark.parametrize(
    ("accepted", "needs", "held", "outcome"),
    [
        (("B1/B2",), True, "b1_b2", "pass"),
        (("B1/B2",), True, "b1", "pass"),
        (("B1/B2",), True, "j1", "fail"),
        (("B1/B2",), True, "other", "fail"),
        (("B1/B2",), True, None, "unknown"),
        (("B1/B2",), False, None, "pass"),
        (("B1/B2",), None, None, "unknown"),
        (("any",), True, None, "pass"),
        (("none_needed",), True, None, "pass"),
        (("none_needed",), None, None, "pass"),
    ],
)
def test_visa(accepted, needs, held, outcome):
    found = answer(
        "visa",
        terms=Terms(visa_types=accepted),
        profile=Profile(needs_visa=needs, visa_type=held),
    )
    assert found.outcome == outcome


@pytest.mark.parametrize(
    ("rule", "first_day", "weeks", "earliest"),
    [
        ("monday", date(2027, 3, 2), None, date(2027, 3, 8)),
        ("start_window", date(2026, 12, 28), None, date(2027, 1, 4)),
        ("start_window", date(2027, 12, 13), None, None),
        ("length", START, 3, None),
        ("length", START, 9, None),
        ("blackout", date(2027, 11, 1), 4, date(2027, 11, 29)),
    ],
)
def test_rules_of_time(rule, first_day, weeks, earliest):
    found = answer(rule, first_day=first_day, weeks=weeks)
    assert (found.outcome, found.earliest) == ("fail", earliest)
    assert found.action


def test_lead_time_is_counted_in_whole_days():
    first = date(2027, 3, 1)
    assert answer("lead_time", first_day=first, today=date(2027, 2, 15)).outcome == "pass"
    late = answer("lead_time", first_day=first, today=date(2027, 2, 16))
    assert (late.outcome, late.earliest) == ("fail", date(2027, 3, 8))
    never = answer("lead_time", first_day=date(2027, 12, 6), today=date(2027, 12, 1))
    assert never.earliest is None


days = st.dates(date(2026, 6, 1), date(2028, 6, 1))


@given(
    st.sampled_from(["students", "graduates", "both"]),
    days,
    days,
    days,
    st.integers(1, 12),
    st.lists(days, max_size=4),
)
def test_an_earliest_date_does_pass(audience, graduation, first_day, today, weeks, closed):
    terms = Terms(
        audience=audience,
        blackout_weeks=tuple(
            day - (day - date(2026, 6, 1)) % (date(2026, 6, 8) - date(2026, 6, 1)) for day in closed
        ),
    )
    profile = Profile(graduation_date=graduation)
    for result in check(terms, profile, first_day, today, weeks):
        if result.earliest is not None:
            assert result.outcome is Outcome.FAIL
            again = answer(
                result.rule,
                terms=terms,
                profile=profile,
                first_day=result.earliest,
                today=today,
                weeks=weeks,
            )
            assert again.outcome is Outcome.PASS, result


def test_more_can_not_make_one_less_eligible():
    better = replace(Profile(), step2_ck_score=300)
    assert may_book(check(Terms(), better, START, TODAY))
