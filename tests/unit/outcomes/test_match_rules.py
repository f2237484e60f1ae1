"""Folding events, settling claims, contradictions, and the outcome in one word."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.ids import new_id
from marketplace.outcomes.rules.match import (
    FIELDS,
    Entry,
    Provenance,
    Result,
    contradiction,
    decode,
    encode,
    fold,
    result,
    settle,
    settle_all,
)

START = datetime(2024, 4, 1, tzinfo=UTC)
SELF, DOCUMENT, ROSTER, DISPUTED = Provenance


def entry(number, field, value, *, days=0, provenance=SELF, retracts=None):
    return Entry(new_id(), number, field, value, provenance, retracts, START + timedelta(days=days))


def test_the_last_entry_recorded_by_then_counts():
    first = entry(1, "main_result", "unmatched")
    second = entry(2, "main_result", "matched_pgy1", days=5, provenance=DOCUMENT)
    events = [second, first]
    assert fold(events, START - timedelta(seconds=1)) == {}
    assert fold(events, START) == {"main_result": ("unmatched", SELF)}
    assert fold(events, START + timedelta(days=5)) == {"main_result": ("matched_pgy1", DOCUMENT)}


def test_a_retraction_counts_from_when_it_was_recorded():
    first = entry(1, "registered", "1")
    second = entry(2, "registered", "0", days=1)
    back = entry(3, "registered", None, days=9, retracts=second.id)
    events = [first, second, back]
    assert fold(events, START + timedelta(days=8)) == {"registered": (False, SELF)}
    assert fold(events, START + timedelta(days=9)) == {"registered": (True, SELF)}


def test_an_entry_recorded_earlier_but_entered_later_does_not_win():
    late = entry(9, "registered", "0", days=0)
    first = entry(1, "registered", "1", days=3)
    assert fold([first, late], START + timedelta(days=4)) == {"registered": (True, SELF)}


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 5)), max_size=12), st.integers(0, 6)
)
def test_what_comes_later_never_changes_an_earlier_reading(steps, day):
    """Promise 9 in the small: adding entries after a moment leaves the reading of it alone."""
    names = {"A": "registered", "B": "certified_rol", "C": "outside_match"}
    numbers = itertools.count(1)
    events = [entry(next(numbers), names[name], "1", days=at) for name, at in steps]
    as_of = START + timedelta(days=day)
    before = fold([event for event in events if event.recorded_at <= as_of], as_of)
    later = [entry(next(numbers), "registered", "0", days=day + 1)]
    later += [
        entry(next(numbers), event.field, None, days=day + 2, retracts=event.id) for event in events
    ]
    assert fold([*events, *later], as_of) == before


def test_a_self_report_does_not_overturn_what_was_verified():
    assert settle(("matched_pgy1", ROSTER), "unmatched", SELF) == ("matched_pgy1", DISPUTED)
    assert settle(("matched_pgy1", ROSTER), "matched_pgy1", SELF) is None
    assert settle(("matched_pgy1", DISPUTED), "unmatched", SELF) is None


def test_a_verification_is_recorded_even_where_the_value_is_the_same():
    assert settle(("unmatched", SELF), "unmatched", DOCUMENT) == ("unmatched", DOCUMENT)
    assert settle(("unmatched", DOCUMENT), "unmatched", DOCUMENT) is None
    assert settle(("unmatched", DISPUTED), "matched_pgy1", ROSTER) == ("matched_pgy1", ROSTER)


def test_a_claim_that_contradicts_itself_is_refused():
    with pytest.raises(ValueError, match="certified rank order list"):
        settle_all({}, {"certified_rol": False, "main_result": "matched_pgy1"}, SELF)


def test_a_self_report_that_contradicts_what_is_verified_disputes_it_and_changes_no_value():
    known = {
        "registered": (True, DOCUMENT),
        "certified_rol": (True, DOCUMENT),
        "main_result": ("matched_pgy1", DOCUMENT),
    }
    claims = {"registered": False, "certified_rol": False, "main_result": "not_in_algorithm"}
    changes = settle_all(known, claims, SELF)
    assert changes == {
        "registered": (True, DISPUTED),
        "certified_rol": (True, DISPUTED),
        "main_result": ("matched_pgy1", DISPUTED),
    }


def test_a_verified_correction_that_contradicts_the_rest_is_refused():
    known = {"registered": (True, DOCUMENT), "certified_rol": (False, DOCUMENT)}
    with pytest.raises(ValueError, match="rank order list"):
        settle_all(known, {"main_result": "matched_pgy1"}, DOCUMENT)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, Result.UNKNOWN),
        ({"registered": False}, Result.NOT_REGISTERED),
        ({"main_result": "matched_pgy1"}, Result.MATCHED_PGY1),
        ({"main_result": "matched_pgy2_only", "soap_result": "placed_pgy1"}, "matched_pgy2_only"),
        ({"main_result": "unmatched", "soap_result": "placed_pgy1"}, Result.SOAP),
        ({"main_result": "unmatched", "outside_match": True}, Result.OUTSIDE_MATCH),
        ({"main_result": "unmatched"}, Result.UNMATCHED),
        ({"registered": True, "main_result": "not_in_algorithm"}, Result.WITHDREW),
    ],
)
def test_the_outcome_in_one_word(values, expected):
    assert result(values) == expected


@pytest.mark.parametrize(
    "values",
    [
        {"registered": False, "certified_rol": True},
        {"certified_rol": False, "main_result": "matched_pgy2_only"},
        {"main_result": "matched_pgy1", "soap_result": "placed_pgy1"},
    ],
)
def test_contradictions_are_found(values):
    assert contradiction(values) is not None
    assert contradiction(dict.fromkeys(values)) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("registered", True),
        ("certified_rol", False),
        ("main_result", "unmatched"),
        ("interviews", 17),
        ("program", "=1+1"),
        ("specialty", None),
    ],
)
def test_values_survive_being_written_and_read(field, value):
    assert decode(field, encode(value)) == value


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("registered", "yes"),
        ("interviews", "-1"),
        ("interviews", "99999999999999"),
        ("interviews", "٣"),
        ("main_result", "matched"),
        ("program", "x" * 201),
    ],
)
def test_what_is_no_value_is_refused(field, text):
    assert field in FIELDS
    with pytest.raises(ValueError, match=r"."):
        decode(field, text)
