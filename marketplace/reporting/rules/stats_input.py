"""Reading the input of one case: each wrong value is refused by name and with its reason."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marketplace.reporting.errors import (
    InputMissing,
    InputUnknown,
    Negative,
    NotFinite,
    NotWhole,
    OutOfOrder,
    TooLarge,
    WrongType,
)
from marketplace.reporting.rules.exact_tests import check_proportion
from marketplace.reporting.rules.intervals import CONFIDENCE, normal_quantile

LARGEST_COUNT = 10**9
LARGEST_NUMBER = 10**300
# other names for the confidence: left out in silence, they would give a 95% interval
MISTAKEN_CONFIDENCE = frozenset(
    {"confidence", "confidence_level", "conf_level", "conf.level", "level", "alpha"}
)


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A JSON object that names something twice: which of the two is meant can't be known."""

    name: str


def named_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any] | Ambiguous:
    """A JSON object of these pairs, for `json.loads`, which would keep the last of two in silence."""
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    names = [name for name, _ in pairs]
    return Ambiguous(next(name for name in made if names.count(name) > 1))


@dataclass(frozen=True, slots=True)
class Inputs:
    """The `input` object of a case."""

    values: Mapping[str, Any]

    def has(self, name: str) -> bool:
        """Whether it is given; null is not given."""
        return self.values.get(name) is not None

    def get(self, name: str) -> Any:
        """Any value; refused where it is not given."""
        if not self.has(name):
            raise InputMissing(f"{name} is needed")
        return self.values[name]

    def number(self, name: str) -> float:
        """A finite number."""
        return finite(self.get(name), name)

    def count(self, name: str) -> int:
        """A whole number from 0 to 10⁹."""
        return whole(self.get(name), name)

    def proportion(self, name: str) -> float:
        """A number from 0 to 1."""
        value = self.number(name)
        check_proportion(value, name)
        return value

    def part_and_whole(self, part: str, total: str) -> tuple[int, int]:
        """Two counts, the first of which is within the second."""
        x, n = self.count(part), self.count(total)
        if x > n:
            raise OutOfOrder(f"{part} is {x}, above {total}, which is {n}")
        return x, n

    def confidence(self) -> float:
        """The confidence, 0.95 if not given."""
        mistaken = sorted(MISTAKEN_CONFIDENCE & self.values.keys())
        if mistaken:
            raise InputUnknown(f"{mistaken[0]} is not known; the confidence is called conf")
        if not self.has("conf"):
            return CONFIDENCE
        value = self.number("conf")
        normal_quantile(value)
        return value

    def text(self, name: str) -> str:
        """A text that is not empty."""
        value = self.get(name)
        if not isinstance(value, str) or not value.strip():
            raise WrongType(f"{name} must be a text that is not empty")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts, without repetition."""
        return _texts(self.get(name), name)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An object."""
        value = self.get(name)
        if not isinstance(value, Mapping):
            raise WrongType(f"{name} must be an object, not {kind(value)}")
        return value

    def counts_by_name(self, name: str) -> dict[str, int]:
        """An object of counts."""
        return {key: whole(value, f"{name}.{key}") for key, value in self.mapping(name).items()}

    def texts_by_name(self, name: str) -> dict[str, list[str]]:
        """An object of lists of texts."""
        return {key: _texts(value, f"{name}.{key}") for key, value in self.mapping(name).items()}


def finite(value: Any, name: str) -> float:
    """A number that is neither a boolean nor infinite nor NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongType(f"{name} must be a number, not {kind(value)}")
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        raise TooLarge(f"{name} is too large")
    if not math.isfinite(value):
        raise NotFinite(f"{name} is {value}; it must be a finite number")
    return value


def whole(value: Any, name: str) -> int:
    """A count: a whole number from 0 to 10⁹; 3.0 is whole, 3.5 is not."""
    number = finite(value, name)
    if number != int(number):
        raise NotWhole(f"{name} is {value}; a count must be a whole number")
    if number < 0:
        raise Negative(f"{name} is {value}; a count can't be negative")
    if number > LARGEST_COUNT:
        raise TooLarge(f"{name} is {value}, above {LARGEST_COUNT}")
    return int(number)


def kind(value: Any) -> str:
    """What JSON calls a value."""
    if isinstance(value, Ambiguous):
        return f"an object that names {value.name} twice"
    names = {bool: "a boolean", str: "a text", list: "a list", dict: "an object"}
    return names.get(type(value), "null" if value is None else "a number")


def _texts(value: Any, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise WrongType(f"{name} must be a list of texts")
    if len(set(value)) != len(value):
        raise WrongType(f"{name} names something twice")
    return value
