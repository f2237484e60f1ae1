"""Confidence intervals for one proportion."""

import math
from dataclasses import dataclass
from statistics import NormalDist

from marketplace.reporting.errors import ConfidenceOutOfRange, Negative, OutOfOrder
from marketplace.reporting.rules import libraries

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A proportion with its limits, all in 0 to 1; all None where there is no denominator."""

    estimate: float | None
    lower: float | None
    upper: float | None

    def limits(self) -> list[float | None]:
        """The limits as a pair, for documents."""
        return [self.lower, self.upper]


UNKNOWN = Interval(None, None, None)


def ratio(numerator: float, denominator: float) -> float | None:
    """`numerator / denominator`, or None where the denominator is zero."""
    return None if denominator == 0 else numerator / denominator


def normal_quantile(confidence: float) -> float:
    """The z that leaves half of `1 - confidence` in each tail."""
    if not 0 < confidence < 1:
        raise ConfidenceOutOfRange(
            f"confidence is {confidence:g}; it must be above 0 and below 1, such as 0.95"
        )
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def check_counts(x: float, n: float) -> None:
    """Refuse a numerator outside 0 to n."""
    if x < 0 or n < 0:
        raise Negative(f"counts can't be negative: x is {x:g}, n is {n:g}")
    if x > n:
        raise OutOfOrder(f"x is {x:g}, above n, which is {n:g}")


def wilson(x: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """The score interval of x out of n, without continuity correction.

    `x` and `n` may be fractional: an effective sample size is. The limits are the roots of
    (p̂ - p)² = z² p (1 - p) / n (Wilson, JASA 22, 1927); the lower is taken from the product
    of the roots, because the usual difference loses its digits where x is small against n.
    """
    z_squared = normal_quantile(confidence) ** 2
    check_counts(x, n)
    if n == 0:
        return UNKNOWN
    middle = x + z_squared / 2
    spread = math.sqrt(z_squared * (x * ((n - x) / n) + z_squared / 4))
    upper = 1.0 if x == n else min(1.0, (middle + spread) / (n + z_squared))
    lower = (x / n) * x / (middle + spread)
    return Interval(x / n, lower, upper)


def wilson_for_rate(rate: float, effective_n: float, confidence: float = CONFIDENCE) -> Interval:
    """The score interval of a weighted rate on its effective sample size."""
    return wilson(min(rate, 1.0) * effective_n, effective_n, confidence)


def clopper_pearson(x: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """The exact interval of x out of n with half of alpha in each tail, also at 0 and n.

    Clopper and Pearson, Biometrika 26, 1934, by quantiles of the beta distribution.
    """
    normal_quantile(confidence)
    check_counts(x, n)
    if n == 0:
        return UNKNOWN
    tail = (1 - confidence) / 2
    special = libraries.special()
    lower = 0.0 if x == 0 else float(special.betaincinv(x, n - x + 1, tail))
    upper = 1.0 if x == n else float(special.betainccinv(x + 1, n - x, tail))
    return Interval(x / n, lower, upper)
