"""Credit as pure functions."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.money import Money
from marketplace.payments.rules import Earner, PriceLine, split
from marketplace.payments.rules.credit import (
    CreditTerms,
    Pot,
    discount,
    good_again_until,
    spread,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def usd(minor):
    return Money(minor, "USD")


def pots(*minors):
    return [Pot(UUID(int=n), usd(minor)) for n, minor in enumerate(minors)]


@given(st.lists(st.integers(0, 10_000), max_size=6), st.data())
def test_pots_give_what_is_asked_and_no_more_than_they_have(minors, data):
    wanted = data.draw(st.integers(0, sum(minors)))
    taken = spread(pots(*minors), usd(wanted))
    assert sum(one.amount.minor for one in taken) == wanted
    assert all(0 < one.amount.minor <= minors[one.grant_id.int] for one in taken)
    emptied = [one for one in taken[:-1] if one.amount.minor != minors[one.grant_id.int]]
    assert emptied == []


def test_pots_that_lack_it_give_nothing():
    with pytest.raises(ValueError, match="more than there is"):
        spread(pots(5, 5), usd(11))


def test_what_comes_back_is_good_for_a_month_and_never_less_than_before():
    assert good_again_until(None, NOW) is None
    assert good_again_until(NOW - timedelta(days=1), NOW) == NOW + timedelta(days=30)
    assert good_again_until(NOW + timedelta(days=99), NOW) == NOW + timedelta(days=99)


def test_a_voucher_is_good_as_long_as_its_terms_say():
    assert CreditTerms().expires_at(NOW) is None
    assert CreditTerms(365).expires_at(NOW) == NOW + timedelta(days=365)


def lines(host, fee):
    return [
        PriceLine("weeks", "Rotation", usd(host), Earner.HOST, 4),
        PriceLine("platform_fee", "Platform fee", usd(fee), Earner.PLATFORM),
    ]


@given(
    st.integers(1, 10**7),
    st.integers(0, 10**6),
    st.one_of(
        st.integers(1, 10_000).map(lambda n: {"basis_points": n, "amount": None}),
        st.integers(1, 10**7).map(lambda n: {"basis_points": None, "amount": usd(n)}),
    ),
)
def test_no_host_is_paid_less_for_a_code(host, fee, value):
    price = lines(host, fee)
    line = discount(price, **value, words="Code")
    if line is None:
        assert fee == 0 or value["basis_points"]
        return
    assert 0 < -line.amount.minor <= fee
    assert split([*price, line]).host == usd(host)


def test_a_code_in_another_currency_takes_nothing_off():
    value = {"basis_points": None, "amount": Money(100, "EUR"), "words": "Code"}
    assert discount(lines(1_000, 120), **value) is None
