from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalog.rules.eligibility import (
    NOTHING_TOLD,
    Asked,
    Outcome,
    Source,
    check,
    first_possible,
    free_weeks,
    may_book,
    own_weeks,
)
from marketplace.catalog.rules.english import NOT_ASKED, EnglishTerms
from marketplace.catalog.rules.weeks import WEEK, is_monday, run_of_weeks


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
    tier_student: str | None = "elective"
    tier_graduate: str | None = "externship"
    english: EnglishTerms = NOT_ASKED
    documents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    graduation_date: date | None = date(2027, 6, 2)
    step1_result: str | None = "passed"
    step2_ck_score: int | None = 230
    needs_visa: bool | None = True
    visa_type: str | None = "b1_b2"
    english: dict[str, object] | None = None


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
        ("students", date(2027, 3, 1), "fail", date(2027, 1, 4)),
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
        ("start_window", date(2027, 12, 13), None, date(2027, 1, 4)),
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
    tomorrow = answer("lead_time", first_day=first, today=date(2027, 2, 28))
    assert tomorrow.sentence.endswith("before the start; there is 1.")
    never = answer("lead_time", first_day=date(2027, 12, 6), today=date(2027, 12, 1))
    assert never.earliest is None


def oet(**scores):
    return {"test": "oet", "scores": {"listening": 380, "reading": 360, "writing": 350, **scores}}


@pytest.mark.parametrize(
    ("terms", "told", "outcome"),
    [
        (NOT_ASKED, None, "pass"),
        (EnglishTerms(native=True), None, "unknown"),
        (EnglishTerms(native=True), {"test": "native"}, "pass"),
        (EnglishTerms(oet=350), {"test": "native"}, "fail"),
        (EnglishTerms(oet=350), oet(speaking=350), "pass"),
        (EnglishTerms(oet=350), oet(speaking=340), "fail"),
        (EnglishTerms(oet=350), oet(), "unknown"),
        (EnglishTerms(oet=370), oet(), "fail"),
        (EnglishTerms(toefl_ibt=80), oet(speaking=400), "fail"),
        (EnglishTerms(toefl_ibt=80), {"test": "toefl_ibt", "scores": {"overall": 80}}, "pass"),
        (EnglishTerms(ielts=Decimal("6.5")), {"test": "ielts", "scores": {"overall": 6.0}}, "fail"),
        (EnglishTerms(ielts=Decimal("6.5")), {"test": "ielts"}, "unknown"),
    ],
)
def test_english_by_any_proof_that_the_listing_accepts(terms, told, outcome):
    found = answer("english", terms=Terms(english=terms), profile=Profile(english=told))
    assert found.outcome == outcome
    assert found.outcome == "pass" or found.action
    assert (found.outcome == "unknown") == bool(found.needed)


def test_documents_are_told_of_and_stand_in_nobodys_way():
    terms = Terms(documents=("passport", "tb_test"))
    results = check(terms, Profile(), START, TODAY)
    (told,) = [result for result in results if result.rule == "documents"]
    assert (told.outcome, told.blocks) == ("unknown", False)
    assert [(each.kind, each.name) for each in told.needed] == [
        ("document", "passport"),
        ("document", "tb_test"),
    ]
    assert may_book(results)
    done = check(terms, Profile(), START, TODAY, documents=["passport", "tb_test"])
    assert next(result for result in done if result.rule == "documents").outcome == "pass"


def test_what_a_document_proves_is_no_longer_self_reported():
    def source(documents):
        results = check(Terms(), Profile(), START, TODAY, documents=documents)
        score = next(result for result in results if result.rule == "step2_ck").evidence[1]
        return score.source

    assert source(()) is Source.SELF_REPORTED
    assert source(("step_score_report",)) is Source.DOCUMENT


@pytest.mark.parametrize(
    ("graduation", "outcome", "word"),
    [
        (date(2027, 6, 2), "pass", "elective"),
        (date(2026, 6, 2), "pass", "externship"),
        (None, "unknown", "elective for students, externship for graduates"),
    ],
)
def test_the_tier_by_the_status_of_that_day(graduation, outcome, word):
    found = answer("tier", profile=Profile(graduation_date=graduation))
    assert (found.outcome, found.blocks) == (outcome, False)
    assert word in found.sentence


def test_a_visa_that_may_come_late_is_said_and_refuses_nobody():
    late = answer("visa_time", first_day=date(2027, 1, 4))
    assert (late.outcome, late.blocks, late.earliest) == ("unknown", False, date(2027, 2, 22))
    assert answer("visa_time", first_day=date(2027, 2, 22)).outcome == "pass"
    free = answer("visa_time", first_day=date(2027, 1, 4), profile=Profile(needs_visa=False))
    assert free.outcome == "pass"


