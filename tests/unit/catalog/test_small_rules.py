"""NPI, weeks, specialties, dates, people and places."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalog.rules import dates, npi, people, places, specialties, weeks

days = st.dates(date(2020, 1, 1), date(2100, 12, 31))


def test_npi_of_the_official_example():
    # 123456789 with check digit 3 is the example of the CMS document on the check digit.
    assert npi.is_npi("1234567893")
    assert npi.check_digit("123456789") == "3"


@pytest.mark.parametrize(
    "text", ["2001187850", "", "123456789", "12345678931", "١٢٣٤٥٦٧٨٩٣", "0234567893", "abcdefghij"]
)
def test_no_npi(text):
    assert not npi.is_npi(text)


@given(st.integers(100_000_000, 299_999_999), st.integers(0, 9), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(first_nine, place, change):
    number = f"{first_nine}{npi.check_digit(str(first_nine))}"
    assert npi.is_npi(number)
    wrong = number[:place] + str((int(number[place]) + change) % 10) + number[place + 1 :]
    assert not npi.is_npi(wrong)


@given(days)
def test_mondays_around_a_day(day):
    assert weeks.monday_of(day) <= day < weeks.monday_of(day) + weeks.WEEK
    assert day <= weeks.monday_from(day) < day + weeks.WEEK
    assert weeks.is_monday(weeks.monday_of(day))
    assert weeks.is_monday(weeks.monday_from(day))


def test_runs_of_weeks():
    run = weeks.run_of_weeks(date(2027, 1, 4), 3)
    assert run == [date(2027, 1, 4), date(2027, 1, 11), date(2027, 1, 18)]
    assert weeks.is_run(run)
    assert not weeks.is_run([run[0], run[2]])
    assert not weeks.is_run([])
    assert weeks.last_day(date(2027, 1, 4), 4) == date(2027, 1, 31)
    assert weeks.ranges([run[2], date(2027, 3, 1), run[1]]) == [
        (run[1], run[2]),
        (date(2027, 3, 1), date(2027, 3, 1)),
    ]


@pytest.mark.parametrize(("first", "count"), [(date(2027, 1, 5), 1), (date(2027, 1, 4), 0)])
def test_a_run_is_whole_weeks_from_a_monday(first, count):
    with pytest.raises(ValueError, match=r"Monday|at least"):
        weeks.run_of_weeks(first, count)


def test_the_calendar_reaches_to_the_end_of_the_last_rotation():
    calendar = weeks.calendar(date(2027, 1, 4), date(2027, 1, 18), 4)
    assert (calendar[0], calendar[-1]) == (date(2027, 1, 4), date(2027, 2, 8))


def test_starts_pass_over_closed_weeks():
    found = list(weeks.starts(date(2027, 1, 4), date(2027, 2, 1), 2, {date(2027, 1, 18)}))
    assert found == [date(2027, 1, 4), date(2027, 1, 25), date(2027, 2, 1)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("IM", "internal_medicine"),
        ("Internal Medicine", "internal_medicine"),
        ("family med", "family_medicine"),
        ("OB/GYN", "obstetrics_and_gynecology"),
        ("Obstetrics & Gynaecology", "obstetrics_and_gynecology"),
        ("Cardiology", "cardiovascular_disease"),
        ("Cardiovascular Disease", "cardiovascular_disease"),
        ("Paediatrics", "pediatrics"),
        ("Surgery", "general_surgery"),
        ("PM&R", "physical_medicine_and_rehabilitation"),
        ("emergency_medicine", "emergency_medicine"),
        ("Neurology", "neurology"),
        ("pathology", "pathology"),
        ("psych", "psychiatry"),
    ],
)
def test_spellings_of_specialties(text, code):
    found = specialties.resolve(text)
    assert found
    assert found.code == code


@pytest.mark.parametrize("text", ["", "Homeopathy", "PM", "medicine man"])
def test_no_specialty(text):
    assert specialties.resolve(text) is None


def test_a_misspelt_specialty_is_suggested():
    assert "Dermatology" in specialties.suggestions("Dermatolgy")


def test_every_code_names_itself():
    for code, specialty in specialties.BY_CODE.items():
        assert specialties.resolve(code) is specialty
        assert code.replace("_", "").isalnum()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2027-01-04", date(2027, 1, 4)),
        ("2027-01-04 00:00:00", date(2027, 1, 4)),
        ("01/04/2027", date(2027, 1, 4)),
        ("12/06/2027", date(2027, 12, 6)),
        ("1/4/2027", date(2027, 1, 4)),
        ("25/01/2027", date(2027, 1, 25)),
        ("12/13/2027", date(2027, 12, 13)),
        ("06/06/2033", date(2033, 6, 6)),
        ("Jan 4, 2027", date(2027, 1, 4)),
        ("4 January 2027", date(2027, 1, 4)),
        ("sept 6 2027", date(2027, 9, 6)),
    ],
)
def test_dates_that_say_what_they_mean(text, day):
    assert dates.read_monday(text) == day


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2027-01-05", "not_monday"),
        ("01/05/2027", "not_monday"),
        ("04/01/2027", "ambiguous_date"),
        ("11/01/2027", "ambiguous_date"),
        ("2027-13-40", "impossible_date"),
        ("2027-02-30", "impossible_date"),
        ("13/13/2027", "impossible_date"),
        ("46391", "not_a_date"),
        ("soon", "not_a_date"),
        ("01/04/27", "not_a_date"),
        ("0001-01-01", "date_out_of_range"),
        ("12/31/9999", "date_out_of_range"),
        ("٢٠٢٧-٠١-٠٤", "not_a_date"),
    ],
)
def test_dates_that_are_refused(text, code):
    with pytest.raises(dates.DateFault) as fault:
        dates.read_monday(text)
    assert fault.value.code == code
    assert fault.value.expected


@given(days)
def test_an_american_date_is_read_rightly_or_not_at_all(day):
    monday = weeks.monday_of(day)
    text = f"{monday.month:02}/{monday.day:02}/{monday.year}"
    try:
        assert dates.read_monday(text) == monday
    except dates.DateFault as fault:
        assert fault.code in {"ambiguous_date", "date_out_of_range"}


@given(st.text(max_size=30))
def test_no_text_makes_a_date_reader_stumble(text):
    try:
        assert weeks.is_monday(dates.read_monday(text))
    except dates.DateFault as fault:
        assert fault.code


def test_names():
    assert people.upright_name("Okonkwo, Grace MD") == "Grace Okonkwo, MD"
    assert people.upright_name("Dr. Amara Okafor") == "Dr. Amara Okafor"
    assert people.name_key("Dr. Amara Okafor") == people.name_key("Amara Okafor, MD")


def test_places():
    assert places.state_code("illinois") == "IL"
    assert places.state_code("ZZ") is None
    assert places.zone_name("america/new york") == "America/New_York"
    assert places.zone_name("America/Atlanta") is None
    assert places.zone_name("EST") is None
    assert places.zones_of("GA") == ("America/New_York",)
    for state in places.STATES:
        assert all(places.zone_name(zone) == zone for zone in places.zones_of(state))


def test_a_day_is_a_civil_day():
    # The week of the change to daylight saving time has seven days like any other.
    assert weeks.run_of_weeks(date(2027, 3, 8), 2)[1] - date(2027, 3, 8) == timedelta(days=7)
