"""Clearance as a pure function: alternatives, validity to the day, seasons, due dates."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.compliance.rules.clearance import Held, ItemState, can_be_had, clear
from marketplace.compliance.rules.requirements import (
    Needed,
    Requirement,
    describe,
    effective,
    from_json,
    plain,
    to_json,
)
from marketplace.compliance.rules.usual import usual
from marketplace.compliance.rules.validity import (
    Facts,
    Rule,
    Stay,
    Validity,
    facts_from_json,
    facts_to_json,
    months_before,
)

FIRST, LAST = date(2027, 3, 1), date(2027, 3, 28)
STAY = Stay(FIRST, LAST)
MADE = date(2026, 11, 22)
TODAY = date(2026, 12, 1)
USUAL = usual(MADE)
DAY = timedelta(days=1)
days = st.dates(date(2026, 1, 1), date(2028, 12, 31))


def held(kind, state="accepted", reason="", **facts):
    return Held(uuid4(), kind, state, Facts(**facts), reason)


def judge(requirement, *documents, stay=STAY, today=TODAY, made_on=MADE, waived=()):
    (item,) = clear(
        [requirement], stay, documents, made_on=made_on, today=today, waived=waived
    ).items
    return item


def test_what_counts_only_if_it_is_new_can_not_be_had_long_before():
    def early(key, today):
        return can_be_had(USUAL[key], STAY, today)

    # FIRST is in March: a drug screen counts for three months, the vaccination from July on.
    assert [early("drug_screen", day) for day in (date(2026, 11, 30), date(2026, 12, 1))] == [
        False,
        True,
    ]
    assert [early("influenza", day) for day in (date(2026, 6, 30), date(2026, 7, 1))] == [
        False,
        True,
    ]
    assert early("mmr", date(2026, 1, 1))
    assert early("passport", date(2026, 1, 1))


def test_two_doses_or_a_positive_titre():
    mmr = USUAL["mmr"]
    one, two = date(1999, 5, 1), date(2003, 5, 1)
    assert judge(mmr).state is ItemState.MISSING
    half = judge(mmr, held("mmr", dose_dates=(one,)))
    assert (half.met, half.state) == (False, ItemState.MISSING)
    # Accepted, and yet missing: it says why.
    assert "not all of it" in half.reason
    assert not judge(mmr).reason
    assert judge(mmr, held("mmr", dose_dates=(one, two))).met
    assert judge(mmr, held("mmr_titre", issued_on=two)).met
    # Two certificates of a dose each are two doses; the same dose twice is one.
    assert judge(mmr, held("mmr", dose_dates=(one,)), held("mmr", dose_dates=(two,))).met
    assert not judge(mmr, held("mmr", dose_dates=(one,)), held("mmr", dose_dates=(one,))).met
    assert not judge(mmr, held("varicella_titre")).met


@pytest.mark.parametrize(("late", "met"), [(-1, False), (0, True), (1, True)])
def test_valid_through_the_last_day_means_that_day(late, met):
    passport = USUAL["passport"]
    assert judge(passport, held("passport", expires_on=LAST + late * DAY)).met is met
    assert not judge(passport, held("passport")).met


@pytest.mark.parametrize(
    ("dated", "met"),
    [
        (date(2026, 2, 28), False),
        (date(2026, 3, 1), True),
        (FIRST, True),
        (date(2027, 3, 2), False),
    ],
)
def test_within_twelve_months_before_the_start(dated, met):
    assert judge(USUAL["tb_test"], held("tb_test", issued_on=dated)).met is met
    assert judge(USUAL["tb_test"], held("chest_xray", issued_on=dated)).met is met


def test_a_month_that_is_shorter_ends_earlier():
    assert months_before(date(2028, 2, 29), 12) == date(2027, 2, 28)
    assert months_before(date(2027, 3, 31), 1) == date(2027, 2, 28)
    assert months_before(date(2027, 1, 15), 13) == date(2025, 12, 15)


@pytest.mark.parametrize(
    ("first", "last", "dose", "state"),
    [
        # October to March, both ends: of the season that the rotation falls into.
        (date(2027, 3, 29), date(2027, 4, 25), None, ItemState.MISSING),
        (date(2027, 4, 5), date(2027, 5, 2), None, ItemState.NOT_NEEDED),
        (date(2027, 9, 6), date(2027, 9, 26), None, ItemState.NOT_NEEDED),
        (date(2027, 9, 6), date(2027, 10, 3), None, ItemState.MISSING),
        (FIRST, LAST, date(2026, 10, 15), ItemState.ACCEPTED),
        (FIRST, LAST, date(2026, 7, 1), ItemState.ACCEPTED),
        (FIRST, LAST, date(2026, 6, 30), ItemState.MISSING),
        (FIRST, LAST, date(2027, 2, 1), ItemState.ACCEPTED),
        (date(2027, 11, 1), date(2027, 11, 28), date(2026, 10, 15), ItemState.MISSING),
    ],
)
def test_influenza_is_asked_for_in_its_season_and_of_it(first, last, dose, state):
    documents = [held("influenza", dose_dates=(dose,))] if dose else []
    item = judge(USUAL["influenza"], *documents, stay=Stay(first, last), today=TODAY)
    assert item.state is state


def test_a_season_that_begins_later_does_not_block_the_start():
    item = judge(USUAL["influenza"], stay=Stay(date(2027, 9, 6), date(2027, 10, 31)))
    assert (item.met, item.blocks) == (False, False)
    assert item.due_on == date(2027, 9, 17)


def test_a_long_rotation_needs_each_season():
    stay = Stay(date(2027, 1, 4), date(2027, 12, 26))
    first, second = (held("influenza", dose_dates=(date(y, 10, 1),)) for y in (2026, 2027))
    only_first = judge(USUAL["influenza"], first, stay=stay)
    assert (only_first.met, only_first.blocks) == (False, False)
    assert judge(USUAL["influenza"], first, second, stay=stay).met


def test_english_needs_its_least_score_in_each_part():
    scores = dict.fromkeys(("listening", "reading", "speaking", "writing"), 350.0)
    dated = {"issued_on": date(2026, 6, 1)}
    assert judge(USUAL["english_proof"], held("oet_report", scores=scores, **dated)).met
    low = {**scores, "writing": 340.0}
    assert not judge(USUAL["english_proof"], held("oet_report", scores=low, **dated)).met
    assert not judge(USUAL["english_proof"], held("oet_report", **dated)).met
    assert judge(USUAL["english_proof"], held("toefl_report", **dated)).met


def test_states_between_upload_and_decision():
    tb = USUAL["tb_test"]
    good = {"issued_on": date(2026, 11, 1)}
    assert judge(tb, held("tb_test", "uploaded", **good)).state is ItemState.UPLOADED
    rejected = judge(tb, held("tb_test", "rejected", "Unreadable.", **good))
    assert (rejected.state, rejected.reason) == (ItemState.REJECTED, "Unreadable.")
    again = judge(tb, held("tb_test", "rejected"), held("tb_test", "uploaded", **good))
    assert again.state is ItemState.UPLOADED
    lapsed = judge(USUAL["bls"], held("bls", expires_on=LAST - DAY))
    assert (lapsed.state, lapsed.met) == (ItemState.EXPIRED, False)
    assert lapsed.reason.startswith("What was accepted is valid until 20")
    soon = judge(USUAL["bls"], held("bls", expires_on=LAST), today=FIRST)
    assert (soon.state, soon.met) == (ItemState.EXPIRING, True)
    waived = judge(tb, waived={"tb_test"})
    assert (waived.state, waived.met, waived.blocks) == (ItemState.WAIVED, True, False)


def test_what_was_due_before_it_was_asked_for_is_due_when_it_was():
    assert judge(USUAL["passport"]).due_on == FIRST - 60 * DAY
    late = judge(USUAL["passport"], made_on=FIRST - 10 * DAY, today=FIRST - 10 * DAY)
    assert (late.due_on, late.overdue) == (FIRST - 10 * DAY, False)
    assert judge(USUAL["passport"], today=FIRST).overdue


def test_the_most_urgent_of_what_is_missing_comes_first():
    found = clear(USUAL.values(), STAY, [], made_on=MADE, today=TODAY)
    assert not found.complete
    assert not found.may_start
    assert [item.due_on for item in found.items] == sorted(item.due_on for item in found.items)
    assert found.next_due_on == found.items[0].due_on
    # What does not block may be missing.
    optional = [one for one in USUAL.values() if not one.blocks_start]
    assert optional
    assert clear(optional, STAY, [], made_on=MADE, today=FIRST).may_start


def test_a_listing_replaces_adds_and_leaves_out():
    site = [plain("passport"), plain("cv"), USUAL["tb_test"]]
    stricter = Requirement("passport", "Passport for six months", ((Needed("passport"),),), 90)
    listing = [stricter, Requirement("cv", "", (), omitted=True), plain("bls")]
    found = effective(site, listing, ["passport", "cv", "tdap", "chest_xray"], USUAL)
    assert [one.key for one in found] == ["passport", "tb_test", "bls", "tdap"]
    assert found[0] == stricter
    assert found[-1] == USUAL["tdap"]


def test_usual_requirements_read_as_they_are_written_and_speak_for_themselves():
    assert len(USUAL) == 18
    for one in USUAL.values():
        assert from_json(to_json(one)) == one
    assert describe(USUAL["mmr"]) == (
        "measles, mumps and rubella vaccination with 2 doses,"
        " or positive titre for measles, mumps and rubella"
    )
    assert describe(USUAL["tdap"]).endswith("with 1 dose within 10 years before the start")
    assert describe(USUAL["tb_test"]).startswith("tuberculosis test within 12 months")


facts = st.builds(
    Facts,
    issued_on=st.none() | days,
    expires_on=st.none() | days,
    dose_dates=st.lists(days, max_size=3).map(lambda found: tuple(sorted(set(found)))),
)
documents = st.lists(
    st.builds(
        lambda kind, state, about: Held(uuid4(), kind, state, about),
        st.sampled_from(["mmr", "mmr_titre", "tb_test", "chest_xray", "passport", "influenza"]),
        st.sampled_from(["uploaded", "accepted", "rejected"]),
        facts,
    ),
    max_size=8,
)
stays = st.builds(
    lambda week, weeks: Stay(
        date(2027, 1, 4) + timedelta(weeks=week),
        date(2027, 1, 4) + timedelta(weeks=week + weeks) - DAY,
    ),
    st.integers(0, 50),
    st.integers(1, 52),
)
some = st.sampled_from([USUAL[key] for key in ("mmr", "tb_test", "passport", "influenza", "bls")])


@given(facts)
def test_facts_are_read_as_they_are_stored(about):
    assert facts_from_json(facts_to_json(about)) == about


@given(some, stays, documents, facts)
def test_one_more_accepted_document_never_undoes_a_clearance(requirement, stay, before, about):
    was = judge(requirement, *before, stay=stay)
    more = [Held(uuid4(), kind, "accepted", about) for kind in requirement.kinds]
    assert judge(requirement, *before, *more, stay=stay).met >= was.met


@given(some, stays, documents)
def test_only_what_is_accepted_counts(requirement, stay, found):
    accepted = [one for one in found if one.state == "accepted"]
    assert judge(requirement, *found, stay=stay).met == judge(requirement, *accepted, stay=stay).met


@given(some, stays, documents, st.integers(0, 400), st.integers(0, 365))
def test_due_dates_lie_between_the_asking_and_the_need(requirement, stay, found, ago, due_days):
    made_on = stay.first_day - timedelta(days=ago)
    asked = Requirement(requirement.key, "", requirement.alternatives, due_days)
    item = judge(asked, *found, stay=stay, made_on=made_on, today=made_on)
    assert made_on <= item.due_on <= stay.last_day
    assert not item.overdue
    assert item.due_on <= stay.first_day or not item.blocks


@given(stays, st.lists(st.booleans(), min_size=6, max_size=6))
def test_any_alternative_and_all_of_its_documents(stay, given_):
    kinds = ["cv", "transcript", "bls", "drug_screen", "passport", "deans_letter"]
    groups = ((0, 1), (2, 3, 4), (5,))
    requirement = Requirement(
        "x", "X", tuple(tuple(Needed(kinds[i]) for i in group) for group in groups)
    )
    accepted = [held(kind) for kind, there in zip(kinds, given_, strict=True) if there]
    expected = any(all(given_[i] for i in group) for group in groups)
    assert judge(requirement, *accepted, stay=stay).met is expected


@given(stays, days, st.integers(1, 30))
def test_within_months_is_the_same_as_by_the_calendar(stay, dated, months):
    rule = Validity(Rule.WITHIN_MONTHS, months=months)
    (window,) = rule.windows(stay)
    covered = window.covers(Facts(issued_on=dated))
    assert covered == (months_before(stay.first_day, months) <= dated <= stay.first_day)


@given(stays)
def test_a_season_is_needed_exactly_when_a_day_of_it_is_in_the_stay(stay):
    windows = Validity(Rule.SEASON, season_from=10, season_to=3, counts_from=7).windows(stay)
    length = (stay.last_day - stay.first_day).days + 1
    touched = {stay.first_day + n * DAY for n in range(length)}
    in_season = {day for day in touched if day.month >= 10 or day.month <= 3}
    assert bool(windows) == bool(in_season)
    if windows:
        assert windows[0].needed_on == min(in_season)


def test_the_usual_requirements_use_every_rule():
    rules = {
        needed.validity.rule
        for one in USUAL.values()
        for group in one.alternatives
        for needed in group
    }
    assert rules == set(Rule)
