"""Every statistic against base R; the figures come from `oracle/generate.R`."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

from marketplace.reporting.rules.exact_tests import binomial_test, holm
from marketplace.reporting.rules.intervals import clopper_pearson, wilson
from marketplace.reporting.rules.stats_cases import answer_case

R = json.loads((Path(__file__).parent / "oracle" / "r_figures.json").read_text())
PANEL = str(files("marketplace.reporting") / "data" / "sample_panel.csv")


def test_the_figures_say_which_r_made_them():
    assert R["r"].startswith("R version ")


@pytest.mark.parametrize("row", R["intervals"], ids=lambda r: f"{r['x']}/{r['n']}@{r['conf']}")
def test_intervals(row):
    score = wilson(row["x"], row["n"], row["conf"])
    exact = clopper_pearson(row["x"], row["n"], row["conf"])
    # R's own limits carry rounding of the order of 1e-16 at the ends
    assert score.limits() == pytest.approx(row["wilson"], rel=1e-10, abs=1e-15)
    assert exact.limits() == pytest.approx(row["clopper_pearson"], rel=1e-10, abs=1e-15)


@pytest.mark.parametrize("row", R["binomials"], ids=lambda r: f"{r['x']}/{r['n']}~{r['p0']}")
def test_binomial(row):
    found = binomial_test(row["x"], row["n"], row["p0"])
    assert found.p_two_sided == pytest.approx(row["p_two_sided"], rel=1e-9, abs=1e-300)
    assert found.p_greater == pytest.approx(row["p_greater"], rel=1e-9, abs=1e-300)
    assert found.p_less == pytest.approx(row["p_less"], rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("row", R["holm"])
def test_holm(row):
    assert holm(row["p_values"]) == pytest.approx(row["adjusted"], rel=1e-14)


@pytest.mark.parametrize("row", R["two_proportions"], ids=lambda r: str(list(r.values())[:4]))
def test_two_proportions(row):
    given = {name: row[name] for name in ("x1", "n1", "x2", "n2")}
    answer = answer_case({"topic": "two_proportions", "input": given})
    for name, value in row.items():
        if name in given:
            continue
        if value is None:
            assert answer[name] is None, name
        else:
            # fisher.test itself is good to about 1e-7 relative for large tables
            tolerance = 1e-7 if name.startswith("fisher") else 1e-9
            assert answer[name] == pytest.approx(value, rel=tolerance, abs=1e-13), name


@pytest.mark.parametrize("row", R["weighting"], ids=lambda r: r["filter"])
def test_weighting(row):
    answer = answer_case(
        {
            "topic": "weighting",
            "input": {
                "microdata": PANEL,
                "filter": row["filter"],
                "variables": row["variables"],
                "respondent": "match_items_answered==1",
                "denominator": "certified_rol==1",
                "numerator": "main_result==matched_pgy1",
            },
        }
    )
    assert answer.keys() == row["answer"].keys()
    for name, value in row["answer"].items():
        assert answer[name] == pytest.approx(value, rel=1e-8), name
