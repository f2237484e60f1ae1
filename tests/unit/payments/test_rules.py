"""Amounts: quotes, parts of them, and refunds by line, for every amount there is."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.money import Money
from marketplace.payments.rules import (
    Earner,
    PriceLine,
    Split,
    divide,
    quote,
    refund_split,
    split,
    total,
)
from marketplace.payments.states import PAYMENT, REFUND, PaymentState, RefundState


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def line(minor: int, earner: Earner = Earner.HOST, kind: str = "weeks") -> PriceLine:
    return PriceLine(kind, kind, usd(minor), earner)


lines = st.lists(
    st.builds(line, st.integers(0, 10**7), st.sampled_from(Earner)), min_size=1, max_size=6
)


def test_a_quote_shows_each_line_and_a_deposit_that_leaves_no_remainder():
    made = quote(
        price_per_week=usd(42_500),
        weeks=4,
        platform_fee_percent=Decimal(12),
        deposit_percent=Decimal(20),
    )
    assert [(one.kind, one.amount, one.earner, one.quantity) for one in made.lines] == [
        ("weeks", usd(170_000), Earner.HOST, 4),
        ("platform_fee", usd(20_400), Earner.PLATFORM, 1),
    ]
    assert made.total == usd(190_400)
    assert made.deposit == usd(38_080)
    assert made.balance == usd(152_320)
    assert total(made.balance_lines) == made.balance
    assert split(made.deposit_lines) == Split(usd(34_000), usd(4_080))


@pytest.mark.parametrize(
    ("terms", "deposit"),
    [
        ({}, 11_200),
        ({"deposit_percent": Decimal(20)}, 2_240),
        ({"deposit_amount": usd(5_000)}, 5_000),
        ({"deposit_amount": usd(50_000)}, 11_200),
        ({"deposit_amount": usd(5_000), "deposit_percent": Decimal(20)}, 5_000),
    ],
)
def test_the_deposit_is_the_terms_amount_or_a_share_and_never_more_than_all(terms, deposit):
    made = quote(price_per_week=usd(10_000), weeks=1, platform_fee_percent=Decimal(12), **terms)
    assert made.deposit == usd(deposit)
    assert bool(made.balance_lines) == bool(made.balance)


def test_a_free_week_is_a_quote_of_nothing():
    made = quote(price_per_week=usd(0), weeks=1, platform_fee_percent=Decimal(12))
    assert made.total == usd(0)


def test_a_discount_comes_off_its_own_earner_first():
    priced = [line(1_000), line(100, Earner.PLATFORM), line(-150, Earner.PLATFORM, "voucher")]
    assert split(priced) == Split(usd(950), usd(0))
    part, rest = divide(priced, usd(475))
    assert total(part) == usd(475)
    assert total(rest) == usd(475)


def test_discounts_may_not_exceed_the_price():
    with pytest.raises(ValueError, match="discounts"):
        split([line(100), line(-101, kind="voucher")])


@given(lines, st.data())
def test_two_parts_of_a_price_add_up_to_it_line_by_line(priced, data):
    whole = total(priced)
    amount = usd(data.draw(st.integers(0, whole.minor)))
    part, rest = divide(priced, amount)
    assert sum((one.amount for one in part), usd(0)) == amount
    assert sum((one.amount for one in rest), usd(0)) == whole - amount
    assert all(one.amount.minor >= 0 for one in (*part, *rest))


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.data())
def test_refunds_in_any_pieces_end_with_nothing_left_on_either_side(host, platform, data):
    paid = Split(usd(host), usd(platform))
    back = Split(usd(0), usd(0))
    for _ in range(4):
        left = (paid.whole - back.whole).minor
        if not left:
            break
        piece = refund_split(paid, back, usd(data.draw(st.integers(1, left))))
        back = Split(back.host + piece.host, back.platform + piece.platform)
        assert back.host <= paid.host
        assert back.platform <= paid.platform
    if back.whole < paid.whole:
        last = refund_split(paid, back, paid.whole - back.whole)
        back = Split(back.host + last.host, back.platform + last.platform)
    assert back == paid


def test_a_refund_may_not_exceed_what_is_left():
    with pytest.raises(ValueError, match="more than is left"):
        refund_split(Split(usd(100), usd(10)), Split(usd(100), usd(0)), usd(11))


def test_a_paid_payment_stays_paid_and_every_sad_end_can_still_be_paid():
    assert PAYMENT.terminal(PaymentState.SETTLED)
    for end in (PaymentState.FAILED, PaymentState.EXPIRED, PaymentState.CANCELLED):
        assert PAYMENT.table[end] == {PaymentState.SETTLED}
    assert REFUND.allows(RefundState.SETTLED, RefundState.FAILED)
    assert REFUND.terminal(RefundState.FAILED)
