"""Groupings and versions of a report: what each is, and that together they give nothing away."""

import copy
import json
import random
from dataclasses import replace

import pytest

from marketplace.reporting.rules import flow, groupings
from marketplace.reporting.rules.cohort import ALONE, NAMELESS, report
from marketplace.reporting.rules.groupings import GROUPINGS
from marketplace.reporting.rules.panel import PanelRow
from marketplace.reporting.rules.publication import Earlier, hidden_counts
from tests.unit.reporting.joint_attacker import HIDDEN, JointAttacker, counted, flat, rotations

TIERS = ("elective", "externship", "observership")
# small enough for a panel of a test to have both shown and hidden figures
K = 5
PROGRAM = "Alpha Hospital, Medicine"
REGIONS = ("midwest", "northeast", "south", "west")


@pytest.fixture(scope="module")
def rows(sample):
    """The sample, with what only our own bookings know."""
    chance = random.Random(6)
    return [
        replace(
            row,
            tier=chance.choice(TIERS),
            learner_status=chance.choice(("student", "graduate")),
            site_group=chance.choice(REGIONS),
            residency_specialty=chance.choice(("internal_medicine", "neurology", "other")),
            program=PROGRAM,
        )
        for row in sample[:50]
    ]


@pytest.fixture(scope="module")
def later(rows):
    """The same people a month on: some answered late, two results were corrected."""
    moved = [
        replace(row, disposition="I", wave=4, match_items_answered=True, registered=True,
                certified_rol=True, main_result="matched_pgy1", soap_result="not_applicable",
                outside_match=False, lor_earned=True, outcome_source="self_reported")
        if row.disposition == "NC_no_reply" and row.trainee_id[-1] == "3"
        else row
        for row in rows
    ]  # fmt: skip
    active = [i for i, row in enumerate(moved) if row.main_result == "matched_pgy1"][:2]
    for i in active:
        moved[i] = replace(moved[i], main_result="unmatched", soap_result="placed_pgy1")
    return moved


@pytest.fixture(scope="module")
def published(rows, later, registry):
    """Two versions of one year's report, the second published after the first."""
    first = report(rows, year=2024, benchmarks=registry, public=True, k=K)
    second = report(
        later,
        year=2024,
        benchmarks=registry,
        public=True,
        k=K,
        earlier=[Earlier.of(rows, json.loads(json.dumps(first)))],
    )
    return first, second


def as_published(versions, documents):
    """The rows with the programs that each document names."""
    return [
        groupings.naming(rows, groupings.named_in(document))
        for rows, document in zip(versions, documents, strict=True)
    ]


def test_every_hidden_figure_of_all_that_is_published_could_be_another(
    rows, later, published, registry
):
    """Rows of other people, made by the attacker, give the very same two publications.

    No more of them than listings had completed rotations, which their letter rates tell.
    """
    people = as_published([rows, later], published)
    attacker = JointAttacker(people, published, registry, rotations([later], K))
    assert len(attacker.secrets(K)) > 30
    assert attacker.determined(K) == []


def test_the_attacker_finds_what_is_given_away(rows, published, registry):
    """Without the figures that are hidden only for others' sake, small ones follow."""
    careless = copy.deepcopy(published[0])
    true = counted(rows)
    for category, figures in careless["groupings"]["specialty"].items():
        for name in GROUPINGS["specialty"]:
            if true["specialty", category, name] >= K:
                figures[name] = true["specialty", category, name]
    attacker = JointAttacker([rows], [careless], registry)
    assert any(key[0] == "specialty" for _, key in attacker.determined(K))


def test_letter_rates_do_not_tell_who_is_silent(registry):
    """56 completed rotations of two listings, 55 who answered: before `cohort-5` one was silent."""
    people = [
        PanelRow(
            trainee_id=f"P{n:02}", img_type="us_img" if n % 2 else "non_us_img",
            disposition="I" if n else "NC_no_reply", match_items_answered=n > 0,
            registered=True if n else None, certified_rol=True if n else None,
            main_result=("matched_pgy1" if n % 4 < 2 else "unmatched") if n else None,
            specialty="internal_medicine" if n < 30 else "family_medicine",
        )
        for n in range(56)
    ]  # fmt: skip
    asked = {"year": 2024, "benchmarks": registry, "public": True}
    before, now = report(people, **asked, method="cohort-4"), report(people, **asked)
    most = rotations([people])
    assert (most["all", "eligible"], most["specialty", "family_medicine", "eligible"]) == (56, 26)
    assert JointAttacker([people], [before], registry).determined() == []
    told = JointAttacker([people], [before], registry, most).determined()
    assert (0, ("all", "silent")) in told
    assert JointAttacker([people], [now], registry, most).determined() == []
    assert now["groups"]["all"]["matched_pgy1"] == 27


