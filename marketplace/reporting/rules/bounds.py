"""What the silent could make of a rate: worst-case bounds, and the point where it tips.

The bounds are Manski's (American Economic Review 80, 1990): nothing is assumed about those who
did not answer.
"""

from dataclasses import dataclass

from marketplace.reporting.errors import OutOfOrder
from marketplace.reporting.rules.exact_tests import check_proportion
from marketplace.reporting.rules.intervals import check_counts, ratio


@dataclass(frozen=True, slots=True)
class Bounds:
    """The respondents' rate, and the lowest and highest that the whole group's can be."""

    estimate_respondents: float | None
    lower: float | None
    upper: float | None

    @property
    def width(self) -> float | None:
        """How much is not known."""
        return None if self.lower is None or self.upper is None else self.upper - self.lower


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """The rate among the silent at which the whole panel's rate equals a benchmark.

    `rate` may lie outside 0 to 1, and then no answer of the silent could bring it about;
    None where nobody is silent.
    """

    rate: float | None
    possible: bool


def known_eligible(x: int, n_responded: int, n_eligible: int) -> Bounds:
    """Bounds of a rate whose denominator, `n_eligible`, is known: x/N to (x + N - r)/N."""
    check_counts(x, n_responded)
    _check_within(n_responded, n_eligible)
    silent = n_eligible - n_responded
    return Bounds(ratio(x, n_responded), ratio(x, n_eligible), ratio(x + silent, n_eligible))


def unknown_applicants(x_matched: int, n_active: int, n_silent: int) -> Bounds:
    """Bounds where it is not known either which of the silent applied: x/(a+m) to (x+m)/(a+m).

    All silent are active applicants at both ends, since a silent one who did not apply moves
    the rate by less.
    """
    check_counts(x_matched, n_active)
    check_counts(0, n_silent)
    every = n_active + n_silent
    return Bounds(
        ratio(x_matched, n_active), ratio(x_matched, every), ratio(x_matched + n_silent, every)
    )


def tipping_point(x: int, n_responded: int, n_eligible: int, benchmark: float) -> TippingPoint:
    """(b N - x) / (N - r): how the silent would have to fare for the panel to equal b."""
    check_counts(x, n_responded)
    _check_within(n_responded, n_eligible)
    check_proportion(benchmark, "the benchmark")
    silent = n_eligible - n_responded
    rate = ratio(benchmark * n_eligible - x, silent)
    return TippingPoint(rate, rate is not None and 0 <= rate <= 1)


def _check_within(n_responded: int, n_eligible: int) -> None:
    if n_responded > n_eligible:
        raise OutOfOrder(f"{n_responded} responded, more than the {n_eligible} who are eligible")
