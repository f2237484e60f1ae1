"""A published weighting tells no count that is hidden elsewhere, nor how one person changed."""

import json
from dataclasses import replace

import pytest

from marketplace.reporting.rules.cohort import APART, report
from marketplace.reporting.rules.flow import GROUPS
from marketplace.reporting.rules.panel import PanelRow
from marketplace.reporting.rules.publication import Earlier
from marketplace.reporting.rules.showing import HIDDEN
from tests.unit.reporting.joint_attacker import JointAttacker, told_otherwise

K = 11


def people(kind, specialty, matched, unmatched, silent):
    active = {
        "disposition": "I", "match_items_answered": True, "registered": True,
        "certified_rol": True, "outcome_source": "self_reported",
    }  # fmt: skip
    many = (
        (matched, {**active, "main_result": "matched_pgy1"}),
        (unmatched, {**active, "main_result": "unmatched", "soap_result": "not_placed"}),
        (silent, {"disposition": "NC_no_reply", "match_items_answered": False}),
    )
    return [
        PanelRow(
            trainee_id=f"{kind} {specialty} {place} {number}", img_type=kind, modality="in_person",
            grad_band="0-2", specialty=specialty, **facts,
        )
        for place, (count, facts) in enumerate(many)
        for number in range(count)
    ]  # fmt: skip


MANY = [
    *people("non_us_img", "family_medicine", 40, 30, 50),
    *people("non_us_img", "internal_medicine", 35, 30, 50),
    *people("us_img", "internal_medicine", 20, 15, 25),
    *people("us_img", "family_medicine", 14, 13, 25),
]
FEW = [*MANY[:235], *people("us_img", "internal_medicine", 4, 3, 20)]


@pytest.fixture(scope="module")
def few(registry):
    return report(FEW, year=2024, benchmarks=registry, public=True, k=K)


def test_the_weighting_of_many_is_shown_for_every_group(registry):
    shown = report(MANY, year=2024, benchmarks=registry, public=True, k=K)
    whole = report(MANY, year=2024, benchmarks=registry)
    assert shown["weighting"] == whole["weighting"]


def test_the_weighting_of_one_group_does_not_tell_the_other(few, registry):
    """147 applied, as everybody reads; were it said that 135 of the others did, 7 did of the few."""
    assert few["groups"]["us_img"]["active_applicants"] == HIDDEN
    assert few["weighting"] == dict.fromkeys(GROUPS, HIDDEN)
    attacker = JointAttacker([FEW], [few], registry)
    assert attacker.secrets(K)
    assert attacker.determined(K) == []


def test_the_attacker_finds_a_weighting_that_tells_more_than_the_counts(few, registry):
    """What the method before this one published; it is worked out by it again."""
    before = report(FEW, year=2024, benchmarks=registry, public=True, k=K, method=APART)
    assert before["weighting"]["non_us_img"]["n_applicants"] == 135
    assert before | {"method": few["method"], "weighting": few["weighting"]} == few
    others = [replace(row, certified_rol=False, main_result="not_in_algorithm")
              if row.trainee_id == "non_us_img family_medicine 1 0" else row for row in FEW]  # fmt: skip
    assert ("weighting", "non_us_img", "n_applicants") in told_otherwise(others, before, registry)


@pytest.mark.parametrize(("changed", "shown"), [(0, True), (3, False), (12, True)])
def test_weights_of_a_later_version_do_not_tell_who_changed(registry, changed, shown):
    first = report(MANY, year=2024, benchmarks=registry, public=True, k=K)
    moved = [
        replace(row, main_result="unmatched", soap_result="not_placed")
        if row.trainee_id in {f"non_us_img family_medicine 0 {n}" for n in range(changed)}
        else row
        for row in MANY
    ]
    earlier = [Earlier.of(MANY, json.loads(json.dumps(first)))]
    second = report(moved, year=2024, benchmarks=registry, public=True, k=K, earlier=earlier)
    assert (HIDDEN not in second["weighting"].values()) is shown


def test_a_year_without_a_match_is_told_in_sense(registry):
    nobody = [row for row in MANY if row.main_result != "matched_pgy1"]
    found = report(nobody, year=2024, benchmarks=registry)
    texts = [claim["text"] for claim in found["claims"]]
    assert texts
    assert all("; there is no match that could be verified" in text for text in texts)
    assert not any("not known" in text for text in texts)
    before = report(nobody, year=2024, benchmarks=registry, method=APART)
    assert all("not known of the matches are verified" in one["text"] for one in before["claims"])
