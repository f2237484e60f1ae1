"""Every oddity of the sample sheet is decided, by row; and sheets as people save them."""

from pathlib import Path

import pytest

from marketplace.catalog.rules.spreadsheet import read_sheet
from marketplace.core.money import Money
from tests.unit.catalog.sheets import read_one

SAMPLE = Path("marketplace/catalog/data/host_listings.csv").read_bytes()


@pytest.fixture(scope="module")
def sample():
    found = read_sheet(SAMPLE)
    assert found.fault is None
    assert found.remarks == ()
    return {row.row: row for row in found.rows}


@pytest.mark.parametrize(
    ("row", "external_id", "problems"),
    [
        (8, "LA-PED-01", [("npi", "npi_check_digit")]),
        (11, "MIA-SUR-02", [("price_per_week", "negative_price")]),
        (14, "PHX-CAR-01", [("first_start", "not_monday"), ("last_start", "not_monday")]),
        (16, "SEA-EM-01", [("external_id", "duplicate_id")]),
        (17, "SEA-EM-01", [("external_id", "duplicate_id")]),
        (18, "BOS-OBG-01", [("weeks_min", "min_above_max")]),
        (19, "BOS-DER-01", [("title", "formula")]),
        (20, "ATL-ID-01", [("cancellation_policy", "fee_currency")]),
        (21, "ATL-GI-01", [("timezone", "unknown_time_zone")]),
        (22, "DEN-PMR-01", [("blackout_weeks", "impossible_date")]),
        (25, "STL-ALL-01", [("duties", "missing")]),
    ],
)
def test_rows_of_the_sample_that_are_refused(sample, row, external_id, problems):
    found = sample[row]
    assert found.external_id == external_id
    assert found.draft is None
    assert [(problem.column, problem.code) for problem in found.problems] == problems
    assert all(problem.expected and problem.row == row for problem in found.problems)


def test_the_other_rows_of_the_sample_are_accepted(sample):
    accepted = {row for row, found in sample.items() if found.draft}
    assert accepted == {2, 3, 4, 5, 6, 7, 9, 10, 12, 13, 15, 23, 24}
    assert set(sample) == set(range(2, 26))


@pytest.mark.parametrize(
    ("row", "fixes"),
    [
        (2, {}),
        (
            3,
            {
                "specialty": ("IM", "Internal Medicine"),
                "price_per_week": ("1,250", "1250"),
                "first_start": ("01/04/2027", "2027-01-04"),
                "last_start": ("12/06/2027", "2027-12-06"),
                "duties": (
                    "history taking, physical exam, case presentation",
                    "history_taking;physical_examination;case_presentation",
                ),
                "letter_policy": ("on merit", "on_merit"),
            },
        ),
        (4, {"preceptor": ("Okonkwo, Grace MD", "Grace Okonkwo, MD")}),
        (
            5,
            {
                "preceptor": ("Okonkwo, Grace MD", "Grace Okonkwo, MD"),
                "specialty": ("Family Med", "Family Medicine"),
            },
        ),
        (6, {}),
        (15, {}),
        (
            23,
            {
                "price_per_week": ("$430", "430"),
                "currency": ("usd", "USD"),
                "step1_required": ("N", "no"),
                "letter_policy": ("On Merit", "on_merit"),
                "approval": ("Request", "request"),
            },
        ),
        (24, {}),
    ],
)
def test_cells_of_the_sample_that_are_fixed(sample, row, fixes):
    assert {fix.column: (fix.was, fix.now) for fix in sample[row].fixes} == fixes


def test_what_the_sample_is_warned_of(sample):
    cautions = {row: [c.code for c in found.cautions] for row, found in sample.items()}
    assert {row: codes for row, codes in cautions.items() if codes} == {
        13: ["no_seats"],
    }


def test_typographic_signs_in_titles_and_names_stay(sample):
    assert sample[24].draft.title == "Internal Medicine — Externship (hands‑on)"
    assert sample[24].draft.preceptor.name == "Dr. Siobhan O’Rourke"
    assert sample[6].draft.price == Money(25050, "USD")
    assert sample[6].draft.visa_types == ("any",)
    assert sample[12].draft.visa_types == ("none_needed",)


def test_fees_in_another_currency_than_the_price_are_told_with_what_would_fit(sample):
    (problem,) = sample[20].problems
    assert problem.value == "tiered_days"
    assert "in USD, the price is in EUR" in problem.expected
    assert "a price in USD" in problem.expected
    offered = problem.expected.partition("choose ")[2].partition(", or ")[0].split(" or ")
    for policy in offered:
        fitting = read_one(currency="EUR", cancellation_policy=policy)
        assert [one.code for one in fitting.cautions] == ["unusual_currency"], policy


def test_both_rows_of_a_contradicting_id_name_each_other_and_what_differs(sample):
    assert "row 17" in sample[16].problems[0].expected
    assert "price_per_week" in sample[16].problems[0].expected
    assert "row 16" in sample[17].problems[0].expected


