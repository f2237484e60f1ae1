"""Raking and what it costs against R's package survey; figures from `oracle/generate_survey.R`."""

import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import pytest

from marketplace.reporting.rules.stats_cases import answer_case
from marketplace.reporting.rules.weighting import Kind, weigh

R = json.loads((Path(__file__).parent / "oracle" / "r_survey.json").read_text())
PANEL = str(files("marketplace.reporting") / "data" / "sample_panel.csv")


def of_panel(case):
    given = {
        "microdata": PANEL,
        "filter": "disposition!=NE",
        "variables": case["variables"],
        "respondent": "match_items_answered==1",
        "denominator": "certified_rol==1",
        "numerator": "main_result==matched_pgy1",
    }
    return answer_case({"topic": "weighting", "input": given})


def of_cells(case):
    kinds = {
        Kind((a, b, c), answered, applied, matched): n
        for a, b, c, answered, applied, matched, n in case["cells"]
    }
    return asdict(weigh(kinds, case["variables"]))


@pytest.mark.parametrize("case", R["cases"])
def test_weights_and_diagnostics(case):
    found = of_panel(case) if "panel" in case else of_cells(case)
    for name, value in case["answer"].items():
        assert found[name] == pytest.approx(value, rel=1e-9), name


def test_the_versions_are_named_and_some_weights_are_far_apart():
    assert R["r"].startswith("R version ")
    assert R["survey"]
    assert max(case["answer"]["kish_design_effect_applicants"] for case in R["cases"]) > 1.5
