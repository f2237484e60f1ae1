"""A round's places given by trainee-proposing deferred acceptance: what goes in, and its proof.

Ids are text. Equals are told apart by one lottery for the whole round: the SHA-256 of seed and id,
the lowest first, so that anybody who knows the seed finds the same order. The library that computes
the assignment is asked elsewhere (`service.allocating`); nothing here trusts it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Order:
    """Whom a host wants: tiers of equals, the best first; who is in none comes after them."""

    tiers: tuple[tuple[str, ...], ...] = ()
    refused: frozenset[str] = frozenset()

    def tier_of(self, trainee: str) -> int:
        for number, tier in enumerate(self.tiers):
            if trainee in tier:
                return number
        return len(self.tiers)


@dataclass(frozen=True)
class Instance:
    """All that the assignment depends on: quotas by place, choices by trainee, orders by place."""

    quotas: Mapping[str, int]
    choices: Mapping[str, tuple[str, ...]]
    orders: Mapping[str, Order]
    seed: str

    @classmethod
    def of_json(cls, inputs: Mapping[str, Any]) -> "Instance":
        return cls(
            quotas=dict(inputs["quotas"]),
            choices={one: tuple(places) for one, places in inputs["choices"].items()},
            orders={
                place: Order(
                    tuple(tuple(tier) for tier in order["tiers"]), frozenset(order["refused"])
                )
                for place, order in inputs["orders"].items()
            },
            seed=inputs["seed"],
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "quotas": dict(self.quotas),
            "choices": {one: list(places) for one, places in self.choices.items()},
            "orders": {
                place: {
                    "tiers": [list(tier) for tier in order.tiers],
                    "refused": sorted(order.refused),
                }
                for place, order in self.orders.items()
            },
            "seed": self.seed,
        }

    def acceptable(self, trainee: str) -> list[str]:
        """The trainee's choices at which they are not refused, the best first."""
        return [
            place
            for place in self.choices[trainee]
            if trainee not in self.orders.get(place, Order()).refused
        ]

    @cached_property
    def strict(self) -> Mapping[str, Sequence[str]]:
        """Everybody who wants a place and is not refused there, in one order without equals."""
        wanting: dict[str, list[str]] = {place: [] for place in self.quotas}
        for trainee in self.choices:
            for place in self.acceptable(trainee):
                wanting[place].append(trainee)
        return {place: self._in_order(place, some) for place, some in wanting.items()}

    def _in_order(self, place: str, trainees: Sequence[str]) -> list[str]:
        order = self.orders.get(place, Order())
        return sorted(trainees, key=lambda one: (order.tier_of(one), ticket(self.seed, one)))


def ticket(seed: str, trainee: str) -> str:
    """The trainee's lot: 64 hexadecimal digits, the lowest goes first among equals."""
    return hashlib.sha256(f"{seed}:{trainee}".encode()).hexdigest()


def digest(value: Mapping[str, Any]) -> str:
    """The SHA-256 of a JSON value, the same whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def blocking_pairs(instance: Instance, matched: Mapping[str, str]) -> list[tuple[str, str]]:
    """Every trainee and place that would both rather have each other; none proves stability.

    The trainee prefers the place to what they got; the place has a seat left, or has given one to
    somebody further down its order, ties broken. A place over its quota, or given to who did not
    ask for it or is refused, is no assignment: `ValueError`.
    """
    given: dict[str, list[str]] = {place: [] for place in instance.quotas}
    for trainee, place in matched.items():
        if place not in instance.acceptable(trainee):
            raise ValueError(f"{place} was given to {trainee}, who may not have it")
        given[place].append(trainee)
    for place, some in given.items():
        if len(some) > instance.quotas[place]:
            raise ValueError(f"{place} was given {len(some)} times")
    ranks = {
        place: {trainee: rank for rank, trainee in enumerate(order)}
        for place, order in instance.strict.items()
    }
    return [
        (trainee, place)
        for trainee in instance.choices
        for place in _preferred(instance, trainee, matched.get(trainee))
        if len(given[place]) < instance.quotas[place]
        or any(ranks[place][other] > ranks[place][trainee] for other in given[place])
    ]


def _preferred(instance: Instance, trainee: str, got: str | None) -> Iterator[str]:
    for place in instance.acceptable(trainee):
        if place == got:
            return
        yield place


@dataclass(frozen=True)
class Answer:
    """Why a trainee got a choice of theirs, or did not.

    `outcome`: `given`; `filled` by `ahead` others, `by_lottery` of whom the host ranked the same;
    `refused` by the host; `left_out`, not open to them when it was run; `not_needed` below what
    they got.
    """

    place: str
    rank: int
    outcome: str
    ahead: int = 0
    by_lottery: int = 0


def sentence_of(answer: Answer) -> str:
    """Name the sentence that tells an answer: the lottery is spoken of only where it decided."""
    plain = answer.outcome == "filled" and not answer.by_lottery
    return "filled_in_order" if plain else answer.outcome


def explain(
    instance: Instance,
    matched: Mapping[str, str],
    trainee: str,
    wanted: Sequence[str],
) -> list[Answer]:
    """An answer for each of the places that the trainee `wanted`, the best first, without names."""
    got = matched.get(trainee)
    answers = []
    done = False
    for rank, place in enumerate(wanted, start=1):
        answers.append(_answer(instance, matched, trainee, place, rank, got, done=done))
        done = done or place == got
    return answers


def _answer(
    instance: Instance,
    matched: Mapping[str, str],
    trainee: str,
    place: str,
    rank: int,
    got: str | None,
    *,
    done: bool,
) -> Answer:
    if place == got:
        return Answer(place, rank, "given")
    if done:
        return Answer(place, rank, "not_needed")
    if place not in instance.choices.get(trainee, ()):
        return Answer(place, rank, "left_out")
    order = instance.orders.get(place, Order())
    if trainee in order.refused:
        return Answer(place, rank, "refused")
    holders = [other for other, theirs in matched.items() if theirs == place]
    tied = sum(order.tier_of(other) == order.tier_of(trainee) for other in holders)
    return Answer(place, rank, "filled", ahead=len(holders), by_lottery=tied)
