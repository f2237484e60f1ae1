"""Exact tests of one or two proportions, and adjustment for several tests."""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from marketplace.reporting.errors import NotAProportion
from marketplace.reporting.rules import libraries
from marketplace.reporting.rules.intervals import check_counts

# outcomes as likely as the observed one but for rounding count as no likelier
RELATIVE_SLACK = 1 + 1e-7
PERCENT = 100
# against the likeliest table; far above where doubles stop shrinking
NEGLIGIBLE = 1e-300


@dataclass(frozen=True, slots=True)
class BinomialTest:
    """P-values of x out of n against a given proportion; None where n is zero."""

    p_two_sided: float | None
    p_greater: float | None
    p_less: float | None


@dataclass(frozen=True, slots=True)
class RoundingSensitivity:
    """Two-sided p-values at both ends, and the middle, of what a printed figure may stand for."""

    p_at_low: float | None
    p_at_printed: float | None
    p_at_high: float | None


@dataclass(frozen=True, slots=True)
class ScoreTest:
    """The pooled score test of two proportions: chi squared on one degree of freedom."""

    chi_squared: float | None
    p_two_sided: float | None


def check_proportion(value: float, name: str) -> None:
    """Refuse what lies outside 0 to 1, naming the usual slip."""
    if not 0 <= value <= 1:
        hint = " (a percentage? divide it by 100)" if 1 < value <= PERCENT else ""
        raise NotAProportion(f"{name} is {value:g}; it must be from 0 to 1{hint}")


def binomial_test(x: int, n: int, p0: float) -> BinomialTest:
    """Exact test that x out of n comes from proportion `p0`.

    Two-sided: the sum of the probabilities of all outcomes no likelier than x, with a relative
    slack of 1e-7. Greater: P(X >= x). Less: P(X <= x).
    """
    check_counts(x, n)
    check_proportion(p0, "p0")
    if n == 0:
        return BinomialTest(None, None, None)
    binom = libraries.stats().binom(n, p0)
    less = float(binom.cdf(x))
    greater = float(binom.sf(x - 1))
    if p0 in {0, 1}:
        return BinomialTest(1.0 if x == n * p0 else 0.0, greater, less)
    limit = float(binom.pmf(x)) * RELATIVE_SLACK
    expected = n * p0
    # each side of the expected count is monotone, so a bisection finds where outcomes become
    # no likelier than x on the side away from it
    if x < expected:
        above = range(math.ceil(expected), n + 1)
        first = bisect_left(above, x=True, key=lambda i: bool(binom.pmf(i) <= limit))
        both = less + float(binom.sf(above.start + first - 1))
    elif x > expected:
        below = range(math.floor(expected) + 1)
        first = bisect_left(below, x=True, key=lambda i: bool(binom.pmf(below[-1 - i]) <= limit))
        both = greater + float(binom.cdf(below[-1] - first))
    else:
        both = 1.0
    return BinomialTest(min(1.0, both), greater, less)


def benchmark_rounding(
    x: int, n: int, printed: float, low: float, high: float
) -> RoundingSensitivity:
    """How far a two-sided p-value depends on the digits that a benchmark was printed with."""
    return RoundingSensitivity(
        binomial_test(x, n, low).p_two_sided,
        binomial_test(x, n, printed).p_two_sided,
        binomial_test(x, n, high).p_two_sided,
    )


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """P-values adjusted for their number (Holm, Scand. J. Statist. 6, 1979), by name."""
    for name, p in p_values.items():
        check_proportion(p, f"the p-value of {name}")
    adjusted: dict[str, float] = {}
    highest = 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}


def fisher_exact(x1: int, n1: int, x2: int, n2: int) -> float | None:
    """Two-sided p-value of Fisher's exact test, None where a group is empty.

    Sums the tables with the same margins that are no likelier than the observed one. The
    probabilities are built up from the likeliest table by exact ratios, so that no digits are
    lost to logarithms of factorials.
    """
    check_counts(x1, n1)
    check_counts(x2, n2)
    if n1 == 0 or n2 == 0:
        return None
    total = x1 + x2
    low, high = max(0, total - n2), min(n1, total)
    mode = min(high, max(low, (n1 + 1) * (total + 1) // (n1 + n2 + 2)))
    relative = {mode: 1.0}
    for k in range(mode, high):
        step = (n1 - k) * (total - k) / ((k + 1) * (n2 - total + k + 1))
        relative[k + 1] = relative[k] * step
        if relative[k + 1] < NEGLIGIBLE:
            break
    for k in range(mode, low, -1):
        step = k * (n2 - total + k) / ((n1 - k + 1) * (total - k + 1))
        relative[k - 1] = relative[k] * step
        if relative[k - 1] < NEGLIGIBLE:
            break
    limit = relative.get(x1, 0.0) * RELATIVE_SLACK
    extreme = math.fsum(weight for weight in relative.values() if weight <= limit)
    return min(1.0, extreme / math.fsum(relative.values()))


def score_test(x1: int, n1: int, x2: int, n2: int) -> ScoreTest:
    """The pooled score test, without continuity correction; None where it is 0/0."""
    check_counts(x1, n1)
    check_counts(x2, n2)
    matched, others = x1 + x2, n1 + n2 - x1 - x2
    spread = n1 * n2 * matched * others
    if spread == 0:
        return ScoreTest(None, None)
    chi_squared = (x1 * n2 - x2 * n1) ** 2 * (n1 + n2) / spread
    return ScoreTest(chi_squared, math.erfc(math.sqrt(chi_squared / 2)))
