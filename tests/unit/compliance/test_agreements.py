"""Texts with fields, signers in order, and when somebody is reminded."""

from datetime import date

from marketplace.compliance.rules.agreements import (
    Signer,
    digest,
    end_stage,
    fault_of_signers,
    faults_of_template,
    faults_of_values,
    fill,
    turn_due,
)

DEAN = Signer("school", "Dean Rao", "dean@grant.example", "Dean")
CHIEF = Signer("site", "Dr. Chief", "chief@mercy.example", "Medical director")


def test_a_text_and_its_fields_fit():
    assert faults_of_template("{{school_name}} owes {{ sum }}.", ["sum"]) == []
    assert len(faults_of_template("{{what}} {{school_name}}", ["sum", "sum", "school_name"])) == 5
    assert faults_of_values(["sum"], {"sum": " ", "more": "x"}) == {
        "sum": ["Needed."],
        "more": ["No field of the template."],
    }


def test_a_value_is_never_a_name_again():
    filled = fill("{{a}} and {{b}}", {"a": "{{b}}", "b": "two"})
    assert filled == "{{b}} and two"


def test_each_side_signs_and_nobody_twice():
    assert fault_of_signers([DEAN, CHIEF]) is None
    assert fault_of_signers([DEAN]) is not None
    assert fault_of_signers([DEAN, CHIEF, DEAN]) is not None
    assert fault_of_signers([DEAN, CHIEF] * 5) is not None


def test_the_digest_is_of_all_that_is_signed():
    whole = digest("T", "body", ["a", "b"])
    assert whole != digest("T", "body.", ["a", "b"])
    assert whole != digest("T", "body", ["a", "c"])
    assert digest("T", "one\r\ntwo", []) == digest("T", "one\ntwo", [])


def test_reminders_come_weekly_and_before_the_end():
    sent = date(2026, 11, 1)
    assert [turn_due(sent, date(2026, 11, day)) for day in (1, 7, 8, 15)] == [None, None, 1, 2]
    ends = date(2027, 3, 1)
    days = [date(2026, 12, 30), date(2026, 12, 31), date(2027, 1, 30), date(2027, 3, 1)]
    assert [end_stage(ends, day) for day in days] == [None, 60, 30, 30]
    assert end_stage(ends, date(2027, 3, 2)) is None
