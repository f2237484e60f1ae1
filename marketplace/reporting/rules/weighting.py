"""Weights that make the respondents look like the frame, and what they cost.

Raking (iterative proportional fitting; Deming and Stephan, Annals of Mathematical Statistics 11,
1940) scales respondents' weights until each variable's weighted counts equal the frame's.
Weights correct for what the variables explain and nothing else, so a weighted rate is never
shown alone.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from marketplace.reporting.errors import NotConverged, ZeroCell
from marketplace.reporting.rules import libraries
from marketplace.reporting.rules.intervals import (
    CONFIDENCE,
    UNKNOWN,
    Interval,
    ratio,
    wilson_for_rate,
)

TOLERANCE = 1e-10
MAX_SWEEPS = 20_000
DOUBLE_PRECISION = 2.0**-52

Categories = tuple[str, ...]


class Kind(NamedTuple):
    """Rows that weighting treats alike: their categories, and what is known of them."""

    categories: Categories
    respondent: bool
    applicant: bool
    matched: bool


@dataclass(frozen=True, slots=True)
class Raked:
    """A weight for each combination of categories that a respondent has."""

    weights: Mapping[Categories, float]
    sweeps: int
    worst_margin: float


@dataclass(frozen=True, slots=True)
class Weighting:
    """A rate among applicants, unweighted and weighted to the frame, with diagnostics.

    Weights add up to the frame; `raked_applicant_total` is how many of the frame the applicants
    stand for. Rates are None where nobody applied.
    """

    n_frame: int
    n_respondents: int
    n_applicants: int
    n_matched: int
    unweighted_rate: float | None
    poststratified_on_first_var: float | None
    raked_rate: float | None
    raked_applicant_total: float
    raked_weight_min: float
    raked_weight_max: float
    kish_design_effect_applicants: float | None
    kish_effective_n_applicants: float | None
    wilson_on_effective_n: Interval


def weigh(
    kinds: Mapping[Kind, int], variables: Sequence[str], confidence: float = CONFIDENCE
) -> Weighting:
    """Weigh the respondents to the whole frame, `kinds`, by all variables.

    `kinds` counts rows; categories come in the order of `variables`. Refuses a category that
    the frame has and no respondent (ZeroCell), and margins that can't be reached (NotConverged).
    """
    frame = _by_categories(kinds)
    respondents = _by_categories({k: n for k, n in kinds.items() if k.respondent})
    applicants = _by_categories({k: n for k, n in kinds.items() if k.respondent and k.applicant})
    matched = _by_categories({k: n for k, n in kinds.items() if all(k[1:])})
    if not respondents:
        raise ZeroCell("nobody responded, so there is nobody to weigh")
    raked = rake(frame, respondents, variables)
    first = poststratify(frame, respondents)
    total = _weighted(applicants, raked.weights)
    rate = ratio(_weighted(matched, raked.weights), total)
    deff = kish(applicants, raked.weights)
    n_applicants = sum(applicants.values())
    effective = None if deff is None else n_applicants / deff
    return Weighting(
        n_frame=sum(frame.values()),
        n_respondents=sum(respondents.values()),
        n_applicants=n_applicants,
        n_matched=sum(matched.values()),
        unweighted_rate=ratio(sum(matched.values()), n_applicants),
        poststratified_on_first_var=ratio(_weighted(matched, first), _weighted(applicants, first)),
        raked_rate=rate,
        raked_applicant_total=total,
        raked_weight_min=min(raked.weights.values()),
        raked_weight_max=max(raked.weights.values()),
        kish_design_effect_applicants=deff,
        kish_effective_n_applicants=effective,
        wilson_on_effective_n=(
            UNKNOWN
            if rate is None or effective is None
            else wilson_for_rate(rate, effective, confidence)
        ),
    )


def rake(
    frame: Mapping[Categories, int],
    respondents: Mapping[Categories, int],
    variables: Sequence[str],
) -> Raked:
    """Weights whose margins are the frame's to 1e-10 (or a double's precision, if coarser)."""
    np = libraries.numpy()
    cells = sorted(respondents)
    counts = np.array([respondents[cell] for cell in cells], dtype=float)
    margins = []
    for place, name in enumerate(variables):
        wanted = _margin(frame, place)
        _refuse_empty(name, wanted, _margin(respondents, place))
        names = sorted(wanted)
        codes = np.array([names.index(cell[place]) for cell in cells])
        margins.append((name, names, codes, np.array([wanted[n] for n in names], dtype=float)))
    total = sum(frame.values())
    tolerance = max(TOLERANCE, 16 * DOUBLE_PRECISION * total)
    weighted = counts * (total / counts.sum())
    worst = ("", math.inf)
    for sweep in range(1, MAX_SWEEPS + 1):
        for _, names, codes, wanted in margins:
            weighted *= (wanted / np.bincount(codes, weighted, len(names)))[codes]
        worst = max(
            (
                (name, float(np.abs(np.bincount(codes, weighted, len(names)) - wanted).max()))
                for name, names, codes, wanted in margins
            ),
            key=lambda item: item[1],
            default=("", 0.0),
        )
        if worst[1] <= tolerance:
            weights = dict(zip(cells, (weighted / counts).tolist(), strict=True))
            return Raked(weights, sweep, worst[1])
        if not math.isfinite(worst[1]):
            break
    raise NotConverged(
        f"raking did not reach the frame: after {MAX_SWEEPS} sweeps the margin of {worst[0]} is "
        f"off by {worst[1]:.3g}; combinations of {', '.join(variables)} that nobody who "
        "responded has can make that impossible. Use fewer variables or coarser categories"
    )


def poststratify(
    frame: Mapping[Categories, int], respondents: Mapping[Categories, int]
) -> dict[Categories, float]:
    """Weights N/n within the categories of the first variable."""
    wanted, have = _margin(frame, 0), _margin(respondents, 0)
    return {cell: wanted[cell[0]] / have[cell[0]] for cell in respondents}


def kish(counts: Mapping[Categories, int], weights: Mapping[Categories, float]) -> float | None:
    """Kish's design effect of unequal weights: n Σw² / (Σw)²; None where nobody is counted."""
    squares = math.fsum(n * weights[cell] ** 2 for cell, n in counts.items())
    return ratio(sum(counts.values()) * squares, _weighted(counts, weights) ** 2)


def _weighted(counts: Mapping[Categories, int], weights: Mapping[Categories, float]) -> float:
    return math.fsum(n * weights[cell] for cell, n in counts.items())


def _by_categories(kinds: Mapping[Kind, int]) -> dict[Categories, int]:
    result: Counter[Categories] = Counter()
    for kind, n in kinds.items():
        result[kind.categories] += n
    return dict(result)


def _margin(counts: Mapping[Categories, int], place: int) -> dict[str, int]:
    result: Counter[str] = Counter()
    for cell, n in counts.items():
        result[cell[place]] += n
    return dict(result)


def _refuse_empty(name: str, wanted: Mapping[str, int], have: Mapping[str, int]) -> None:
    empty = sorted(category for category in wanted if not have.get(category))
    if empty:
        shown = ", ".join(f"{name}={category or '(empty)'}" for category in empty)
        raise ZeroCell(
            f"no respondent has {shown}, so no weight can stand for it; merge the category with "
            "another or leave the variable out"
        )
