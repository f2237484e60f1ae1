"""The report of a cohort, whole and published."""

import csv
import io
import json
from collections import Counter
from datetime import date
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.reporting.rules import aapor, flow, publication
from marketplace.reporting.rules.aapor import Dispositions
from marketplace.reporting.rules.cohort import AAPOR_INPUTS, report
from marketplace.reporting.rules.panel import DISPOSITIONS, IMG_TYPES, SOURCES, PanelRow
from marketplace.reporting.rules.showing import HIDDEN, Shown
from marketplace.reporting.service.panel_report import (
    panel_report,
    published_benchmarks,
    render_text,
)

SAMPLE = files("marketplace.reporting") / "data" / "sample_panel.csv"
OWED = [
    "eligible",
    "invited",
    "delivered",
    "responded_I_or_P",
    "match_items_answered",
    "registered",
    "active_applicants",
    "matched_pgy1",
    "matched_pgy2_only",
    "match_rate",
    "wilson95",
    "clopper_pearson95",
    "placed_pgy1_active",
    "placement_rate_active",
    "placed_pgy1_all_registered",
    "placement_rate_all_registered",
    "manski_unknown_applicants",
    "matched_by_source",
    "lor_known",
    "lor_earned",
    "lor_rate",
    "lor_wilson95",
    "matched_verified_only_rate_lower",
    "benchmark",
    "p_two_sided",
    "p_greater",
    "p_holm",
]


@pytest.fixture(scope="module")
def whole(sample, registry):
    return report(sample, year=2024, as_of=date(2024, 8, 1), benchmarks=registry)


@pytest.fixture(scope="module")
def published(sample, registry):
    return report(sample, year=2024, benchmarks=registry, public=True)


@pytest.mark.parametrize("group", flow.GROUPS)
def test_everything_owed_is_there(whole, group):
    assert [name for name in OWED if name not in whole["groups"][group]] == []
    assert whole["weighting"][group]["raked_rate"] is not None


@pytest.mark.parametrize("group", flow.GROUPS)
def test_counts_of_the_sample_straight_from_its_text(whole, group):
    """Counted again from the CSV's cells, without any of the product's code."""
    with SAMPLE.open(encoding="utf-8") as source:
        rows = [r for r in csv.DictReader(source) if group in {"all", r["img_type"]}]
    eligible = [r for r in rows if r["disposition"] != "NE"]
    answered = [r for r in eligible if r["match_items_answered"] == "1"]
    registered = [r for r in answered if r["registered"] == "1"]
    active = [r for r in answered if r["certified_rol"] == "1"]
    matched = [r for r in active if r["main_result"] == "matched_pgy1"]

    def placed(rows):
        return sum(
            r["main_result"] == "matched_pgy1" or r["soap_result"] == "placed_pgy1" for r in rows
        )

    got = whole["groups"][group]
    assert got["eligible"] == len(eligible)
    assert got["invited"] == sum(r["invited"] == "1" for r in eligible)
    assert got["delivered"] == sum(r["delivery"] == "delivered" for r in eligible)
    assert got["responded_I_or_P"] == sum(r["disposition"] in "IP" for r in rows)
    assert got["match_items_answered"] == len(answered)
    assert got["registered"] == len(registered)
    assert got["active_applicants"] == len(active)
    assert got["matched_pgy1"] == len(matched)
    assert got["matched_pgy2_only"] == sum(r["main_result"] == "matched_pgy2_only" for r in active)
    assert got["match_rate"] == len(matched) / len(active)
    assert got["placed_pgy1_active"] == placed(active)
    assert got["placement_rate_active"] == placed(active) / len(active)
    assert got["placed_pgy1_all_registered"] == placed(registered)
    assert got["placement_rate_all_registered"] == placed(registered) / len(registered)
    silent = len(eligible) - len(answered)
    every = len(active) + silent
    assert got["manski_unknown_applicants"] == [
        len(matched) / every,
        (len(matched) + silent) / every,
    ]
    by_source = Counter(r["outcome_source"] for r in matched)
    assert got["matched_by_source"] == {name: by_source[name] for name in SOURCES}
    verified = by_source["document_verified"] + by_source["roster_verified"]
    assert got["matched_verified_only_rate_lower"] == verified / len(active)
    letters = [r["lor_earned"] for r in eligible if r["lor_earned"]]
    assert got["lor_known"] == len(letters)
    assert got["lor_earned"] == letters.count("1")
    assert got["lor_rate"] == letters.count("1") / len(letters)
    assert got["dispositions"] == {
        code: sum(r["disposition"] == code for r in rows) for code in DISPOSITIONS
    }


