"""Discounts in frozen prices, and the order of refunds by two means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.booking.rules import frozen
from marketplace.booking.rules.changes import same_rates
from marketplace.booking.service.cancellations import _by_order
from marketplace.catalog.rules.policies import (
    POLICIES,
    TERMS,
    PolicyFault,
    RefundOrder,
    read_policy,
)
from marketplace.core.money import Money
from marketplace.payments.rules import Earner, PriceLine, quote, total
from marketplace.payments.rules.credit import Means


def usd(minor):
    return Money(minor, "USD")


def price(weeks=4):
    return quote(
        price_per_week=usd(50_000), weeks=weeks, platform_fee_percent=12, deposit_percent=20
    )


def off(minor):
    return PriceLine("discount", "Code", usd(-minor), Earner.PLATFORM)


@given(st.integers(1, 24_000))
def test_a_discount_leaves_the_deposit_and_lowers_the_balance(minor):
    plain = price()
    stored = frozen.with_discount(frozen.price_to_json(plain), off(minor), plain.deposit)
    lines = frozen.price_lines(stored)
    due, rest = frozen.price_lines(stored, "deposit"), frozen.price_lines(stored, "balance")
    assert total(lines) == plain.total - usd(minor)
    assert total(due) == plain.deposit
    assert total(due) + total(rest) == total(lines)


def test_a_deposit_is_never_more_than_the_lowered_price():
    plain = quote(price_per_week=usd(50_000), weeks=4, platform_fee_percent=12)
    stored = frozen.with_discount(frozen.price_to_json(plain), off(24_000), plain.deposit)
    assert total(frozen.price_lines(stored, "deposit")) == usd(200_000)
    assert frozen.price_lines(stored, "balance") == []


@pytest.mark.parametrize(("weeks", "kept"), [(4, 10_000), (8, 10_000), (1, 6_000)])
def test_a_changed_booking_keeps_its_discount_as_far_as_there_is_a_fee(weeks, kept):
    lines = [*price().lines, off(10_000)]
    assert same_rates(lines, weeks).total == price(weeks).total - usd(kept)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.sampled_from(RefundOrder), st.data())
def test_each_means_gives_back_what_it_has_at_most(credit, card, order, data):
    if not credit + card:
        return
    amount = data.draw(st.integers(1, credit + card))
    there = {Means.CREDIT: usd(credit), Means.CARD: usd(card)}
    by_credit, by_card = _by_order(there, usd(amount), order)
    assert by_credit + by_card == usd(amount)
    assert usd(0) <= by_credit <= usd(credit)
    assert usd(0) <= by_card <= usd(card)


def test_published_terms_refund_in_proportion_and_vouchers_are_good_for_ever():
    assert {policy.refund_order for policy in POLICIES.values()} == {RefundOrder.IN_PROPORTION}
    options = [
        option
        for policy in POLICIES.values()
        for clause in policy.clauses
        for option in clause.options
    ]
    assert {(one.good_for_days, one.transferable) for one in options} == {(None, False)}


def test_terms_may_end_a_voucher_and_name_an_order():
    terms = _changed(good_for_days=365, transferable=True)
    policy = read_policy({**terms, "refund_order": "credit_first"})
    option = policy.clauses[0].options[0]
    assert (option.good_for_days, option.transferable) == (365, True)
    assert policy.refund_order is RefundOrder.CREDIT_FIRST


def test_terms_of_no_sense_are_refused():
    with pytest.raises(PolicyFault):
        read_policy(_changed(good_for_days=0))
    with pytest.raises(PolicyFault):
        read_policy({**TERMS["fixed_fee"], "refund_order": "whatever"})


def _changed(**changes):
    terms = TERMS["fixed_fee"]
    clause = terms["clauses"][0]
    return {
        **terms,
        "clauses": [{**clause, "options": [{**clause["options"][0], **changes}]}],
    }
