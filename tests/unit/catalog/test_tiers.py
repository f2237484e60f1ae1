import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalog.rules import tiers
from marketplace.catalog.rules.tiers import CONTACT_DUTIES, Tier, UnknownDuty, classify, has_drifted
from marketplace.catalog.rules.vocabulary import Duty
from marketplace.identity.rules import LearnerStatus

FULL = ["history_taking", "physical_examination", "case_presentation"]
duties = st.sets(st.sampled_from(list(Duty)))
settings = st.sampled_from(["inpatient", "outpatient", "both", "remote"])


def codes(answer):
    return [conflict.code for conflict in answer.conflicts]


def test_one_listing_is_an_elective_for_a_student_and_an_externship_for_a_graduate():
    answer = classify(FULL, "inpatient")
    assert (answer.student.tier, answer.graduate.tier) == (Tier.ELECTIVE, Tier.EXTERNSHIP)
    assert answer.version == "usce-1"
    assert "graduate_no_elective" in [reason.code for reason in answer.graduate.reasons]


@pytest.mark.parametrize(
    "given_duties",
    [
        ["history_taking", "physical_examination"],
        ["history_taking", "clinical_notes"],
        ["physical_examination", "case_presentation"],
        ["procedures_assist"],
        ["history_taking", "physical_examination", "order_entry_supervised"],
    ],
)
def test_contact_that_falls_short_of_an_elective_is_an_externship(given_duties):
    answer = classify(given_duties, "inpatient")
    assert answer.student.tier == answer.graduate.tier == Tier.EXTERNSHIP
    assert any(reason.code.startswith("lacks_") for reason in answer.student.reasons)


@pytest.mark.parametrize(
    ("given_duties", "setting"),
    [
        (["shadowing", "rounds_attendance"], "inpatient"),
        (["case_presentation", "slide_review"], "inpatient"),
        (FULL, "remote"),
    ],
)
def test_without_contact_in_person_it_is_an_observership(given_duties, setting):
    answer = classify(given_duties, setting)
    assert answer.student.tier == answer.graduate.tier == Tier.OBSERVERSHIP
    assert not answer.direct_contact


def test_no_duties_is_unclassified_and_not_publishable():
    answer = classify([], "inpatient", "Hands-on Elective")
    assert answer.student.tier == answer.graduate.tier == Tier.UNCLASSIFIED
    assert not answer.publishable
    assert answer.conflicts == ()


def test_an_unknown_duty_is_refused_by_name():
    with pytest.raises(UnknownDuty, match="surgery_alone"):
        classify(["surgery_alone"], "inpatient")


@pytest.mark.parametrize(
    ("title", "given_duties", "audience", "expected"),
    [
        ("Hands-on Observership", ["shadowing"], "both", ["hands_on_title_without_contact"]),
        ("Hands on week", ["shadowing"], "both", ["hands_on_title_without_contact"]),
        ("hands‑on month", ["chart_review"], "both", ["hands_on_title_without_contact"]),
        ("Sub-Internship", ["shadowing"], "students", ["hands_on_title_without_contact"]),
        ("IM Externship", ["shadowing"], "graduates", ["externship_title_without_contact"]),
        ("ID Elective", FULL, "both", ["elective_open_to_graduates"]),
        ("ID Elective", FULL, "graduates", ["elective_open_to_graduates"]),
        (
            "ID Elective",
            ["history_taking"],
            "students",
            ["elective_title_without_elective_duties"],
        ),
        ("Observership", FULL, "both", ["observership_title_over_contact_duties"]),
        ("Hands-on Observership", FULL, "both", []),
        ("Observership (not hands-on)", ["shadowing"], "both", []),
        ("Non-elective month", FULL, "both", []),
        ("IM Externship", FULL, "both", []),
        ("Pathology Rotation", ["slide_review"], "both", []),
        (
            "Cardiology Elective/Observership",
            ["shadowing", "history_taking"],
            "both",
            [
                "observership_title_over_contact_duties",
                "elective_open_to_graduates",
                "elective_title_without_elective_duties",
            ],
        ),
    ],
)
def test_titles_that_contradict_the_duties(title, given_duties, audience, expected):
    assert codes(classify(given_duties, "inpatient", title, audience)) == expected


@pytest.mark.parametrize(
    ("claimed", "given_duties", "audience", "expected"),
    [
        ("externship", ["shadowing"], "both", ["claimed_tier_above_duties"]),
        ("observership", FULL, "both", ["claimed_tier_below_duties"]),
        ("elective", FULL, "students", []),
        ("elective", FULL, "graduates", ["elective_open_to_graduates"]),
        ("elective", ["shadowing"], "students", ["elective_claimed_tier_without_elective_duties"]),
        ("externship", FULL, "both", []),
    ],
)
def test_claims_that_contradict_the_duties(claimed, given_duties, audience, expected):
    assert codes(classify(given_duties, "inpatient", "", audience, claimed)) == expected


def test_only_statuses_that_the_audience_admits_are_offered_a_tier():
    answer = classify(FULL, "inpatient", audience="graduates")
    assert answer.offered(LearnerStatus.STUDENT) is None
    assert answer.offered(LearnerStatus.GRADUATE) is Tier.EXTERNSHIP


def test_rank():
    order = ["unclassified", "observership", "externship", "elective"]
    assert sorted(order, key=tiers.rank) == order


@given(duties, settings)
def test_laws_of_the_classifier(given_duties, setting):
    answer = classify(given_duties, setting)
    contact = bool(given_duties & CONTACT_DUTIES) and setting != "remote"
    assert answer.direct_contact == contact
    assert answer.graduate.tier is not Tier.ELECTIVE
    assert tiers.rank(answer.student.tier) >= tiers.rank(answer.graduate.tier)
    assert (answer.student.tier is Tier.UNCLASSIFIED) == (not given_duties)
    if given_duties:
        assert (answer.student.tier is Tier.OBSERVERSHIP) == (not contact)
    for status in LearnerStatus:
        assert answer.for_status(status).reasons
        assert all(reason.code and reason.text for reason in answer.for_status(status).reasons)


@given(duties, settings, st.sampled_from(list(Duty)))
def test_another_duty_never_lowers_a_tier(given_duties, setting, another):
    before, after = classify(given_duties, setting), classify(given_duties | {another}, setting)
    for status in LearnerStatus:
        lower, higher = before.for_status(status).tier, after.for_status(status).tier
        assert tiers.rank(lower) <= tiers.rank(higher)


@pytest.mark.parametrize(
    ("attested", "expected"),
    [
        ([{"shadowing"}] * 2, False),
        ([{"shadowing"}] * 3, True),
        ([{"shadowing"}, {"shadowing"}, {"history_taking"}], True),
        ([{"shadowing"}, {"history_taking"}, {"history_taking"}], False),
        ([{"shadowing"}, {"shadowing"}, {"history_taking"}, {"history_taking"}], False),
    ],
)
def test_drift_needs_three_attestations_and_most_of_them(attested, expected):
    assert has_drifted(["externship"], "inpatient", attested) is expected


def test_an_observership_can_not_drift():
    assert not has_drifted(["observership"], "inpatient", [{"shadowing"}] * 5)
