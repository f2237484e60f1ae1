"""Properties that hold for every count: intervals, tests, bounds, response rates."""

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.reporting.errors import ConfidenceOutOfRange, Negative, OutOfOrder
from marketplace.reporting.rules import bounds
from marketplace.reporting.rules.aapor import Dispositions, rates, rates_at
from marketplace.reporting.rules.exact_tests import binomial_test, fisher_exact, holm
from marketplace.reporting.rules.intervals import clopper_pearson, wilson
from marketplace.reporting.rules.proportions import compare

COUNTS = st.integers(0, 10**7).flatmap(
    lambda n: st.tuples(st.integers(0, n), st.just(n)) if n else st.just((0, 1))
)
CONFIDENCES = st.floats(0.01, 0.9999)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
class TestIntervals:
    @given(counts=COUNTS, confidence=CONFIDENCES)
    def test_contain_the_estimate_and_stay_within_0_and_1(self, interval, counts, confidence):
        found = interval(*counts, confidence)
        assert 0 <= found.lower <= found.estimate <= found.upper <= 1

    @given(counts=COUNTS)
    def test_rise_with_x(self, interval, counts):
        x, n = counts
        if x < n:
            low, high = interval(x, n), interval(x + 1, n)
            assert low.lower < high.lower
            assert low.upper < high.upper

    @given(counts=COUNTS)
    def test_mirror_themselves(self, interval, counts):
        x, n = counts
        this, that = interval(x, n), interval(n - x, n)
        assert this.lower == pytest.approx(1 - that.upper, abs=1e-12)

    @given(counts=COUNTS, confidence=st.floats(0.1, 0.9))
    def test_widen_with_confidence(self, interval, counts, confidence):
        narrow, wide = interval(*counts, confidence), interval(*counts, confidence + 0.05)
        assert wide.lower <= narrow.lower
        assert wide.upper >= narrow.upper

    def test_end_exactly_at_the_ends(self, interval):
        for n in (1, 10, 10**9):
            assert interval(0, n).lower == 0
            assert interval(n, n).upper == 1

    def test_without_denominator_are_unknown(self, interval):
        assert interval(0, 0).limits() == [None, None]
        assert interval(0, 0).estimate is None

    @pytest.mark.parametrize("confidence", [0, 1, 95, -0.1, float("nan")])
    def test_refuse_a_confidence_that_is_none(self, interval, confidence):
        with pytest.raises(ConfidenceOutOfRange):
            interval(1, 2, confidence)

    def test_refuse_impossible_counts(self, interval):
        with pytest.raises(OutOfOrder):
            interval(3, 2)
        with pytest.raises(Negative):
            interval(-1, 2)


def test_wilson_keeps_its_digits_where_x_is_small_against_n():
    # the product of the roots is x²/(n (n + z²)), and the upper one has no cancellation
    found = wilson(1, 10**9)
    z_squared = 1.959963984540054**2
    assert found.lower * found.upper == pytest.approx(1 / (10**9 * (10**9 + z_squared)), rel=1e-12)


@given(n=st.integers(1, 60), x=st.integers(0, 60), p0=st.sampled_from([1, 30, 50, 61, 99]))
def test_binomial_is_the_sum_of_outcomes_no_likelier_in_exact_fractions(n, x, p0):
    x = min(x, n)
    p = Fraction(p0, 100)
    chance = [comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(n + 1)]
    limit = chance[x] * (1 + Fraction(1, 10**7))
    found = binomial_test(x, n, p0 / 100)
    assert found.p_two_sided == pytest.approx(float(sum(c for c in chance if c <= limit)), rel=1e-9)
    assert found.p_greater == pytest.approx(float(sum(chance[x:])), rel=1e-9)
    assert found.p_less == pytest.approx(float(sum(chance[: x + 1])), rel=1e-9)


def test_binomial_at_certainty():
    assert binomial_test(0, 5, 0).p_two_sided == 1
    assert binomial_test(1, 5, 0).p_two_sided == 0
    assert binomial_test(5, 5, 1).p_two_sided == 1
    assert binomial_test(4, 5, 1).p_greater == 1
    assert binomial_test(0, 0, 0.5).p_two_sided is None


@given(n1=st.integers(1, 40), n2=st.integers(1, 40), x1=st.integers(0, 40), x2=st.integers(0, 40))
def test_fisher_in_exact_fractions(n1, n2, x1, x2):
    x1, x2 = min(x1, n1), min(x2, n2)
    total = x1 + x2
    chance = {
        k: Fraction(comb(n1, k) * comb(n2, total - k), comb(n1 + n2, total))
        for k in range(max(0, total - n2), min(n1, total) + 1)
    }
    limit = chance[x1] * (1 + Fraction(1, 10**7))
    expected = float(sum(c for c in chance.values() if c <= limit))
    assert fisher_exact(x1, n1, x2, n2) == pytest.approx(expected, rel=1e-12)


