"""The same statistics against statsmodels and scipy, over whole ranges rather than examples."""

import pytest
from scipy.stats import binomtest, fisher_exact
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import (
    binom_test,
    confint_proportions_2indep,
    proportion_confint,
    proportions_ztest,
)

from marketplace.reporting.rules.exact_tests import binomial_test, holm
from marketplace.reporting.rules.exact_tests import fisher_exact as our_fisher
from marketplace.reporting.rules.intervals import clopper_pearson, wilson
from marketplace.reporting.rules.proportions import compare

SMALL = [(x, n) for n in (1, 2, 7, 40) for x in range(n + 1)]


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_intervals(confidence):
    for x, n in SMALL:
        alpha = 1 - confidence
        assert wilson(x, n, confidence).limits() == pytest.approx(
            proportion_confint(x, n, alpha, "wilson"), rel=1e-9, abs=1e-14
        )
        assert clopper_pearson(x, n, confidence).limits() == pytest.approx(
            proportion_confint(x, n, alpha, "beta"), rel=1e-9, abs=1e-14
        )


@pytest.mark.parametrize("p0", [0.02, 0.3, 0.5, 0.612, 0.97])
def test_binomial(p0):
    for x, n in SMALL:
        found = binomial_test(x, n, p0)
        assert found.p_two_sided == pytest.approx(binomtest(x, n, p0).pvalue, rel=1e-9)
        assert found.p_two_sided == pytest.approx(binom_test(x, n, p0), rel=1e-9)
        assert found.p_greater == pytest.approx(binom_test(x, n, p0, "larger"), rel=1e-9)
        assert found.p_less == pytest.approx(binom_test(x, n, p0, "smaller"), rel=1e-9)


def test_holm():
    values = {"a": 0.03, "b": 0.001, "c": 0.2, "d": 0.03, "e": 0.9}
    expected = multipletests(list(values.values()), method="holm")[1]
    assert list(holm(values).values()) == pytest.approx(expected, rel=1e-14)


def test_two_proportions():
    for x1, n1, x2, n2 in [(26, 35, 34, 46), (3, 9, 60, 70), (450, 1000, 640, 1000), (1, 8, 7, 8)]:
        found = compare(x1, n1, x2, n2)
        assert found.difference.limits() == pytest.approx(
            confint_proportions_2indep(x1, n1, x2, n2, method="newcomb"), rel=1e-9
        )
        assert found.risk_ratio.limits() == pytest.approx(
            confint_proportions_2indep(x1, n1, x2, n2, method="log", compare="ratio"), rel=1e-9
        )
        z, p = proportions_ztest([x1, x2], [n1, n2])
        assert found.score_chi2 == pytest.approx(z**2, rel=1e-9)
        assert found.score_p_two_sided == pytest.approx(p, rel=1e-9)


def test_fisher_over_all_small_tables():
    for n1, n2 in [(1, 1), (3, 8), (7, 7), (12, 5)]:
        for x1 in range(n1 + 1):
            for x2 in range(n2 + 1):
                expected = fisher_exact([[x1, n1 - x1], [x2, n2 - x2]])[1]
                assert our_fisher(x1, n1, x2, n2) == pytest.approx(expected, rel=1e-9)