def test_figures_of_the_sample_that_are_known(whole):
    everyone = whole["groups"]["all"]
    assert (everyone["matched_pgy1"], everyone["active_applicants"]) == (60, 81)
    assert everyone["benchmark"] == 0.612
    assert whole["groups"]["us_img"]["benchmark"] == 0.67
    assert whole["groups"]["non_us_img"]["benchmark"] == 0.585
    assert whole["aapor"]["RR2"] == 120 / 287
    # Holm over the three headline tests turns 0.0167 into 0.0501: no difference is claimed
    assert everyone["p_holm"] == pytest.approx(3 * everyone["p_two_sided"])
    assert {claim["kind"] for claim in whole["claims"]} == {"rate", "not_shown"}


def test_a_year_without_benchmarks_tests_nothing(sample, registry):
    found = report(sample, year=2019, benchmarks=registry)
    group = found["groups"]["all"]
    assert group["benchmark"] is None
    assert "no figure is known" in group["no_benchmark_because"]
    assert "p_two_sided" not in group
    assert {claim["kind"] for claim in found["claims"]} == {"rate"}


def test_an_empty_panel_has_counts_of_zero_and_no_rates(registry):
    found = report([], year=2024, benchmarks=registry)
    assert found["groups"]["all"]["eligible"] == 0
    assert found["groups"]["all"]["match_rate"] is None
    assert found["groups"]["all"]["p_two_sided"] is None
    assert found["claims"] == []
    assert found["weighting"]["all"]["error"]["code"] == "zero_cell"
    json.dumps(found, allow_nan=False)


def test_the_same_rows_give_the_same_bytes(sample, registry):
    first, second = (
        json.dumps(report(rows, year=2024, benchmarks=registry), allow_nan=False)
        for rows in (sample, list(reversed(sample)))
    )
    assert first == second


class TestPublished:
    def shown_counts(self, document):
        for group, figures in document["groups"].items():
            for name in flow.COUNTS:
                if name.startswith("disposition_"):
                    value = figures["dispositions"][name.removeprefix("disposition_")]
                elif name.removeprefix("matched_") in SOURCES:
                    value = figures["matched_by_source"][name.removeprefix("matched_")]
                else:
                    value = figures[name]
                yield group, name, value

    def test_no_small_count_is_shown(self, published):
        shown = [n for _, _, n in self.shown_counts(published) if n != HIDDEN]
        assert shown
        assert [n for n in shown if 1 <= n <= 10] == []

    def test_something_worth_reading_is_left(self, published):
        everyone = published["groups"]["all"]
        assert everyone["match_rate"] == 60 / 81
        assert everyone["aapor"]["RR2"] == 120 / 287
        assert [c["group"] for c in published["claims"]] == ["all"]

    def test_every_derived_figure_falls_with_its_counts(self, published):
        for figures in published["groups"].values():
            hidden = HIDDEN in (figures["matched_pgy1"], figures["active_applicants"])
            for name in ("match_rate", "wilson95", "clopper_pearson95", "p_two_sided", "p_less",
                         "p_greater", "p_two_sided_over_rounding"):  # fmt: skip
                assert (figures[name] == HIDDEN) is hidden, name
            if hidden or figures["silent"] == HIDDEN:
                assert figures["manski_unknown_applicants"] == HIDDEN
                assert figures["tipping_point"] == HIDDEN
        assert {g["p_holm"] for g in published["groups"].values()} == {HIDDEN}
        assert set(published["weighting"].values()) == {HIDDEN}

    def test_no_text_tells_a_hidden_count(self, published):
        text = render_text({**published, "benchmark_conflicts": []})
        assert HIDDEN in text
        assert "S0" not in text, "no trainee is named"

    def test_a_large_cohort_hides_nothing_it_need_not(self, sample, registry):
        rows = [
            PanelRow(**{**{name: getattr(row, name) for name in PanelRow.__slots__},
                        "trainee_id": f"{row.trainee_id}-{i}"})
            for row in sample for i in range(11)
        ]  # fmt: skip
        found = report(rows, year=2024, benchmarks=registry, public=True)
        assert all(n != HIDDEN for _, _, n in self.shown_counts(found))
        assert found["groups"]["us_img"]["p_holm"] != HIDDEN


