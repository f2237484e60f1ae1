"""The tax that a price contains, to the minor unit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.money import Money
from marketplace.payments.rules import Split
from marketplace.payments.rules.taxes import TaxTerms, contained, stated, stated_again


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@pytest.mark.parametrize(
    ("taxed", "percent", "tax"),
    [
        (12_000, "20", 2_000),
        (4_080, "20", 680),
        (100, "8.25", 8),  # 7.62
        (3, "20", 1),  # a half goes up
        (0, "20", 0),
        (999, "0", 0),
    ],
)
def test_the_tax_in_an_amount(taxed, percent, tax):
    assert contained(usd(taxed), Decimal(percent)) == usd(tax)


@given(st.integers(0, 10**12), st.integers(0, 10_000))
def test_net_and_tax_give_the_amount_back(taxed, rate):
    tax = contained(usd(taxed), Decimal(rate) / 100).minor
    net = taxed - tax
    assert abs(net * rate - tax * 10_000) <= 10_000 + rate


def test_a_document_states_it_for_what_is_taxed_and_later_at_the_same_rate():
    paid = Split(usd(34_000), usd(4_080))
    lines = stated(TaxTerms("VAT", Decimal("20.00"), "platform"), paid)
    assert [(one["taxed"], one["amount"]) for one in lines] == [("40.80 USD", "6.80 USD")]
    back = stated_again(lines, Split(usd(17_000), usd(2_040)))
    assert [(one["percent"], one["amount"]) for one in back] == [("20.00", "3.40 USD")]
    assert stated_again(lines, Split(usd(17_000), usd(0))) == []
    assert stated(None, paid) == []
    assert stated(TaxTerms("VAT", Decimal(20), "all"), paid)[0]["amount"] == "63.47 USD"
