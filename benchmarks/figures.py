"""Figures: what was measured, against what, whether it holds; and the arithmetic of latencies."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any, Literal

Direction = Literal["at most", "at least", "below"]
NONE_YET = "none yet"


@dataclass(frozen=True, slots=True)
class Target:
    """A limit for the value, or for its ratio to what it is measured against."""

    of: Literal["value", "ratio"]
    direction: Direction
    limit: float

    def met_by(self, measured: float) -> bool:
        if self.direction == "at least":
            return measured >= self.limit
        if self.direction == "at most":
            return measured <= self.limit
        return measured < self.limit

    def __str__(self) -> str:
        return f"{self.of} {self.direction} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. `reference` is the same quantity of `against`, in the same unit."""

    name: str
    value: float
    unit: str
    against: str | None = None
    reference: float | None = None
    target: Target | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Value over reference; None without a reference, or where that is zero."""
        return None if not self.reference else self.value / self.reference

    @property
    def holds(self) -> bool | None:
        """Whether the target is met; None without one. What could not be measured does not hold."""
        if self.target is None:
            return None
        measured = self.value if self.target.of == "value" else self.ratio
        return measured is not None and self.target.met_by(measured)

    def line(self) -> str:
        """The figure as one line of JSON."""
        against = None
        if self.against is not None:
            against = {"name": self.against, "value": significant(self.reference)}
        return json.dumps(
            {
                "name": self.name,
                "value": significant(self.value),
                "unit": self.unit,
                "against": against,
                "ratio": significant(self.ratio),
                "target": None if self.target is None else str(self.target),
                "holds": self.holds,
                "detail": {"target": NONE_YET, **self.detail}
                if self.target is None
                else self.detail,
            },
            ensure_ascii=False,
        )


def of_small_sizes(figure: Figure) -> Figure:
    """The figure without its target, if that is for a ratio: at small sizes it tells of the sizes."""
    if figure.target is None or figure.target.of != "ratio":
        return figure
    kept = {"target": f"{figure.target} at full size", **figure.detail}
    return replace(figure, target=None, detail=kept)


def significant(number: float | None, digits: int = 4) -> float | None:
    """Round to so many significant digits; whole numbers stay whole."""
    if number is None or number == 0 or not math.isfinite(number):
        return number
    if float(number).is_integer():
        return int(number)
    return round(number, digits - 1 - math.floor(math.log10(abs(number))))


def percentile(sample: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: the least value that `percent` % of the sample don't exceed.

    `ValueError` for an empty sample or a percentage outside (0, 100].
    """
    if not sample:
        raise ValueError("an empty sample has no percentile")
    if not 0 < percent <= 100:
        raise ValueError(f"a percentile is above 0 and at most 100, not {percent}")
    rank = math.ceil(percent / 100 * len(sample))
    return sorted(sample)[rank - 1]


def latencies(seconds: Sequence[float]) -> dict[str, float | int]:
    """Milliseconds at p50, p95 and p99, the longest, and how many there were."""
    if not seconds:
        return {"count": 0}
    shown: dict[str, float | int] = {"count": len(seconds)}
    for percent in (50, 95, 99):
        shown[f"p{percent}"] = round(percentile(seconds, percent) * 1000, 3)
    return {**shown, "longest": round(max(seconds) * 1000, 3)}


def middle(values: Iterable[float]) -> float:
    """The median of repeated measurements."""
    return median(values)


def least(values: Iterable[float]) -> float:
    """The least of repeated measurements of one fixed work: the one that was disturbed least."""
    return min(values)


def failures(figures: Iterable[Figure]) -> list[str]:
    """Names of the figures whose target is not met."""
    return [figure.name for figure in figures if figure.holds is False]
