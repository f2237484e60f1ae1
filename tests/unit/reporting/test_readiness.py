"""Readiness: what counts, who says it, what contradicts what; and no score."""

from datetime import date
from io import StringIO
from pathlib import Path

import pytest

from marketplace.reporting.rules import readiness as rules
from marketplace.reporting.rules.benchmarks import read_benchmarks

DATA = Path("marketplace/reporting/data/match_benchmarks.csv")
BENCHMARKS = read_benchmarks(StringIO(DATA.read_text("utf-8")))
DAY = date(2027, 3, 28)


def stay(tier="externship", weeks=4, state="completed", **changes):
    given = {"specialty": "internal_medicine", "country": "US", "attested": None}
    return rules.Stay(state, tier, weeks, DAY, **given | changes)


def test_months_are_counted_from_hands_on_weeks_that_are_done_in_the_country():
    own = rules.experience(
        [
            stay("elective", 4),
            stay("externship", 8, specialty="cardiovascular_disease", attested=False),
            stay("observership", 12),
            stay("elective", 6, country="CA"),
            stay("elective", 2, state="confirmed"),
        ],
        "internal_medicine",
    )
    assert (own["hands_on_weeks"], own["hands_on_months"]) == (12, 3.0)
    assert own["weeks_by_tier"]["observership"] == 12
    # Cardiology is internal medicine's; the booked weeks are not done.
    assert own["hands_on_weeks_in_specialty"] == 12
    assert (own["hands_on_weeks_booked"], own["attested_without_contact"]) == (2, 1)
    assert rules.experience([], None)["last_hands_on_day"] is None


def test_letters_count_once_they_are_confirmed():
    written = [
        rules.Written("confirmed", True, "internal_medicine", "elective", "US"),
        rules.Written("confirmed", False, "psychiatry", "observership", "US"),
        rules.Written("uploaded", True, "internal_medicine", "elective", "US"),
        rules.Written("refused", True, "internal_medicine", "elective", "US"),
    ]
    assert rules.coverage(written, "internal_medicine") == {
        "confirmed": 2,
        "on_the_way": 1,
        "waived": 1,
        "of_target_specialty": 1,
        "hands_on_united_states": 1,
    }


def test_the_traps_of_the_sources_are_named():
    every = [*rules.shipped(), *rules.from_registry(BENCHMARKS, "non_us_img", "internal_medicine")]
    found = {}
    for topic in rules.TOPICS:
        fitting = rules.fitting(every, topic, "non_us_img", "internal_medicine")
        assert all(one.source and one.published_by and one.status for one in fitting)
        made = rules.topic(topic, fitting, {}, {})
        found |= {
            one.question: [said.answer for said in one.answers] for one in made.contradictions
        }
    assert set(found["competitive_score"]) == {"from 250", "from 245"}
    assert found["certified_before_applying"] == ["no", "yes"]
    assert found["month_of_the_rank_list_deadline"] == ["March", "February"]
    assert set(found["how_many_programs"]) == {"at least 25", "no number: choose"}
    assert set(found["pgy1_match_rate 2024 non_us_img"]) == {"58.0", "58.5"}
    disputed = {one.question for one in every if one.status == "disputed"}
    assert {"visa_before_applying", "pgy1_match_rate 2024 non_us_img"} <= disputed
    assert all(one.note for one in every if one.status == "disputed")


def test_step_scores_are_those_of_the_applicant_type_and_specialty():
    def means(kind, target):
        found = rules.from_registry(BENCHMARKS, kind, target)
        return {one.low for one in found if one.topic == "step_2_ck"}

    assert means("us_img", "pathology") == {230, 228}
    assert means("non_us_img", "internal_medicine") == {240, 245}
    assert means("non_img", "internal_medicine") == set()
    # What is said of IMGs is said of both kinds of them, and of nobody else.
    advice = rules.shipped()
    assert [one.source for one in advice if "/" in one.source and "://" not in one.source] == []
    assert rules.fitting(advice, "experience", "us_img", None)
    assert rules.fitting(advice, "experience", "non_img", None) == []


@pytest.mark.parametrize(
    ("own", "difference"), [(2.0, -1.0), (3.0, 0.0), (3.5, 0.0), (6.0, 2.0), (None, None)]
)
def test_a_difference_is_no_verdict(own, difference):
    one = rules.Advice(
        "letters", "q", "3 to 4", "all", None, 3, 4, "letters", None, "s", "p", None, "x",
        "primary", "",
    )  # fmt: skip
    (beside,) = rules.topic("letters", [one], {}, {"letters": own}).published
    assert (beside.own, beside.difference) == (own, difference)