def test_every_problem_of_a_row_is_told():
    row = read_one(npi="1", price_per_week="-1", state="ZZ", first_start="2027-01-05", duties="")
    assert {problem.column for problem in row.problems} == {
        "npi",
        "price_per_week",
        "state",
        "first_start",
        "duties",
    }


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("price_per_week", "0", "no_price"),
        ("price_per_week", "(300)", "negative_price"),
        ("price_per_week", "−300", "negative_price"),
        ("price_per_week", "-$300", "negative_price"),
        ("price_per_week", "1,25", "not_a_price"),
        ("price_per_week", "1.250", "not_a_price"),
        ("price_per_week", "12,50,00", "not_a_price"),
        ("price_per_week", "1e3", "not_a_price"),
        ("price_per_week", "NaN", "not_a_price"),
        ("price_per_week", "٤٣٠", "not_a_price"),
        ("price_per_week", "€430", "contradiction"),
        ("price_per_week", "430.999", "not_a_price"),
        ("price_per_week", "9999999999", "price_too_high"),
        ("price_per_week", "", "missing"),
        ("currency", "XXX", "unknown_currency"),
        ("npi", "200087109", "not_an_npi"),
        ("npi", "2.00087E+09", "not_an_npi"),
        ("timezone", "EST", "unknown_time_zone"),
        ("timezone", "Etc/GMT+5", "unknown_time_zone"),
        ("state", "Ontario", "unknown_state"),
        ("country", "CA", "not_united_states"),
        ("specialty", "Homeopathy", "unknown_specialty"),
        ("duties", "history_taking;surgery", "not_in_list"),
        ("duties", ";", "not_in_list"),
        ("setting", "office", "not_in_list"),
        ("audience", "nurses", "not_in_list"),
        ("weeks_min", "0", "weeks_out_of_range"),
        ("weeks_max", "53", "weeks_out_of_range"),
        ("weeks_min", "four", "weeks_out_of_range"),
        ("seats_per_week", "-1", "seats_out_of_range"),
        ("seats_per_week", "1.5", "seats_out_of_range"),
        ("seats_per_week", "", "missing"),
        ("first_start", "04/01/2027", "ambiguous_date"),
        ("last_start", "2026-01-05", "last_before_first"),
        ("blackout_weeks", "2027-11-22;Christmas", "not_a_date"),
        ("blackout_weeks", "2027-11-25", "not_monday"),
        ("visa_types", "tourist", "not_in_list"),
        ("visa_types", "any;J-1", "contradiction"),
        ("step1_required", "maybe", "not_yes_or_no"),
        ("step2_min", "400", "score_out_of_range"),
        ("step2_min", "220+", "score_out_of_range"),
        ("letter_policy", "guaranteed", "not_in_list"),
        ("cancellation_policy", "host_withdraws", "unknown_policy"),
        ("cancellation_policy", "none", "unknown_policy"),
        ("approval", "perhaps", "not_in_list"),
        ("title", "+1 externship", "formula"),
        ("title", "  @import", "formula"),
        ("title", "-2+3", "formula"),
        ("title", "＝1+1", "formula"),
        ("title", "x" * 201, "too_long"),
        ("title", "a\x07b", "control_character"),
        ("title", "a\u202eb", "control_character"),
        ("notes", "=1", "formula"),
        ("notes", "x" * 2001, "too_long"),
        ("duties", "x" * 2001, "too_long"),
        ("site_name", "", "missing"),
        ("external_id", "", "missing"),
        ("external_id", "=1", "formula"),
    ],
)
def test_cells_that_are_refused(column, value, code):
    row = read_one(**{column: value})
    assert row.draft is None
    assert [(problem.column, problem.code) for problem in row.problems] == [(column, code)]
    assert len(row.problems[0].value) < 120


@pytest.mark.parametrize(
    ("column", "value", "attribute", "expected"),
    [
        ("price_per_week", "1,250.50", "price", Money(125050, "USD")),
        ("price_per_week", "1.250,50", "price", Money(125050, "USD")),
        ("price_per_week", "1 250", "price", Money(125000, "USD")),
        ("price_per_week", "430 USD", "price", Money(43000, "USD")),
        ("price_per_week", "US$430", "price", Money(43000, "USD")),
        ("price_per_week", "425.5", "price", Money(42550, "USD")),
        ("currency", "$", "price", Money(42500, "USD")),
        ("weeks_min", "4 weeks", "weeks_min", 4),
        ("weeks_max", "12.0", "weeks_max", 12),
        ("seats_per_week", "0", "seats_per_week", 0),
        ("duties", "History, Notes", "duties", ("history_taking", "clinical_notes")),
        ("duties", "history taking\nrounds", "duties", ("history_taking", "rounds_attendance")),
        ("visa_types", "J1, B1/B2", "visa_types", ("B1/B2", "J-1")),
        ("audience", "Students and graduates", "audience", "both"),
        ("setting", "In-patient", "setting", "inpatient"),
        ("step1_required", "TRUE", "step1_required", True),
        ("step2_min", "", "step2_min", None),
        ("approval", "On request", "approval", "request"),
        ("cancellation_policy", "Fixed fee", "cancellation_policy", "fixed_fee"),
        ("blackout_weeks", "", "blackout_weeks", ()),
    ],
)
def test_cells_that_are_understood(column, value, attribute, expected):
    row = read_one(**{column: value})
    assert row.problems == ()
    assert getattr(row.draft, attribute) == expected


def test_places_that_are_understood():
    row = read_one(state="illinois", country="USA", timezone="america/chicago")
    assert (row.draft.site.state, row.draft.site.country) == ("IL", "US")
    assert row.draft.site.time_zone == "America/Chicago"
    assert {fix.column for fix in row.fixes} == {"state", "country", "timezone"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"timezone": "America/New_York"}, "unusual_time_zone"),
        ({"visa_types": "none_needed"}, "visa_in_person"),
        ({"currency": "EUR", "cancellation_policy": "deposit_forfeit"}, "unusual_currency"),
        ({"seats_per_week": "0"}, "no_seats"),
    ],
)
def test_what_is_accepted_with_a_caution(changes, code):
    row = read_one(**changes)
    assert row.draft
    assert [caution.code for caution in row.cautions] == [code]
