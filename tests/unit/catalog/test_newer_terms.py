"""The terms whose columns a sheet may lack: English, documents, deposit, lead time, claims."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketplace.catalog.rules import deposits
from marketplace.catalog.rules.deposits import DepositKind, DepositRule
from marketplace.catalog.rules.english import NOT_ASKED, EnglishTerms
from marketplace.catalog.rules.sheet import COLUMNS, KEPT_IF_ABSENT
from marketplace.catalog.rules.spreadsheet import read_sheet
from marketplace.catalog.rules.terms import difference, terms_of
from marketplace.catalog.rules.vocabulary import Document
from marketplace.core.money import Money
from tests.unit.catalog.sheets import GOOD, read_one, sheet

NEW = dict.fromkeys(sorted(KEPT_IF_ABSENT), "")


def read_new(**changes):
    (row,) = read_sheet(sheet({**GOOD, **NEW, **changes}, columns=COLUMNS)).rows
    return row


def test_a_sheet_without_the_columns_has_their_defaults():
    draft = read_one().draft
    assert draft.english == NOT_ASKED
    assert draft.documents == ()
    assert draft.deposit == DepositRule()
    assert draft.lead_days == 14
    assert (draft.residency_affiliation, draft.claimed_tier) == ("", None)
    assert read_new().draft == draft


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("native", EnglishTerms(native=True)),
        ("native;TOEFL 80;IELTS 6.5;OET 350", EnglishTerms(True, 80, Decimal("6.5"), 350)),
        ("oet >= 350, toefl ibt 90", EnglishTerms(toefl_ibt=90, oet=350)),
        ("IELTS: 7", EnglishTerms(ielts=Decimal("7.0"))),
        ("none", NOT_ASKED),
    ],
)
def test_proofs_of_english(text, terms):
    row = read_new(english=text)
    assert row.draft.english == terms
    again = read_new(english=terms_of(row.draft)["english"])
    assert (again.draft, again.fixes) == (row.draft, ())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("TOEFL 121", "score_out_of_range"),
        ("IELTS 6.3", "score_out_of_range"),
        ("OET 355", "score_out_of_range"),
        ("OET 350;oet 400", "contradiction"),
        ("Duolingo 120", "not_an_english_proof"),
        ("TOEFL", "not_an_english_proof"),
    ],
)
def test_proofs_that_are_none(text, code):
    (problem,) = read_new(english=text).problems
    assert (problem.column, problem.code) == ("english", code)
    assert "TOEFL" in problem.expected or "IELTS" in problem.expected or "OET" in problem.expected


@pytest.mark.parametrize(
    ("text", "rule", "written"),
    [
        ("", DepositRule(), ""),
        ("standard", DepositRule(), ""),
        ("Full", DepositRule(DepositKind.WHOLE), "whole"),
        ("25 %", DepositRule(DepositKind.SHARE, 2500), "25%"),
        ("12.5%", DepositRule(DepositKind.SHARE, 1250), "12.5%"),
        ("$200", DepositRule(DepositKind.AMOUNT, amount=Money(20000, "USD")), "200.00"),
    ],
)
def test_deposits(text, rule, written):
    row = read_new(deposit=text)
    assert row.draft.deposit == rule
    assert terms_of(row.draft)["deposit"] == deposits.text_of(rule) == written
    assert read_new(deposit=written).draft == row.draft


@pytest.mark.parametrize("text", ["0%", "100.5%", "-5", "half", "0", "EUR 200"])
def test_deposits_that_are_none(text):
    (problem,) = read_new(deposit=text).problems
    assert (problem.column, problem.code) == ("deposit", "not_a_deposit")


def test_documents_in_their_usual_names():
    row = read_new(documents="MMR titer; Flu shot; tb; CV; dean's letter")
    assert row.draft.documents == (
        Document.CV,
        Document.DEANS_LETTER,
        Document.MMR,
        Document.TB_TEST,
        Document.INFLUENZA,
    )
    (problem,) = read_new(documents="cv;horoscope").problems
    assert "horoscope is not" in problem.expected


def test_a_claimed_tier_is_held_against_the_duties():
    assert read_new(claimed_tier="Hands-on elective").draft.claimed_tier == "elective"
    assert read_new(claimed_tier="gold").problems[0].column == "claimed_tier"


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("lead_days", "366", "days_out_of_range"),
        ("lead_days", "-1", "days_out_of_range"),
        ("residency_affiliation", "=1+1", "formula"),
        ("residency_affiliation", "x" * 201, "too_long"),
    ],
)
def test_cells_that_are_refused(column, text, code):
    (problem,) = read_new(**{column: text}).problems
    assert (problem.column, problem.code) == (column, code)


def test_no_lead_time_is_a_lead_time():
    assert read_new(lead_days="0").draft.lead_days == 0


def test_each_new_term_shows_in_the_difference():
    before = read_new().draft
    after = replace(before, lead_days=30, documents=("cv",), claimed_tier="elective")
    assert difference(terms_of(before), terms_of(after)) == {
        "documents": ("", "cv"),
        "lead_days": ("14", "30"),
        "claimed_tier": ("", "elective"),
    }
