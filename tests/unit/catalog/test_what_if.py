from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalog.rules.classifiers import KNOWN, Classifiers, UnknownClassifier
from marketplace.catalog.rules.definitions import CONFLICTS, TIERS, described
from marketplace.catalog.rules.tiers import Tier, classify, rank
from marketplace.catalog.rules.vocabulary import Audience, Duty, Setting
from marketplace.catalog.rules.whatif import what_if

some_duties = st.sets(st.sampled_from(list(Duty)))
some_setting = st.sampled_from(list(Setting))
some_audience = st.sampled_from(list(Audience))


def test_one_duty_short_of_an_elective():
    duties = ["history_taking", "physical_examination", "rounds_attendance"]
    found = what_if(classify, duties, "inpatient", "students")
    assert [(each.tier, each.add) for each in found] == [
        ("elective", ("clinical_notes",)),
        ("elective", ("case_presentation",)),
        ("observership", ()),
    ]
    assert found[0].text == "With clinical notes it would be an elective for students."
    assert found[2].remove == ("history_taking", "physical_examination")


def test_a_graduate_can_not_be_brought_to_an_elective():
    found = what_if(classify, ["shadowing"], "inpatient", "graduates")
    assert {each.tier for each in found} == {"externship"}


def test_a_remote_setting_is_what_stands_in_the_way():
    found = what_if(
        classify, ["history_taking", "physical_examination", "clinical_notes"], "remote", "students"
    )
    assert [(each.tier, each.add, each.setting) for each in found] == [
        ("elective", (), "inpatient")
    ]
    assert found[0].text == "In person instead of remotely it would be an elective for students."


@given(some_duties, some_setting, some_audience)
def test_every_what_if_comes_true_and_none_is_larger_than_it_must_be(duties, setting, audience):
    now = classify(duties, setting, "", audience)
    for each in what_if(classify, duties, setting, audience):
        changed = (duties | set(each.add)) - set(each.remove)
        then = classify(changed, each.setting or setting, "", audience)
        assert then.for_status(each.status).tier == each.tier
        assert rank(each.tier) != rank(now.for_status(each.status).tier)
        for size in range(len(each.add)):
            for fewer in combinations(each.add, size):
                less = classify(duties | set(fewer), each.setting or setting, "", audience)
                assert less.for_status(each.status).tier != each.tier


def test_the_description_names_every_word_and_conflict():
    found = described(KNOWN)
    assert found["version"] == "usce-1"
    assert [duty["duty"] for duty in found["duties"]] == list(Duty)
    assert set(TIERS) == set(Tier)
    titles = ["Hands-on Externship Elective", "Observership", "Elective", ""]
    codes = {
        conflict.code
        for duties in (["shadowing"], ["history_taking"])
        for title in titles
        for audience in Audience
        for claimed in [None, "elective", "externship", "observership"]
        for conflict in classify(duties, "inpatient", title, audience, claimed).conflicts
    }
    assert codes == set(CONFLICTS)


def test_only_a_known_version_can_be_published():
    with pytest.raises(UnknownClassifier, match="none of: usce-1"):
        KNOWN.get("usce-9")
    with pytest.raises(UnknownClassifier):
        Classifiers(KNOWN.versions, "usce-9")
