"""What fits as an answer to what a host asks, and what can be asked at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.booking.rules import questions, reasons
from marketplace.booking.rules.questions import Question

TEXT = Question("why", "Why here?", "text", longest=10)
CHOICE = Question("call", "On call?", "choice", options=("yes", "no"))
SEVERAL = Question("days", "Which days?", "choice", options=("mon", "tue", "wed"), several=True)
NUMBER = Question("months", "Months on a ward?", "number", least=0, most=60, whole=True)
FREE = Question("gpa", "GPA?", "number", required=False)
ALL = [TEXT, CHOICE, SEVERAL, NUMBER, FREE]
GOOD = {"why": "Because.", "call": "yes", "days": ["mon", "wed"], "months": 3, "gpa": 3.7}


def test_good_answers_count():
    assert questions.check(ALL, GOOD) == (GOOD, {})
    without = {key: answer for key, answer in GOOD.items() if key != "gpa"}
    assert questions.check(ALL, {**without, "why": "  Because. ", "gpa": None}) == (without, {})


@pytest.mark.parametrize(
    ("key", "answer", "words"),
    [
        ("why", "x" * 11, "Expected a text of 10 characters at most."),
        ("why", 3, "Expected a text of 10 characters at most."),
        ("why", "  ", "An answer is needed: a text of 10 characters at most."),
        ("call", "maybe", "Expected one of: yes, no."),
        ("call", ["yes"], "Expected one of: yes, no."),
        ("days", "mon", "Expected a list of one or more of: mon, tue, wed."),
        ("days", ["mon", "mon"], "Expected a list of one or more of: mon, tue, wed."),
        ("days", [["mon"]], "Expected a list of one or more of: mon, tue, wed."),
        ("days", [], "An answer is needed: a list of one or more of: mon, tue, wed."),
        ("months", 61, "Expected a whole number from 0 to 60."),
        ("months", 2.5, "Expected a whole number from 0 to 60."),
        ("months", True, "Expected a whole number from 0 to 60."),
        ("months", "3", "Expected a whole number from 0 to 60."),
        ("gpa", float("nan"), "Expected a number."),
        ("gpa", 10**400, "Expected a number."),
        ("else", 1, "This is not asked."),
    ],
)
def test_a_bad_answer_is_named_by_its_field(key, answer, words):
    _, wrong = questions.check(ALL, {**GOOD, key: answer})
    assert wrong == {f"answers.{key}": [words]}


@given(
    st.dictionaries(
        st.sampled_from([*GOOD, "else"]),
        st.none()
        | st.text()
        | st.integers()
        | st.floats()
        | st.booleans()
        | st.lists(st.none() | st.text() | st.lists(st.text())),
    )
)
def test_no_answer_is_too_odd_to_be_judged(answers):
    given_, wrong = questions.check(ALL, answers)
    assert not {f"answers.{key}" for key in given_} & set(wrong)
    assert questions.check([TEXT, CHOICE], {})[1].keys() == {"answers.why", "answers.call"}


@pytest.mark.parametrize(
    ("question", "field"),
    [
        (Question("a", "A?", "choice"), "questions.0.options"),
        (Question("a", "A?", "choice", options=("x", "x")), "questions.0.options"),
        (Question("a", "A?", "choice", options=("x", "x", "y")), "questions.0.options"),
        (Question("a", "A?", "text", options=("x", "y")), "questions.0.options"),
        (Question("a", "A?", "text", several=True), "questions.0.options"),
        (Question("a", "A?", "text", least=1), "questions.0.least"),
        (Question("a", "A?", "number", least=2, most=1), "questions.0.most"),
    ],
)
def test_what_cannot_be_asked(question, field):
    assert list(questions.faults([question])) == [field]


def test_a_key_is_used_once():
    assert set(questions.faults([TEXT, TEXT])) == {"questions.0.key", "questions.1.key"}
    assert questions.faults(ALL) == {}


def test_there_and_back():
    assert [questions.from_json(questions.to_json(one)) for one in ALL] == ALL


def test_reasons_in_words():
    assert reasons.in_words("other", "Full.") == "Full."
    assert reasons.in_words("other", "") == ""
    assert reasons.in_words("visa", "Sorry.").endswith("too late. Sorry.")
