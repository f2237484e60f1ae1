"""Two independent proportions against each other."""

import math
from dataclasses import dataclass

from marketplace.reporting.rules.exact_tests import fisher_exact, score_test
from marketplace.reporting.rules.intervals import (
    CONFIDENCE,
    UNKNOWN,
    Interval,
    normal_quantile,
    wilson,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Difference and ratio of two proportions with intervals, and two tests."""

    difference: Interval
    risk_ratio: Interval
    fisher_p_two_sided: float | None
    score_chi2: float | None
    score_p_two_sided: float | None


def newcombe(x1: int, n1: int, x2: int, n2: int, confidence: float = CONFIDENCE) -> Interval:
    """The difference x1/n1 - x2/n2 with the square-and-add interval of two score intervals.

    Method 10 of Newcombe, Statistics in Medicine 17, 1998, 873-890.
    """
    first, second = wilson(x1, n1, confidence), wilson(x2, n2, confidence)
    if (
        first.estimate is None
        or first.lower is None
        or first.upper is None
        or second.estimate is None
        or second.lower is None
        or second.upper is None
    ):
        return UNKNOWN
    difference = (x1 * n2 - x2 * n1) / (n1 * n2)
    below = math.hypot(first.estimate - first.lower, second.upper - second.estimate)
    above = math.hypot(first.upper - first.estimate, second.estimate - second.lower)
    return Interval(difference, difference - below, difference + above)


def katz(x1: int, n1: int, x2: int, n2: int, confidence: float = CONFIDENCE) -> Interval:
    """The risk ratio (x1/n1) / (x2/n2) with its log interval (Katz et al., Biometrics 34, 1978).

    The ratio is None where x2 or a denominator is zero; its limits also where x1 is zero, since
    the logarithm has none.
    """
    z = normal_quantile(confidence)
    if n1 == 0 or n2 == 0 or x2 == 0:
        return UNKNOWN
    estimate = (x1 * n2) / (x2 * n1)
    if x1 == 0:
        return Interval(estimate, None, None)
    # 1/x - 1/n written so that x close to n loses no digits
    half = z * math.sqrt((n1 - x1) / (x1 * n1) + (n2 - x2) / (x2 * n2))
    return Interval(estimate, estimate * math.exp(-half), estimate * math.exp(half))


def compare(x1: int, n1: int, x2: int, n2: int, confidence: float = CONFIDENCE) -> Comparison:
    """Everything that is said about two proportions."""
    score = score_test(x1, n1, x2, n2)
    return Comparison(
        difference=newcombe(x1, n1, x2, n2, confidence),
        risk_ratio=katz(x1, n1, x2, n2, confidence),
        fisher_p_two_sided=fisher_exact(x1, n1, x2, n2),
        score_chi2=score.chi_squared,
        score_p_two_sided=score.p_two_sided,
    )
