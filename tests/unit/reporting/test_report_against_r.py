"""A whole report against base R, from the panel's own text; figures from `oracle/generate_report.R`.

Each figure that stands beside a rate: counts, rates, intervals, response rates, bounds, tipping point,
share verified, tests against the benchmark with Holm's adjustment, the benchmark without the panel.
"""

import json
from datetime import date
from pathlib import Path

import pytest

from marketplace.reporting.rules.cohort import report
from marketplace.reporting.rules.stats_cases import answer_case

R = json.loads((Path(__file__).parent / "oracle" / "r_report.json").read_text())


def agree(ours, theirs, place=""):
    """Compare two answers name by name; figures to ten digits, counts and yes or no exactly."""
    if isinstance(theirs, dict):
        for name, value in theirs.items():
            agree(ours[name], value, f"{place}.{name}")
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), place
        for at, value in enumerate(theirs):
            agree(ours[at], value, f"{place}[{at}]")
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=1e-10, abs=1e-15), place
    else:
        assert ours == theirs, place


@pytest.fixture(scope="module")
def ours(sample, registry):
    return report(sample, year=2024, as_of=date(2024, 8, 1), benchmarks=registry)


@pytest.mark.parametrize("group", R["groups"])
def test_all_that_stands_beside_a_rate(ours, group):
    assert len(R["groups"][group]) > 25
    agree(ours["groups"][group], R["groups"][group], group)


def test_a_benchmark_without_the_panel(ours):
    agree(ours["groups"]["all"]["benchmark_without_panel"], R["without_panel"])


@pytest.mark.parametrize("case", R["aapor"], ids=lambda case: str(list(case["input"].values())))
def test_response_rates(case):
    agree(answer_case({"topic": "aapor_rates", "input": case["input"]}), case["answer"])


@pytest.mark.parametrize("case", R["bounds"], ids=lambda case: f"{case['x']}/{case['answered']}")
def test_bounds(case):
    x, answered, silent = case["x"], case["answered"], case["silent"]
    known = {"x": x, "n_responded": answered, "n_eligible": answered + silent}
    unknown = {
        "x_matched": x,
        "n_active_applicants": answered,
        "n_nonrespondents_eligible_trainees": silent,
    }
    for topic, given in (("known_eligible", known), ("unknown_applicants", unknown)):
        answer = answer_case({"topic": f"manski_bounds_{topic}", "input": given})
        agree(answer, case[topic.split("_")[0]], topic)


@pytest.mark.parametrize("case", R["tipping"], ids=lambda case: f"{case['x']}~{case['benchmark']}")
def test_tipping_points(case):
    given = {
        "x": case["x"],
        "n_responded": case["answered"],
        "n_eligible": case["answered"] + case["silent"],
        "benchmark": case["benchmark"],
    }
    answer = answer_case({"topic": "tipping_point", "input": given})
    rate = answer["nonrespondent_rate_at_which_panel_equals_benchmark"]
    assert rate == pytest.approx(
        case["rate"], rel=1e-9, abs=1e-9
    )  # theirs is a root that was looked for
    assert answer["possible"] is case["possible"]