days = st.dates(date(2026, 6, 1), date(2028, 6, 1))
mondays = st.integers(0, 104).map(lambda number: date(2026, 6, 1) + number * WEEK)
some_terms = st.builds(
    Terms,
    audience=st.sampled_from(["students", "graduates", "both"]),
    blackout_weeks=st.lists(mondays, max_size=4).map(tuple),
    step1_required=st.booleans(),
    step2_min=st.none() | st.integers(200, 260),
    english=st.sampled_from([NOT_ASKED, EnglishTerms(native=True), EnglishTerms(oet=350)]),
    visa_types=st.sampled_from([("B1/B2",), ("any",), ("none_needed",), ("J-1", "F-1")]),
    documents=st.sampled_from([(), ("passport",)]),
    lead_days=st.integers(0, 120),
)
some_profile = st.builds(
    Profile,
    graduation_date=st.none() | days,
    step1_result=st.sampled_from([None, "passed", "failed", "not_taken"]),
    step2_ck_score=st.none() | st.integers(190, 270),
    needs_visa=st.none() | st.booleans(),
    visa_type=st.sampled_from([None, "b1", "b1_b2", "j1", "other"]),
    english=st.sampled_from([None, {"test": "native"}, oet(speaking=350), oet()]),
)


@given(some_terms, some_profile, days, days, st.integers(1, 12))
def test_an_earliest_date_does_pass(terms, profile, first_day, today, weeks):
    for result in check(terms, profile, first_day, today, weeks):
        if result.earliest is not None:
            assert result.outcome is not Outcome.PASS
            again = answer(
                result.rule,
                terms=terms,
                profile=profile,
                first_day=result.earliest,
                today=today,
                weeks=weeks,
            )
            assert again.outcome is Outcome.PASS, result
            assert result.rule == "monday" or result.earliest >= today


@given(some_terms, some_profile, mondays, days, st.integers(1, 12))
def test_every_answer_that_is_no_pass_says_what_to_do(terms, profile, first_day, today, weeks):
    for result in check(terms, profile, first_day, today, weeks):
        assert result.sentence
        assert (result.outcome is Outcome.PASS) == (result.action is None)
        assert result.outcome is not Outcome.PASS or (not result.needed and not result.earliest)


@given(some_terms, mondays, days, st.integers(4, 8))
def test_where_nothing_is_told_no_rule_fails_that_a_profile_decides(terms, first, today, weeks):
    for result in check(terms, NOTHING_TOLD, first, today, weeks):
        if any(each.source is Source.SELF_REPORTED for each in result.evidence):
            assert result.outcome is not Outcome.FAIL, result


@given(some_terms, some_profile, mondays, mondays, st.integers(1, 12), st.data())
def test_the_first_possible_day_is_possible_and_there_is_no_sooner_one(
    terms, profile, first_day, today, weeks, data
):
    closed = data.draw(st.sets(mondays, max_size=6))
    busy = dict.fromkeys(data.draw(st.sets(mondays, max_size=3)), "Elsewhere")
    every = run_of_weeks(date(2026, 6, 1), 150)
    free = {week: 0 if week in closed else 1 for week in every}

    def possible(day):
        asked = Asked(terms, profile, day, today, weeks)
        results = check(terms, profile, day, today, weeks)
        return may_book([*results, free_weeks(asked, free), own_weeks(asked, busy)])

    found = first_possible(Asked(terms, profile, first_day, today, weeks), free, busy)
    days_on = [day for day in every if day >= max(first_day, today) and possible(day)]
    days_before = [day for day in every if today <= day < first_day and possible(day)]
    assert found == next(iter([*days_on, *days_before]), None)
    if found is not None:
        assert is_monday(found)
        assert possible(found)


@given(some_terms, some_profile, mondays, days)
def test_more_can_not_make_one_less_eligible(terms, profile, first_day, today):
    better = replace(
        profile,
        step1_result="passed",
        step2_ck_score=300,
        needs_visa=False,
        english={"test": "native"} if terms.english.native else oet(speaking=400, writing=400),
    )
    before = {result.rule: result.outcome for result in check(terms, profile, first_day, today)}
    after = {result.rule: result.outcome for result in check(terms, better, first_day, today)}
    for rule in ("step1", "step2_ck", "visa", "visa_time", "english"):
        assert after[rule] is Outcome.PASS
    for rule in ("audience", "tier", "documents", "lead_time"):
        assert before[rule] == after[rule]
