"""Suppression against an attacker who tries every table there is."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.reporting.errors import CannotHide, Negative, NotWhole
from marketplace.reporting.rules.suppression import Audit, Table, audit, suppress

CROSS = {
    "a": ["a"], "b": ["b"], "c": ["c"], "d": ["d"],
    "row1": ["a", "b"], "row2": ["c", "d"], "col1": ["a", "c"], "col2": ["b", "d"],
    "total": ["a", "b", "c", "d"],
}  # fmt: skip


def every_value(table, hide, room=8):
    """Each figure's possible values, by going through all tables near and below the true one.

    Cells go from 0 to their count plus `room`. That finds every figure that has two values: in
    these tables a hidden figure that can change at all can change by a move within that range.
    """
    cells = list(table.base)
    values = {name: set() for name in (*table.published, *table.implied)}
    shown = {name: table.value(name) for name in table.published if name not in hide}
    for counts in product(*(range(table.base[cell] + room + 1) for cell in cells)):
        guess = dict(zip(cells, counts, strict=True))

        def total(name, guess=guess):
            members = table.published.get(name) or table.implied.get(name) or []
            return sum(guess[cell] for cell in members)

        if any(total(name) != value for name, value in shown.items()):
            continue
        if any(total(name) < 1 for name in hide):
            continue
        for name, found in values.items():
            found.add(total(name))
    return values


def brute_force_safe(table, hide):
    values = every_value(table, hide)
    small = [name for name in values if table.small(name)]
    return all(name in hide or name in table.implied for name in small) and all(
        len(values[name]) > 1 for name in small
    )


@st.composite
def tables(draw):
    cells = [f"c{i}" for i in range(draw(st.integers(1, 4)))]
    base = {cell: draw(st.integers(0, 6)) for cell in cells}
    groups = st.lists(st.sampled_from(cells), min_size=1, unique=True)
    published = {f"f{i}": draw(groups) for i in range(draw(st.integers(1, 6)))}
    implied = {f"i{i}": draw(groups) for i in range(draw(st.integers(0, 2)))}
    return Table(draw(st.integers(2, 5)), base, published, implied)


@settings(max_examples=60)
@given(tables())
def test_no_table_fools_the_choice(table):
    hide = suppress(table)
    assert brute_force_safe(table, hide)
    assert all(table.value(name) > 0 for name in hide)
    assert audit(table, hide).safe
    assert suppress(table) == hide


@settings(max_examples=60)
@given(tables(), st.data())
def test_the_audit_says_what_trying_every_table_says(table, data):
    able = [name for name in table.published if table.value(name) > 0]
    hide = data.draw(st.lists(st.sampled_from(able), unique=True)) if able else []
    values = every_value(table, hide)
    found = audit(table, hide)
    small = [name for name in values if table.small(name)]
    assert found.exposed == [n for n in table.published if n in small and n not in hide]
    follows = {n for n in values if (n in hide or n in small) and len(values[n]) == 1}
    assert set(found.recovered) == follows - set(found.exposed)
    assert found.safe == brute_force_safe(table, hide)
    for name, (lowest, highest) in found.recovered.items():
        assert lowest == highest == table.value(name)


@settings(max_examples=25)
@given(tables())
def test_no_smaller_choice_is_safe(table):
    """Every choice that hides less, by brute force over all subsets of the figures."""
    hide = suppress(table)
    able = [name for name in table.published if table.value(name) > 0]
    for flags in product([False, True], repeat=len(able)):
        fewer = [name for name, flag in zip(able, flags, strict=True) if flag]
        if len(fewer) < len(hide):
            assert not audit(table, fewer).safe, fewer


def test_one_small_cell_of_a_cross_table_needs_three_more():
    base = {"a": 5, "b": 20, "c": 30, "d": 40}
    hide = suppress(Table(11, base, CROSS))
    assert len(hide) == 4
    assert "a" in hide
    assert audit(Table(11, base, CROSS), hide) == Audit([], {}, safe=True)


def test_hiding_the_small_cell_alone_gives_it_away():
    found = audit(Table(11, {"a": 5, "b": 20, "c": 30, "d": 40}, CROSS), ["a"])
    assert found == Audit([], {"a": (5, 5)}, safe=False)


def test_a_shown_small_cell_is_exposed():
    found = audit(Table(11, {"a": 5, "b": 20, "c": 30, "d": 40}, CROSS), [])
    assert found.exposed == ["a"]
    assert not found.safe


def test_two_hidden_ones_that_sum_to_two_are_known_to_be_one_each():
    """The attacker knows that a hidden figure is at least 1."""
    table = Table(3, {"a": 1, "b": 1, "c": 9}, {"a": ["a"], "b": ["b"], "c": ["c"],
                  "sum": ["a", "b", "c"]})  # fmt: skip
    assert set(audit(table, ["a", "b"]).recovered) == {"a", "b"}
    assert suppress(table) == ["a", "b", "c"]


def test_zeros_and_large_counts_are_shown():
    assert suppress(Table(11, {"a": 0, "b": 20}, {"a": ["a"], "b": ["b"], "t": ["a", "b"]})) == []


def test_what_subtraction_would_give_is_protected():
    published = {"applicants": ["yes", "no"], "matched": ["yes"]}
    base = {"yes": 26, "no": 9}
    assert suppress(Table(11, base, published)) == []
    hidden = suppress(Table(11, base, published, implied={"unmatched": ["no"]}))
    assert len(hidden) == 1


def test_the_more_important_figure_stays():
    base = {"yes": 26, "no": 9}
    published = {"applicants": ["yes", "no"], "matched": ["yes"]}
    for kept, hidden in (("applicants", "matched"), ("matched", "applicants")):
        table = Table(11, base, published, {"unmatched": ["no"]}, {kept: 5})
        assert suppress(table) == [hidden]


def test_large_counts_do_not_fool_the_solver():
    base = {"a": 5, "b": 10**9, "c": 10**6, "d": 7 * 10**8}
    hide = suppress(Table(11, base, CROSS))
    assert len(hide) == 4
    assert audit(Table(11, base, CROSS), hide).safe


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"k": 0}, CannotHide),
        ({"k": True}, CannotHide),
        ({"base": {"a": -1}}, Negative),
        ({"base": {"a": 1.5}}, NotWhole),
        ({"base": {"a": True}}, NotWhole),
        ({"published": {"f": ["z"]}}, CannotHide),
        ({"published": {"f": ["a", "a"]}}, CannotHide),
    ],
)
def test_refuses_a_table_that_says_nothing_definite(change, error):
    with pytest.raises(error):
        suppress(Table(**{"k": 11, "base": {"a": 5}, "published": {"f": ["a"]}, **change}))


def test_refuses_to_hide_what_is_not_there_or_zero():
    table = Table(11, {"a": 0}, {"f": ["a"]})
    with pytest.raises(CannotHide, match="not published"):
        audit(table, ["g"])
    with pytest.raises(CannotHide, match="is 0"):
        audit(table, ["f"])
