"""The claim gate, and the trap that it is there for."""

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.reporting.rules import bounds, claims
from marketplace.reporting.rules.benchmarks import choose
from marketplace.reporting.rules.claims import Against, RateFacts
from marketplace.reporting.rules.cohort import report
from marketplace.reporting.rules.exact_tests import binomial_test
from marketplace.reporting.rules.intervals import wilson
from marketplace.reporting.rules.panel import PanelRow

HIGHER = "higher than the national rate"


def facts(matched, active, silent, responded=None, verified=0):
    responded = active if responded is None else responded
    return RateFacts(
        group="us_img", whom="the US IMGs", year=2024, matched=matched, active=active,
        interval=wilson(matched, active), responded=responded, eligible=active + silent,
        rr1=responded / (active + silent), rr2=responded / (active + silent),
        bounds=bounds.unknown_applicants(matched, active, silent),
        matched_verified=verified, as_of=date(2024, 6, 1),
    )  # fmt: skip


def against(registry, rate):
    benchmark = choose(registry, 2024, "us_img").benchmark
    p = binomial_test(rate.matched, rate.active, benchmark.proportion).p_two_sided
    silent = rate.eligible - rate.active
    tipping = bounds.tipping_point(
        rate.matched, rate.active, rate.active + silent, benchmark.proportion
    )
    return Against(benchmark, p, p, tipping)


def must_stand_beside(text, rate):
    assert f"{rate.matched} (" in text
    assert f"{rate.active} active applicants" in text
    assert f"{rate.responded} of {rate.eligible} eligible responded" in text
    assert "RR1 " in text
    assert f"RR2 {100 * rate.rr2:.1f}%" in text
    assert f"{100 * rate.bounds.lower:.1f}% and {100 * rate.bounds.upper:.1f}%" in text
    assert "verified by a document or a roster" in text
    assert "as of 2024-06-01" in text


def trap_panel(size=2000, truth=0.64, seed=20240315):
    """A response of 45% that depends on having matched: 64% become 76%."""
    chance = random.Random(seed)
    answers = {True: 0.45 * 0.76 / truth, False: 0.45 * 0.24 / (1 - truth)}
    rows = []
    for i in range(size):
        matched = chance.random() < truth
        common = {"trainee_id": f"T{i}", "img_type": "us_img", "invited": True,
                  "delivery": "delivered", "rotation_status": "completed", "frame_flag": "ok",
                  "specialty": "pediatrics", "modality": "in_person",
                  "grad_band": "0-2y"}  # fmt: skip
        if chance.random() < answers[matched]:
            rows.append(
                PanelRow(
                    **common, disposition="I", match_items_answered=True, registered=True,
                    certified_rol=True, outcome_source="self_reported",
                    main_result="matched_pgy1" if matched else "unmatched",
                )
            )  # fmt: skip
        else:
            rows.append(PanelRow(**common, disposition="NC_no_reply", match_items_answered=False))
    return rows


def test_the_trap_does_not_pass_unqualified(registry):
    """Respondents show 76%, the truth is 64%, the nation 67%: the sentence must say so."""
    made = report(trap_panel(), year=2024, as_of=date(2024, 6, 1), benchmarks=registry)
    group = made["groups"]["us_img"]
    assert group["match_rate"] == pytest.approx(0.76, abs=0.03)
    assert group["wilson95"][0] > 0.67, "naively, significantly above the national rate"
    assert group["p_holm"] < 0.05
    lower, upper = group["manski_unknown_applicants"]
    assert lower < 0.64 < upper
    (claim,) = [c for c in made["claims"] if c["group"] == "us_img" and c["kind"] != "rate"]
    assert claim["kind"] == "higher"
    assert claim["qualified"]
    assert "among those who answered" in claim["text"]
    assert "not shown for the whole group" in claim["text"]
    for needed in ("eligible responded", "RR2 4", "the rate lies between", "verified by"):
        assert needed in claim["text"]


def test_unqualified_only_where_the_lower_bound_exceeds_the_benchmark(registry):
    rate = facts(matched=950, active=1000, silent=50)
    claim = claims.make(rate, against(registry, rate))[1]
    assert rate.bounds.lower > 0.6705
    assert not claim.qualified
    assert HIGHER in claim.text
    must_stand_beside(claim.text, rate)


def test_lower_is_held_to_the_same(registry):
    qualified = facts(matched=500, active=1000, silent=900)
    unqualified = facts(matched=500, active=1000, silent=50)
    for rate, expected in ((qualified, True), (unqualified, False)):
        claim = claims.make(rate, against(registry, rate))[1]
        assert claim.kind == "lower"
        assert claim.qualified is expected
        must_stand_beside(claim.text, rate)


def test_without_significance_no_direction_is_claimed(registry):
    rate = facts(matched=3, active=4, silent=0)
    claim = claims.make(rate, against(registry, rate))[1]
    assert claim.kind == "not_shown"
    assert "higher" not in claim.text
    must_stand_beside(claim.text, rate)


def test_without_applicants_nothing_is_said():
    assert claims.make(facts(0, 0, 5)) == []


@given(
    active=st.integers(1, 3000), share=st.floats(0, 1), silent=st.integers(0, 3000),
    verified=st.floats(0, 1),
)  # fmt: skip
def test_whatever_the_figures_the_gate_holds(registry, active, share, silent, verified):
    matched = round(active * share)
    rate = facts(matched, active, silent, verified=round(matched * verified))
    made = claims.make(rate, against(registry, rate))
    for claim in made:
        must_stand_beside(claim.text, rate)
        # one sentence: nothing of it can be quoted as a sentence without the rest
        assert claim.text.count(". ") == 0
        if HIGHER in claim.text and not claim.qualified:
            assert rate.bounds.lower > 0.6705
        if "lower than the national rate" in claim.text and not claim.qualified:
            assert rate.bounds.upper < 0.6695
    assert claims.ungated(" ".join(claim.text for claim in made), made) == []


def test_text_that_compares_outside_the_gate_is_found(registry):
    rate = facts(950, 1000, 50)
    passed = claims.make(rate, against(registry, rate))
    bare = "Our trainees matched at a higher rate than the NRMP average."
    text = f"Rotations help. {bare} {passed[1].text}"
    assert claims.ungated(text, passed) == [bare]
    for bare in (
        "AMO trainees exceeded the NRMP Match average.",
        "Our trainees match at twice the national rate.",
        "Our 76% tops the nation's 67%.",
        "Ours is the highest match rate in the country.",
        "Our trainees do as well as the average.",
        "The panel's rate is 9 points over the NRMP figure.",
        "76% against 67% for the nation.",
        "Compared with the national rate, ours is 76%.",
        "Ours is well past the national rate.",
        "Nationally 67% match; with us 76% do.",
        "The US rate is 0.67 and ours 0.76.",
        "Ours is significantly different from the national rate.",
        "Our graduates are likelier to match, as other IMGs know.",
        "Unlike the country, ours matched.",
        "Nuestra tasa supera la nacional.",
    ):
        assert claims.ungated(f"{bare} {passed[1].text}", passed) == [bare]
    assert claims.ungated("The median of 25 programs was reported.", passed) == []
    assert claims.ungated(passed[1].text[:200], passed), "a sentence passes whole or not at all"
