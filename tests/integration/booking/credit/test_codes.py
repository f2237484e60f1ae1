"""Codes that lower the price of a booking: when, by how much, and how often."""

from datetime import timedelta

import pytest

from marketplace.payments import queries as payments
from tests.factories.credit import assert_sound, available, cancel, code, give, money, usd, uses
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.test_routes import VISA, asked

WHOLE, DEPOSIT, FEE = 224_000, 44_800, 24_000


def test_a_code_lowers_the_price_once_it_is_paid(stage, call, trainee, held, pay):
    code_id = code(stage)
    look = call(trainee, "POST", f"/bookings/{held}/payment-quote", {"code": "spring-27"}).json
    assert [one["kind"] for one in look["lines"]] == ["weeks", "platform_fee", "discount"]
    assert (look["discount"], look["total"]) == (money(11_200), money(WHOLE - 11_200))
    assert uses(stage, code_id) == 0
    paid = pay(held, code="spring-27", whole=True)
    assert uses(stage, code_id) == 1
    assert stage.booking(held).total == usd(WHOLE)
    stage.settle(paid["payment_id"])
    booking = stage.booking(held)
    assert (booking.total, booking.paid) == (usd(WHOLE - 11_200), usd(WHOLE - 11_200))
    assert booking.price_lines[-1].amount == usd(-11_200)
    shown = cancel(call, trainee, held)
    assert shown["refund"] == money(WHOLE - 11_200 - 25_000)
    assert uses(stage, code_id) == 1
    assert_sound(stage)


def test_a_code_with_a_deposit_lowers_the_balance(stage, trainee, held, pay):
    code(stage)
    stage.settle(pay(held, code="SPRING-27")["payment_id"])
    assert stage.booking(held).paid == usd(DEPOSIT)
    give(stage, trainee.id, usd(WHOLE))
    pay(held, credit=money(WHOLE - 11_200 - DEPOSIT))
    assert stage.booking(held).paid == usd(WHOLE - 11_200)
    assert_sound(stage)


def test_a_code_takes_off_no_more_than_the_marketplace_earns(stage, call, trainee, held, pay):
    code(stage, basis_points=None, amount_minor=100_000, currency="USD")
    look = call(trainee, "POST", f"/bookings/{held}/payment-quote", {"code": "SPRING-27"}).json
    assert look["discount"] == money(FEE)
    stage.settle(pay(held, code="SPRING-27", whole=True)["payment_id"])
    with stage.transaction() as session:
        site = stage.booking(held).site_id
        owed = payments.balance_of(session, "deferred_host_share", "USD", site)
    assert owed == usd(-200_000)
    assert_sound(stage)


def test_the_use_of_a_code_goes_back_with_the_payment(stage, trainee, held, pay):
    code_id = code(stage, max_uses=1)
    paid = pay(held, code="SPRING-27")
    stage.arrive(paid["payment_id"])
    assert uses(stage, code_id) == 0
    assert stage.settle(paid["payment_id"]) == "late"
    assert stage.state(held) == "confirmed"
    assert (uses(stage, code_id), stage.booking(held).total) == (1, usd(WHOLE - 11_200))
    assert_sound(stage)


def test_a_late_payment_whose_code_others_used_up_goes_back(
    stage, call, people, trainee, held, pay
):
    code_id = code(stage, max_uses=1)
    paid = pay(held, code="SPRING-27")
    stage.arrive(paid["payment_id"])
    other = people.trainee(**VISA)
    theirs = call(other, "POST", "/bookings", asked(stage.place())).json["id"]
    taken = call(other, "POST", f"/bookings/{theirs}/payments", {"code": "SPRING-27"})
    assert taken.status_code == 201
    assert stage.settle(paid["payment_id"]) == "late"
    assert stage.state(held) == "expired"
    assert stage.refunded(paid["payment_id"]) == DEPOSIT
    assert uses(stage, code_id) == 1
    assert_sound(stage)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"valid_from": timedelta(days=1), "valid_until": timedelta(days=2)}, "not_yet"),
        ({"valid_from": timedelta(days=-2), "valid_until": timedelta(0)}, "over"),
        ({"currency": "EUR"}, "not_here"),
        ({"listing_ids": ["0198c0de-0000-7000-8000-000000000001"]}, "not_here"),
        ({"site_ids": ["0198c0de-0000-7000-8000-000000000001"]}, "not_here"),
    ],
)
def test_a_code_says_why_it_is_not_good(stage, call, trainee, held, changes, reason):
    for name in ("valid_from", "valid_until"):
        if name in changes:
            changes = {**changes, name: stage.now + changes[name]}
    code(stage, **changes)
    answer = call(trainee, "POST", f"/bookings/{held}/payments", {"code": "SPRING-27"})
    assert (answer.status_code, answer.json["code"]) == (409, "voucher_refused")
    assert answer.json["reason"] == reason


def test_a_code_for_this_site_or_listing_is_good(stage, call, place, trainee, held):
    code(stage, listing_ids=[str(place.listing_id)])
    answer = call(trainee, "POST", f"/bookings/{held}/payments", {"code": "SPRING-27"})
    assert answer.status_code == 201


def test_code_and_credit_together_may_leave_nothing_to_pay(stage, trainee, held, pay):
    code_id = code(stage)
    give(stage, trainee.id, usd(WHOLE))
    paid = pay(held, code="SPRING-27", credit=money(WHOLE - 11_200), whole=True)
    assert paid["booking"]["state"] == "confirmed"
    assert paid["booking"]["total"] == money(WHOLE - 11_200)
    assert (uses(stage, code_id), available(stage, trainee.id)) == (1, 11_200)
    assert_sound(stage)


def test_what_credit_paid_moves_with_the_weeks_and_comes_back(stage, call, trainee, held, pay):
    code(stage)
    give(stage, trainee.id, usd(100_000))
    stage.settle(pay(held, whole=True, code="SPRING-27", credit=money(100_000))["payment_id"])
    weeks = {"first_day": (FIRST_DAY + timedelta(weeks=8)).isoformat(), "weeks": 4}
    where = f"/bookings/{held}"
    shown = call(trainee, "POST", f"{where}/reschedule-quote", weeks).json
    assert (shown["price"], shown["due"]) == (money(WHOLE - 11_200), money(0))
    moved = call(trainee, "POST", f"{where}/reschedule", {**weeks, "quote": shown["quote"]})
    assert moved.status_code in {200, 201}, moved.json
    new = moved.json["booking"]["id"]
    refund = cancel(call, trainee, new)["refund"]["amount"]
    assert refund == WHOLE - 11_200 - 25_000
    kept = stage.booking(held)
    assert available(stage, trainee.id) + stage.refunded(kept.payment_id) == refund
    assert_sound(stage)
