"""What answers amount to."""

import pytest

from marketplace.outcomes.rules.questionnaire import (
    LATEST,
    VERSIONS,
    Disposition,
    asked,
    faults,
    meaning,
    pages,
)

FIRST = "match-1"
WHOLE = {
    "consent_reporting": True,
    "registered": True,
    "certified_rol": True,
    "main_result": "matched_pgy1",
    "soap_result": "not_applicable",
    "outside_match": False,
    "lor_earned": True,
}


def test_a_complete_interview():
    meant = meaning(LATEST, WHOLE, complete=True)
    assert meant.disposition is Disposition.INTERVIEW
    assert meant.match_items_answered
    assert meant.fields["main_result"] == "matched_pgy1"
    assert meant.lor_earned is True


def test_the_match_items_alone_make_a_partial():
    some = {
        name: WHOLE[name]
        for name in ("consent_reporting", "registered", "certified_rol", "main_result")
    }
    assert meaning(LATEST, some, complete=False).disposition is Disposition.PARTIAL
    assert meaning(LATEST, some, complete=True).disposition is Disposition.PARTIAL


def test_a_break_off_before_the_match_items_says_nothing():
    meant = meaning(FIRST, {"registered": True}, complete=False)
    assert meant.disposition is None
    assert not meant.match_items_answered


def test_refusing_everything_is_a_refusal():
    meant = meaning(FIRST, {"registered": "refused"}, complete=True)
    assert meant.disposition is Disposition.REFUSAL
    assert meant.fields == {}
    assert meant.refused_items == ("registered",)


def test_who_did_not_register_is_routed_past_the_rest():
    meant = meaning(
        FIRST, {"registered": False, "outside_match": False, "lor_earned": False}, complete=True
    )
    assert meant.disposition is Disposition.INTERVIEW
    assert meant.fields == {
        "registered": False,
        "certified_rol": False,
        "main_result": "not_in_algorithm",
        "soap_result": "not_applicable",
        "outside_match": False,
    }


def test_answers_to_questions_that_are_not_asked_any_more_do_not_count():
    meant = meaning(LATEST, {**WHOLE, "registered": False}, complete=True)
    assert meant.fields["main_result"] == "not_in_algorithm"


def test_every_route_leads_to_questions_that_exist():
    questions = VERSIONS[LATEST]
    page_of = {question.name: question.page for question in questions}
    assert all(q.asked_if is None or page_of[q.asked_if[0]] < q.page for q in questions)
    assert all(q.spanish for version in VERSIONS.values() for q in version)
    assert [q.name for q in asked(questions, {})] == [
        q.name for q in questions if q.asked_if is None
    ]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("registered", "yes"),
        ("registered", 1),
        ("main_result", "matched"),
        ("main_result", ["matched_pgy1"]),
        ("interviews", True),
        ("interviews", 201),
        ("program", "\x00"),
        ("program", {"a": 1}),
        ("favourite_colour", "blue"),
    ],
)
def test_answers_that_do_not_fit_are_named(name, answer):
    assert list(faults(LATEST, {name: answer})) == [name]


def test_who_does_not_agree_is_asked_nothing_more_and_counted_as_refusing():
    """Answers from before stay where they are, and say nothing."""
    meant = meaning(LATEST, {**WHOLE, "consent_reporting": False}, complete=True)
    assert meant.disposition is Disposition.REFUSAL
    assert (meant.fields, meant.match_items_answered) == ({}, False)
    assert meant.consents == {"reporting": False}
    assert pages(VERSIONS[LATEST], {"consent_reporting": False, "registered": True}) == [1]


def test_a_refusal_fits_every_question():
    assert faults(LATEST, {question.name: "refused" for question in VERSIONS[LATEST]}) == {}