def test_fisher_far_out_and_large():
    assert fisher_exact(0, 10**6, 10**6, 10**6) == 0
    assert fisher_exact(5 * 10**8, 10**9, 5 * 10**8, 10**9) == 1


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=8))
def test_holm_never_lowers_and_keeps_the_order(values):
    adjusted = holm(values)
    assert list(adjusted) == list(values)
    for name, p in values.items():
        assert p <= adjusted[name] <= 1
        assert all(adjusted[name] <= adjusted[other] for other in values if p < values[other])


def test_ratios_without_a_denominator_are_null():
    found = compare(0, 10, 0, 12)
    assert found.risk_ratio.estimate is None
    assert found.score_chi2 is None
    assert found.difference.estimate == 0
    assert compare(0, 0, 1, 2).difference.estimate is None
    assert compare(0, 0, 1, 2).fisher_p_two_sided is None
    assert compare(0, 5, 3, 5).risk_ratio.estimate == 0
    assert compare(0, 5, 3, 5).risk_ratio.limits() == [None, None]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30))
def test_bounds_contain_the_truth_whatever_the_silent_did(people):
    """People as (matched, answered): the whole group's rate is never outside the bounds."""
    x = sum(matched and answered for matched, answered in people)
    answered = sum(answered for _, answered in people)
    found = bounds.known_eligible(x, answered, len(people))
    if people:
        truth = sum(matched for matched, _ in people) / len(people)
        assert found.lower <= truth <= found.upper
        assert found.width == pytest.approx((len(people) - answered) / len(people))
    else:
        assert found.lower is None
        assert found.width is None


@given(
    st.lists(
        st.tuples(st.sampled_from(["matched", "unmatched", "not applicant"]), st.booleans()),
        max_size=30,
    )
)
def test_bounds_contain_the_truth_whoever_of_the_silent_applied(people):
    def count(result, answered):
        return sum((r, a) == (result, answered) for r, a in people)

    active = count("matched", True) + count("unmatched", True)
    silent = sum(not answered for _, answered in people)
    found = bounds.unknown_applicants(count("matched", True), active, silent)
    applicants = sum(result != "not applicant" for result, _ in people)
    if applicants:
        truth = sum(result == "matched" for result, _ in people) / applicants
        assert found.lower <= truth <= found.upper


@given(COUNTS, st.integers(0, 10**6), st.floats(0, 1))
def test_the_tipping_point_tips(counts, silent, benchmark):
    x, responded = counts
    found = bounds.tipping_point(x, responded, responded + silent, benchmark)
    if found.rate is None:
        assert silent == 0
        assert not found.possible
    else:
        whole = (x + found.rate * silent) / (responded + silent)
        assert whole == pytest.approx(benchmark, abs=1e-6)
        assert found.possible == (0 <= found.rate <= 1)


class TestAapor:
    def test_by_hand(self):
        found = rates(Dispositions(I=50, P=10, R=15, NC=20, O=5, UH=30, UO=10, NE=25))
        assert found["e"] == 100 / 125
        assert found["RR1"] == 50 / 140
        assert found["RR2"] == 60 / 140
        assert found["RR3"] == 50 / 132
        assert found["RR4"] == 60 / 132
        assert found["RR5"] == 50 / 100
        assert found["RR6"] == 60 / 100
        assert found["COOP1"] == 50 / 80
        assert found["COOP2"] == 60 / 80
        assert found["COOP3"] == 50 / 75
        assert found["COOP4"] == 60 / 75
        assert found["REF1"] == 15 / 140
        assert found["REF2"] == 15 / 132
        assert found["REF3"] == 15 / 100
        assert found["CON1"] == 80 / 140
        assert found["CON2"] == 80 / 132
        assert found["CON3"] == 80 / 100

    def test_e_may_be_given(self):
        assert rates_at(Dispositions(I=5, UH=10), 0.5)["RR3"] == 5 / 10

    def test_an_unknown_e_leaves_its_rates_unknown(self):
        found = rates_at(Dispositions(I=5, UH=10), None)
        assert (found["RR3"], found["RR1"], found["RR5"]) == (None, 5 / 15, 1)

    def test_nobody_gives_no_rates(self):
        assert set(rates(Dispositions()).values()) == {None}

    @given(st.lists(st.integers(0, 500), min_size=8, max_size=8))
    def test_order_of_the_rates(self, counts):
        found = rates(Dispositions(*counts))
        if any(counts[:5]):
            assert found["RR1"] <= found["RR3"] <= found["RR5"] <= found["RR6"] <= 1
            assert found["RR1"] <= found["RR2"] <= found["RR4"] <= found["RR6"]
            assert found["REF1"] <= found["REF2"] <= found["REF3"]
            assert found["CON1"] <= found["CON2"] <= found["CON3"]
