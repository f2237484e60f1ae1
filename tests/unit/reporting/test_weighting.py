"""Raking, post-stratification and what weights cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.reporting.errors import NotConverged, ZeroCell
from marketplace.reporting.rules.weighting import Kind, kish, rake, weigh


def kinds(*rows):
    return {
        Kind(tuple(categories.split()), respondent, applicant, matched): n
        for categories, respondent, applicant, matched, n in rows
    }


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 200)), min_size=6, max_size=6))
def test_margins_are_the_frames(cells):
    """With a respondent in every cell raking converges, to positive weights."""
    names = [(a, b) for a in "xy" for b in "123"]
    respondents = {name: have for name, (have, _) in zip(names, cells, strict=True)}
    frame = {name: have + silent for name, (have, silent) in zip(names, cells, strict=True)}
    raked = rake(frame, respondents, ["first", "second"])
    assert raked.worst_margin <= 1e-10
    assert all(weight > 0 for weight in raked.weights.values())
    for place in (0, 1):
        for category in {name[place] for name in names}:
            wanted = sum(n for name, n in frame.items() if name[place] == category)
            got = sum(
                n * raked.weights[name]
                for name, n in respondents.items()
                if name[place] == category
            )
            assert got == pytest.approx(wanted, abs=1e-9)


def test_with_one_variable_raking_is_poststratification_by_hand():
    found = weigh(
        kinds(
            ("x", True, True, True, 30), ("x", True, True, False, 10), ("x", False, False, False, 40),
            ("y", True, True, True, 5), ("y", True, True, False, 15), ("y", False, False, False, 60),
        ),
        ["v"],
    )  # fmt: skip
    # x stands for 80 with weight 2, y for 80 with weight 4
    assert found.raked_rate == pytest.approx((30 * 2 + 5 * 4) / 160)
    assert found.poststratified_on_first_var == pytest.approx(found.raked_rate)
    assert found.unweighted_rate == 35 / 60
    assert found.raked_applicant_total == pytest.approx(160)
    assert (found.raked_weight_min, found.raked_weight_max) == pytest.approx((2, 4))
    deff = 60 * (40 * 4 + 20 * 16) / 160**2
    assert found.kish_design_effect_applicants == pytest.approx(deff)
    assert found.kish_effective_n_applicants == pytest.approx(60 / deff)


def test_equal_weights_cost_nothing():
    assert kish({("x",): 7, ("y",): 3}, {("x",): 2.5, ("y",): 2.5}) == pytest.approx(1)


def test_a_category_without_respondents_is_refused_by_name():
    with pytest.raises(ZeroCell, match="v=y"):
        weigh(kinds(("x", True, True, True, 3), ("y", False, False, False, 2)), ["v"])


def test_nobody_responded():
    with pytest.raises(ZeroCell, match="nobody responded"):
        weigh(kinds(("x", False, False, False, 3)), ["v"])


def test_margins_that_cannot_be_reached_are_refused():
    """Respondents only on the diagonal tie both margins together; the frame's differ."""
    frame = {("x", "1"): 10, ("x", "2"): 5, ("y", "1"): 1, ("y", "2"): 10}
    with pytest.raises(NotConverged, match="margin"):
        rake(frame, {("x", "1"): 3, ("y", "2"): 3}, ["a", "b"])


def test_nobody_applied_gives_no_rate():
    found = weigh(kinds(("x", True, False, False, 3), ("x", False, False, False, 2)), ["v"])
    assert found.raked_rate is None
    assert found.kish_design_effect_applicants is None
    assert found.wilson_on_effective_n.limits() == [None, None]
