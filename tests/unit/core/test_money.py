"""Money: whole minor units, one currency, parts that sum to the whole."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.money import CurrencyMismatch, Money

amounts = st.integers(-(10**12), 10**12)
weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any)


@given(amounts, weights)
def test_the_parts_sum_to_the_whole_and_keep_its_sign(minor, shares):
    parts = Money(minor, "USD").allocate(shares)
    assert sum(part.minor for part in parts) == minor
    assert all(part.minor * minor >= 0 for part in parts)


@given(amounts, weights)
def test_no_part_is_a_unit_or_more_away_from_its_share(minor, shares):
    for part, share in zip(Money(minor, "USD").allocate(shares), shares, strict=True):
        assert abs(part.minor * sum(shares) - minor * share) < sum(shares)


@given(amounts, weights)
def test_a_debt_is_split_as_the_amount_is(minor, shares):
    assert Money(-minor, "USD").allocate(shares) == [
        -part for part in Money(minor, "USD").allocate(shares)
    ]


@pytest.mark.parametrize("shares", [[], [0, 0], [1, -1]])
def test_weights_that_say_nothing_are_refused(shares):
    with pytest.raises(ValueError, match="weights"):
        Money(100, "USD").allocate(shares)


def test_currencies_do_not_meet():
    with pytest.raises(CurrencyMismatch):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(CurrencyMismatch):
        assert Money(1, "USD") < Money(1, "EUR")


@pytest.mark.parametrize("bad", [1.0, "1", True, Decimal(1)])
def test_minor_units_are_whole_numbers(bad):
    with pytest.raises(TypeError):
        Money(bad, "USD")


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("250.50", "USD", 25050), ("1250", "USD", 125000), ("1000", "JPY", 1000), ("-3", "EUR", -300)],
)
def test_decimals_are_read_exactly(text, currency, minor):
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [("1.005", "USD"), ("1.5", "JPY"), ("NaN", "USD"), ("inf", "USD"), ("x", "USD"), ("1", "XXX")],
)
def test_what_is_no_amount_is_refused(text, currency):
    with pytest.raises(ValueError, match="amount|currency"):
        Money.parse(text, currency)


@pytest.mark.parametrize(
    ("minor", "percent", "expected"),
    [(1005, 10, 101), (-1005, 10, -101), (1004, 10, 100), (1, 50, 1)],
)
def test_halves_round_away_from_zero(minor, percent, expected):
    assert Money(minor, "USD").percent(percent) == Money(expected, "USD")


def test_it_reads_as_people_write_it():
    assert str(Money(123456, "USD")) == "1,234.56 USD"
    assert str(Money(1234, "JPY")) == "1,234 JPY"