def test_no_small_count_is_shown_and_enough_is(rows, later, published):
    versions = as_published((rows, later), published)
    assert [groupings.named_in(document) for document in published] == [{PROGRAM}, {PROGRAM}]
    for people, document in zip(versions, published, strict=True):
        shown = flat(document)
        assert [key for key, n in shown.items() if n != HIDDEN and 1 <= n < K] == []
        true = counted(people)
        assert all(n in (HIDDEN, true[key]) for key, n in shown.items())
        assert document["groups"]["all"]["match_rate"] != HIDDEN
        assert (
            document["groupings"]["tier"]["observership"]["eligible"]
            == (true["tier", "observership", "eligible"])
        )


def test_figures_of_a_category_fall_with_their_counts(published):
    for document in published:
        for name, categories in document["groupings"].items():
            for figures in categories.values() if GROUPINGS[name] is groupings.CORE else ():
                rate_hidden = HIDDEN in (figures["matched_pgy1"], figures["active_applicants"])
                assert (figures["match_rate"] == HIDDEN) is rate_hidden
                assert (figures["wilson95"] == HIDDEN) is rate_hidden
                if HIDDEN in (figures["eligible"], figures["match_items_answered"]):
                    assert figures["manski_unknown_applicants"] == HIDDEN


def test_groupings_add_up_to_the_whole(rows, registry):
    whole = report(rows, year=2024, benchmarks=registry)
    everyone = whole["groups"]["all"]
    for name in ("specialty", "tier", "learner_status", "site_group"):
        for count in GROUPINGS[name]:
            total = sum(figures[count] for figures in whole["groupings"][name].values())
            assert total == everyone[count], (name, count)
    waves = whole["groupings"]["wave"]
    assert sum(wave["responded_I_or_P"] for wave in waves.values()) == everyone["responded_I_or_P"]
    elective = whole["groupings"]["tier"]["elective"]
    matched, active = elective["matched_pgy1"], elective["active_applicants"]
    assert elective["match_rate"] == matched / active
    silent = elective["eligible"] - elective["match_items_answered"]
    assert elective["manski_unknown_applicants"] == [
        matched / (active + silent), (matched + silent) / (active + silent)
    ]  # fmt: skip


def test_a_panel_that_lacks_a_fact_has_no_grouping_by_it(sample, registry):
    found = report(sample, year=2024, benchmarks=registry)["groupings"]
    assert list(found) == ["specialty", "wave"]
    assert not groupings.counts(groupings.kinds([]), groupings.used({}))


def test_a_grouping_that_can_not_be_shown_safely_is_withheld_whole(registry):
    """One silent person in each of two specialties: their sum is known, and each is at least 1."""
    people = [
        PanelRow(
            trainee_id=specialty,
            img_type="us_img",
            disposition="NC_no_reply",
            match_items_answered=False,
            specialty=specialty,
        )
        for specialty in ("pathology", "neurology")
    ]
    shown = report(people, year=2024, benchmarks=registry, public=True, k=2)
    assert shown["groups"]["all"]["eligible"] == 2
    assert shown["groupings"]["specialty"] == "withheld"


def test_a_report_of_the_first_method_is_worked_out_as_it_was(sample, registry):
    people = sample[:40]
    document = report(people, year=2024, benchmarks=registry, public=True, k=3, method=ALONE)
    assert not {"groupings", "method"} & document.keys()
    hides = hidden_counts(flow.cells(people), 3)
    shown = flat(document)
    assert {key for key, n in shown.items() if n == HIDDEN} == {
        (group, name) for group, names in hides.items() for name in names
    }


def matched_at(program, count, start=0):
    return [
        PanelRow(
            trainee_id=f"{program}{number}", img_type="us_img", disposition="I",
            match_items_answered=True, registered=True, certified_rol=True,
            main_result="matched_pgy1", program=program,
        )
        for number in range(start, start + count)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("matched", "named"),
    [
        ({"A": 30, "B": 11, None: 40}, {"A", "B"}),
        ({"A": 30, "B": 10, None: 40}, {"A"}),
        # what is left over would be few: the smallest that is named covers it
        ({"A": 30, "B": 12, "C": 3}, {"A"}),
        ({"A": 12, "C": 1}, set()),
        ({"A": 12}, {"A"}),
        ({"A": 10, None: 100}, set()),
        ({None: 100}, set()),
    ],
)
def test_a_program_is_named_where_enough_matched_and_nobody_is_left_over_alone(matched, named):
    people = [row for program, count in matched.items() for row in matched_at(program, count)]
    assert groupings.namable(people, 11) == named
    shown = report(people, year=2024, public=True)["groupings"].get("program", {})
    assert set(shown) - {groupings.NOT_KNOWN} == named
    assert all(figures["matched_pgy1"] >= 11 for figures in shown.values())


def test_programs_are_no_part_of_what_earlier_methods_made(rows, registry):
    people = rows[:15]
    nameless = [replace(row, program=None) for row in people]
    for public in (False, True):
        asked = {"year": 2024, "benchmarks": registry, "public": public, "k": 3}
        assert report(people, **asked, method=NAMELESS) == {
            **report(nameless, **asked), "method": NAMELESS
        }  # fmt: skip