@st.composite
def panels(draw):
    kinds = draw(
        st.lists(
            st.tuples(
                st.sampled_from(IMG_TYPES),
                st.sampled_from(["I", "I", "R", "NC_no_reply"]),
                st.sampled_from(["matched_pgy1", "unmatched"]),
                st.sampled_from(SOURCES),
            ),
            min_size=1, max_size=4, unique=True,
        )
    )  # fmt: skip
    rows = []
    for img_type, disposition, result, source in kinds:
        for i in range(draw(st.integers(1, 30))):
            answered = disposition == "I"
            rows.append(
                PanelRow(
                    trainee_id=f"{img_type}{disposition}{result}{source}{i}",
                    img_type=img_type, disposition=disposition, match_items_answered=answered,
                    registered=answered or None, certified_rol=answered or None,
                    main_result=result if answered else None,
                    outcome_source=source if answered else None,
                )
            )  # fmt: skip
    return rows


@settings(max_examples=8)
@given(panels())
def test_published_panels_keep_their_small_cells(rows):
    """Another table that readers can't tell from the true one exists for each hidden small count.

    Shown counts, and with them all that is worked out from them, are the same for both.
    """
    from itertools import product

    table = flow.cells(rows)
    hidden = publication.hidden_counts(table)
    true = {group: flow.count(table, group) for group in flow.GROUPS}
    small = {
        (group, name)
        for group, counts in true.items()
        for name, n in counts.items()
        if 1 <= n <= 10
    }
    assert all(name in hidden[group] for group, name in small)
    cells = list(table)
    for move in product((-2, -1, 0, 1, 2), repeat=len(cells)):
        guess = {cell: table[cell] + step for cell, step in zip(cells, move, strict=True)}
        if min(guess.values()) < 0:
            continue
        other = {group: flow.count(guess, group) for group in flow.GROUPS}
        if any(
            other[group][name] != n if name not in hidden[group] else other[group][name] < 1
            for group, counts in true.items()
            for name, n in counts.items()
        ):
            continue
        small -= {(group, name) for group, name in small if other[group][name] != true[group][name]}
    assert small == set()


@given(st.lists(st.integers(0, 50), min_size=6, max_size=6), st.integers(0, 5))
def test_each_aapor_rate_is_a_function_of_the_counts_it_is_hidden_with(numbers, shift):
    """Moving cases between dispositions that a rate is not said to depend on leaves it alone."""
    complete, partial, refused, silent, dead, outside = numbers
    here = Dispositions(complete, partial, refused, silent, dead, NE=outside)
    there = Dispositions(
        complete + min(shift, partial), partial - min(shift, partial), refused + min(shift, dead),
        silent, dead - min(shift, dead), NE=outside,
    )  # fmt: skip

    def inputs(cases):
        return {
            "eligible": cases.eligible,
            "responded_I_or_P": cases.interviewed,
            "contacted": cases.interviewed + cases.R + cases.O,
            "disposition_I": cases.I,
            "disposition_R": cases.R,
            "disposition_NE": cases.NE,
        }

    before, after = aapor.rates(here), aapor.rates(there)
    for name, needs in AAPOR_INPUTS.items():
        if all(inputs(here)[need] == inputs(there)[need] for need in needs):
            assert before[name] == after[name], name


def test_a_figure_sees_only_the_counts_it_names():
    shown = Shown({"a": 1, "b": 2}, frozenset({"b"}))
    assert shown.figure(lambda a: a + 1, "a") == 2
    assert shown.figure(lambda a, b: a + b, "a", "b") == HIDDEN
    assert (shown.count("a"), shown.count("b")) == (1, HIDDEN)


class TestPanelReport:
    def test_with_corrections_as_of_a_date(self):
        events = (
            "event_id,trainee_id,match_year,field,old_value,new_value,new_outcome_source,"
            "recorded_at,retracted_at\n"
            "E1,S0012,2024,main_result,matched_pgy1,unmatched,roster_verified,2024-06-01,\n"
        )

        def matched(as_of):
            with SAMPLE.open(encoding="utf-8") as panel:
                return panel_report(
                    panel, io.StringIO(events), year=2024, as_of=as_of, public=False,
                    benchmarks=published_benchmarks(),
                )  # fmt: skip

        assert matched(date(2024, 5, 31))["groups"]["all"]["matched_pgy1"] == 60
        later = matched(date(2024, 6, 1))
        assert later["groups"]["all"]["matched_pgy1"] == 59
        assert later["as_of"] == "2024-06-01"
        assert later["corrections"]["applied"] == ["E1"]
        text = render_text(later)
        assert "as of 2024-06-01" in text
        assert "matched_pgy1                              59" in text
        assert len(later["benchmark_conflicts"]) == 3
