"""Deferred acceptance: compared with brute force, and proven by a check that knows no library."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.booking.rules.allocation import (
    Answer,
    Instance,
    Order,
    blocking_pairs,
    digest,
    explain,
    sentence_of,
    ticket,
)
from marketplace.booking.service.allocating import solve
from marketplace.booking.service.rounds import tiers_of_scores

TRAINEES = ["t1", "t2", "t3", "t4", "t5"]
PLACES = ["p1", "p2", "p3"]


@st.composite
def instances(draw):
    """Small rounds with quotas, ties, refusals, and trainees who rank some places or none."""
    trainees = TRAINEES[: draw(st.integers(1, 4))]
    places = PLACES[: draw(st.integers(1, 3))]
    choices = {one: tuple(draw(st.lists(st.sampled_from(places), unique=True))) for one in trainees}
    orders = {}
    for place in places:
        if not draw(st.booleans()):
            continue
        levels = {one: draw(st.integers(0, 3)) for one in trainees}
        tiers = [[one for one in trainees if levels[one] == level] for level in (0, 1)]
        orders[place] = Order(
            tuple(tuple(tier) for tier in tiers if tier),
            frozenset(one for one in trainees if levels[one] == 3),
        )
    quotas = {place: draw(st.integers(1, 2)) for place in places}
    return Instance(quotas, choices, orders, draw(st.text(max_size=4)))


def every_assignment(instance):
    trainees = list(instance.choices)
    for given_ in itertools.product(*([None, *instance.acceptable(one)] for one in trainees)):
        matched = {one: place for one, place in zip(trainees, given_, strict=True) if place}
        counts = {place: list(matched.values()).count(place) for place in instance.quotas}
        if all(counts[place] <= quota for place, quota in instance.quotas.items()):
            yield matched


def blocked(instance, matched):
    """The definition, word for word, and slowly."""
    for trainee in instance.choices:
        liked = instance.acceptable(trainee)
        got = liked.index(matched[trainee]) if trainee in matched else len(liked)
        for place in liked[:got]:
            order = instance.strict[place]
            there = [one for one in matched if matched[one] == place]
            if len(there) < instance.quotas[place]:
                return True
            if any(order.index(trainee) < order.index(one) for one in there):
                return True
    return False


def rank(instance, matched, trainee):
    liked = instance.acceptable(trainee)
    return liked.index(matched[trainee]) if trainee in matched else len(liked)


@settings(max_examples=300)
@given(instances())
def test_nobody_does_better_in_any_stable_assignment(instance):
    """The library's answer is stable, and best for each trainee among all that are."""
    matched, method = solve(instance)
    assert "matching 1." in method
    assert blocking_pairs(instance, matched) == []
    stable = [one for one in every_assignment(instance) if not blocked(instance, one)]
    assert matched in stable
    for other in stable:
        for trainee in instance.choices:
            assert rank(instance, matched, trainee) <= rank(instance, other, trainee)


@settings(max_examples=200)
@given(instances(), st.data())
def test_the_proof_finds_what_the_definition_finds(instance, data):
    matched = data.draw(st.sampled_from(list(every_assignment(instance))))
    assert bool(blocking_pairs(instance, matched)) == blocked(instance, matched)


@settings(max_examples=200)
@given(instances(), st.data())
def test_no_trainee_gains_by_ranking_otherwise(instance, data):
    trainee = data.draw(st.sampled_from(list(instance.choices)))
    told = tuple(data.draw(st.lists(st.sampled_from(list(instance.quotas)), unique=True)))
    honest, _ = solve(instance)
    choices = {**instance.choices, trainee: told}
    other, _ = solve(Instance(instance.quotas, choices, instance.orders, instance.seed))
    liked = instance.acceptable(trainee)
    if other.get(trainee) in liked:
        assert rank(instance, honest, trainee) <= liked.index(other[trainee])


@given(instances())
def test_the_same_inputs_give_the_same_result(instance):
    again = Instance.of_json(instance.as_json())
    assert digest(again.as_json()) == digest(instance.as_json())
    assert solve(again) == solve(instance)


def test_an_assignment_that_is_none_is_no_proof():
    instance = Instance({"p1": 1}, {"t1": ("p1",), "t2": ("p1",), "t3": ()}, {}, "s")
    with pytest.raises(ValueError, match="given 2 times"):
        blocking_pairs(instance, {"t1": "p1", "t2": "p1"})
    with pytest.raises(ValueError, match="may not have it"):
        blocking_pairs(instance, {"t3": "p1"})


def test_equals_are_told_apart_by_the_published_lottery():
    instance = Instance({"p1": 1}, dict.fromkeys(TRAINEES, ("p1",)), {}, "seed")
    matched, _ = solve(instance)
    assert list(matched) == [min(TRAINEES, key=lambda one: ticket("seed", one))]


def test_an_explanation_counts_and_names_nobody():
    orders = {"p1": Order((("t1", "t2"), ("t3",))), "p2": Order((), frozenset({"t3"}))}
    choices = {
        "t1": ("p1",), "t2": ("p1", "p3"), "t3": ("p1", "p2", "p3"), "t4": ("p2",),
    }  # fmt: skip
    instance = Instance({"p1": 1, "p2": 1, "p3": 2}, choices, orders, "seed")
    matched, _ = solve(instance)
    (first,) = (one for one in matched if matched[one] == "p1")
    second = {"t1": "t2", "t2": "t1"}[first]
    assert explain(instance, matched, second, choices[second])[0] == Answer(
        "p1", 1, "filled", ahead=1, by_lottery=1
    )
    assert sentence_of(Answer("p1", 1, "filled", ahead=1, by_lottery=1)) == "filled"
    assert sentence_of(Answer("p1", 1, "filled", ahead=1, by_lottery=0)) == "filled_in_order"
    assert explain(instance, matched, "t3", ("p1", "p2", "p4", "p3")) == [
        Answer("p1", 1, "filled", ahead=1, by_lottery=0),
        Answer("p2", 2, "refused"),
        Answer("p4", 3, "left_out"),
        Answer("p3", 4, "given"),
    ]
    assert explain(instance, matched, first, ("p1", "p3"))[1] == Answer("p3", 2, "not_needed")


def test_scores_become_tiers():
    assert tiers_of_scores({"a": 5, "b": 9, "c": 5}) == [["b"], ["a", "c"]]


def test_a_round_of_thousands_is_solved():
    """Above the depth to which the library's own copies go, and proven like a small one."""
    trainees = [f"t{n}" for n in range(2000)]
    places = [f"p{n}" for n in range(100)]
    choices = {
        one: tuple(sorted(places, key=lambda place, one=one: ticket(place, one))[:5])
        for one in trainees
    }
    instance = Instance(dict.fromkeys(places, 3), choices, {}, "seed")
    matched, _ = solve(instance)
    assert blocking_pairs(instance, matched) == []
    assert len(matched) == 300
