"""Whatever a listing says, it comes out as CSV and XLSX and goes in again the same."""

import io
import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.catalog.rules import cells, english, vocabulary
from marketplace.catalog.rules.deposits import STANDARD
from marketplace.catalog.rules.drafts import ListingDraft, PreceptorDraft, SiteDraft
from marketplace.catalog.rules.neutral import neutralised, whole
from marketplace.catalog.rules.npi import is_npi
from marketplace.catalog.rules.people import upright_name
from marketplace.catalog.rules.policies import SELECTABLE, fee_currency
from marketplace.catalog.rules.sheet import LISTINGS
from marketplace.catalog.rules.specialties import SPECIALTIES
from marketplace.catalog.rules.spreadsheet import read_sheet
from marketplace.catalog.rules.terms import terms_of
from marketplace.catalog.rules.writing import Format
from marketplace.catalog.service import exporting
from marketplace.core.money import Money

MONDAY = date(2027, 1, 4)
# Letters, digits, marks, and what a spreadsheet makes something else of.
LETTERS = st.characters(
    codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Cf", "Zl", "Zp", "Zs")
)
TROUBLE = st.sampled_from(
    ["=1+1", "-x", "+x", "@x", "'=1", "''", "'", "007", "1e5", "TRUE", "2027-01-04", "a,b;c|d",
     'say "so"', "_x0041_", "＝1", "  ", "1,250", "#N/A", "a\u00a0b"]
)  # fmt: skip


def texts(most):
    free = st.text(st.one_of(LETTERS, st.just(" ")), min_size=1, max_size=min(most, 30))
    return (
        st.one_of(free, TROUBLE, st.builds("{}{}".format, TROUBLE, free))
        .map(lambda text: unicodedata.normalize("NFC", text.strip())[:most].strip())
        .filter(bool)
    )


mondays = st.integers(0, 150).map(lambda weeks: MONDAY + timedelta(weeks=weeks))


def in_order(name):
    words = [word for word in vocabulary.allowed(name) if word not in ("any", "none_needed")]
    return st.sets(st.sampled_from(words), min_size=1).map(
        lambda some: vocabulary.in_order(name, some)
    )


@st.composite
def drafts(draw):
    first = draw(mondays)
    least = draw(st.integers(1, 52))
    policy = draw(st.sampled_from(sorted(SELECTABLE)))
    fees = fee_currency(policy)
    currencies = [fees] if fees else ["USD", "EUR", "GBP"]
    base = f"1{draw(st.integers(10_000_000, 99_999_999))}"
    return ListingDraft(
        external_id=draw(texts(64)),
        site=SiteDraft(
            draw(texts(200)), draw(texts(300)), draw(texts(100)), "IL", "US", "America/Chicago"
        ),
        preceptor=PreceptorDraft(
            draw(texts(200).filter(lambda name: upright_name(name) == name)),
            next(f"{base}{digit}" for digit in range(10) if is_npi(f"{base}{digit}")),
        ),
        specialty=draw(st.sampled_from(SPECIALTIES)).code,
        title=draw(texts(200)),
        setting=draw(st.sampled_from(vocabulary.allowed("setting"))),
        duties=draw(in_order("duty")),
        audience=draw(st.sampled_from(vocabulary.allowed("audience"))),
        weeks_min=least,
        weeks_max=draw(st.integers(least, 52)),
        price=draw(st.builds(Money, st.integers(1, 10_000_000), st.sampled_from(currencies))),
        seats_per_week=draw(st.integers(0, cells.MOST_SEATS)),
        first_start=first,
        last_start=first + timedelta(weeks=draw(st.integers(0, 60))),
        blackout_weeks=tuple(sorted(draw(st.sets(mondays, max_size=4)))),
        visa_types=draw(st.one_of(in_order("visa"), st.just(("any",)), st.just(("none_needed",)))),
        step1_required=draw(st.booleans()),
        step2_min=draw(st.one_of(st.none(), st.integers(1, 300))),
        letter_policy=draw(st.sampled_from(vocabulary.allowed("letter_policy"))),
        cancellation_policy=policy,
        approval=draw(st.sampled_from(vocabulary.allowed("approval"))),
        notes=draw(st.one_of(st.just(""), texts(2000))),
        english=english.NOT_ASKED,
        deposit=STANDARD,
        lead_days=draw(st.integers(0, cells.MOST_LEAD_DAYS)),
        residency_affiliation=draw(st.one_of(st.just(""), texts(100))),
    )


@pytest.mark.parametrize("form", list(Format))
@settings(max_examples=60, deadline=None)
@given(draft=drafts())
def test_a_draft_comes_out_and_goes_in_again_the_same(form, draft):
    file = io.BytesIO()
    exporting.write_rows(file, LISTINGS, [terms_of(draft)], form)
    found = read_sheet(file.getvalue(), name=f"a.{form}")
    assert found.fault is None
    (row,) = found.rows
    assert row.problems == ()
    assert row.draft == draft
    assert row.fixes == ()


@given(st.text())
def test_neutralising_is_undone_and_leaves_nothing_to_run(text):
    harmless = neutralised(text)
    assert whole(harmless) == text
    assert not harmless.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
