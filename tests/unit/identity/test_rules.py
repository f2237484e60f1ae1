from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.identity.rules import (
    COUNTRIES,
    Citizenship,
    Role,
    applicant_type,
    is_country,
    is_time_zone,
    learner_status,
    membership_place,
)


@pytest.mark.parametrize(
    ("country", "citizenship", "expected"),
    [
        ("US", "us_citizen", "non_img"),
        ("US", "other", "non_img"),
        ("CA", "other", "non_img"),
        ("PR", "us_citizen", "non_img"),
        ("IN", "us_citizen", "us_img"),
        ("GD", "us_citizen", "us_img"),
        ("IN", "permanent_resident", "non_us_img"),
        ("IN", "other", "non_us_img"),
        ("MX", "other", "non_us_img"),
    ],
)
def test_applicants_are_counted_as_the_nrmp_counts(country, citizenship, expected):
    assert applicant_type(country, citizenship) == expected


def test_a_canadian_citizen_with_a_school_abroad_is_an_img():
    assert applicant_type("IE", Citizenship.OTHER) == "non_us_img"


@pytest.mark.parametrize(("country", "citizenship"), [("XX", "other"), ("in", "other")])
def test_an_unknown_country_is_no_guess(country, citizenship):
    with pytest.raises(ValueError, match="ISO 3166"):
        applicant_type(country, citizenship)


def test_an_unknown_citizenship_is_no_guess():
    with pytest.raises(ValueError, match="green_card"):
        applicant_type("IN", "green_card")


@given(st.sampled_from(sorted(COUNTRIES)), st.sampled_from(sorted(Citizenship)))
def test_every_country_has_an_answer_and_only_citizens_are_us_imgs(country, citizenship):
    kind = applicant_type(country, citizenship)
    assert kind in {"non_img", "us_img", "non_us_img"}
    assert (kind == "us_img") <= (citizenship == "us_citizen")


def test_a_student_becomes_a_graduate_on_the_day():
    graduation = date(2027, 5, 31)
    assert learner_status(graduation, date(2027, 5, 30)) == "student"
    assert learner_status(graduation, date(2027, 5, 31)) == "graduate"
    assert learner_status(graduation, date(2028, 5, 31)) == "graduate"


def test_countries_and_zones():
    assert len(COUNTRIES) == 249
    assert is_country("IN")
    assert not is_country("UK")
    assert is_time_zone("America/Chicago")
    assert not is_time_zone("America/Atlanta")
    assert not is_time_zone("../etc/passwd")


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("has_site", [True, False])
@pytest.mark.parametrize("has_school", [True, False])
def test_each_role_has_one_kind_of_place(role, has_site, has_school):
    right = {
        "site_owner": (True, False),
        "coordinator": (True, False),
        "preceptor": (True, False),
        "school_coordinator": (False, True),
    }.get(role, (False, False))
    wrong = membership_place(role, has_site=has_site, has_school=has_school)
    assert (wrong is None) == ((has_site, has_school) == right)
