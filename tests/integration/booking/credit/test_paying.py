"""Paying for a booking by credit, whole and in part, and what becomes of it when pages fail."""

from datetime import timedelta
from uuid import UUID

import pytest

from marketplace.payments import queries as payments
from tests.factories.credit import assert_sound, available, give, money, usd
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.test_routes import asked

WHOLE, DEPOSIT, FEE = 224_000, 44_800, 24_000


def payments_of(stage, booking_id):
    with stage.transaction() as session:
        return payments.money_of(session, "booking", [UUID(str(booking_id))])[UUID(str(booking_id))]


def test_a_booking_paid_wholly_by_credit_is_confirmed_without_the_processor(
    stage, call, trainee, held, pay, run_jobs
):
    give(stage, trainee.id, usd(50_000))
    paid = pay(held, credit=money(DEPOSIT))
    assert paid["booking"]["state"] == "confirmed"
    assert paid["booking"]["paid"] == money(DEPOSIT)
    shown = call(trainee, "GET", f"/payments/{paid['payment_id']}").json
    assert (shown["status"], shown["means"], shown["checkout_url"]) == ("settled", "credit", None)
    assert call(trainee, "GET", "/credit").json == {"available": [money(50_000 - DEPOSIT)]}
    kinds = call(trainee, "GET", "/credit/movements").json["items"]
    assert [(one["kind"], one["amount"]["amount"], one["left"]["amount"]) for one in kinds] == [
        ("used", -DEPOSIT, 50_000 - DEPOSIT),
        ("granted", 50_000, 50_000),
    ]
    run_jobs()
    again = call(trainee, "GET", f"/payments/{paid['payment_id']}").json
    assert again["receipt_ready"] is True
    assert_sound(stage)


def test_a_part_by_credit_waits_for_the_card(stage, call, trainee, held, pay):
    give(stage, trainee.id, usd(10_000))
    paid = pay(held, credit=money(10_000))
    assert paid["booking"]["state"] == "awaiting_payment"
    shown = call(trainee, "GET", f"/payments/{paid['payment_id']}").json
    assert (shown["amount"], shown["credit"]) == (money(DEPOSIT - 10_000), money(10_000))
    assert available(stage, trainee.id) == 0
    assert_sound(stage)
    assert pay(held, credit=money(10_000))["payment_id"] == paid["payment_id"]
    assert stage.settle(paid["payment_id"]) == "settled"
    assert stage.booking(held).paid == usd(DEPOSIT)
    assert stage.state(held) == "confirmed"
    assert sorted(one.amount.minor for one in payments_of(stage, held)) == [10_000, 34_800]
    assert stage.settle(paid["payment_id"]) == "duplicate"
    assert_sound(stage)


@pytest.mark.parametrize("failed", [True, False])
def test_credit_returns_when_the_page_fails_or_closes(stage, trainee, held, pay, failed):
    give(stage, trainee.id, usd(10_000))
    paid = pay(held, credit=money(10_000))
    stage.arrive(paid["payment_id"], failed=failed)
    assert stage.state(held) == "expired"
    assert available(stage, trainee.id) == 10_000
    assert_sound(stage)


def test_credit_returns_when_the_hold_is_given_up(stage, trainee, held, pay, run_jobs):
    give(stage, trainee.id, usd(10_000))
    pay(held, credit=money(10_000))
    stage.clock.advance(timedelta(minutes=36))
    assert stage.expire_due() == 1
    run_jobs()
    assert stage.state(held) == "expired"
    assert available(stage, trainee.id) == 10_000
    assert_sound(stage)


@pytest.mark.fault(21)
def test_a_late_settlement_takes_the_credit_again(stage, trainee, held, pay):
    give(stage, trainee.id, usd(10_000))
    paid = pay(held, credit=money(10_000))
    stage.arrive(paid["payment_id"])
    assert available(stage, trainee.id) == 10_000
    assert stage.settle(paid["payment_id"]) == "late"
    assert stage.state(held) == "confirmed"
    assert (stage.booking(held).paid, available(stage, trainee.id)) == (usd(DEPOSIT), 0)
    assert_sound(stage)


@pytest.mark.fault(21)
def test_a_late_settlement_whose_credit_is_spent_goes_back(stage, call, people, trainee, held, pay):
    give(stage, trainee.id, usd(10_000))
    paid = pay(held, credit=money(10_000))
    stage.arrive(paid["payment_id"])
    other = call(
        trainee, "POST", "/bookings", asked(stage.place(), FIRST_DAY + timedelta(weeks=8))
    ).json["id"]
    pay(other, credit=money(10_000))
    assert stage.settle(paid["payment_id"]) == "late"
    assert stage.state(held) == "expired"
    assert stage.refunded(paid["payment_id"]) == DEPOSIT - 10_000
    assert stage.told(trainee.id)[-1] == "seat_lost_refund"
    assert_sound(stage)


@pytest.mark.fault(21)
def test_a_late_settlement_for_a_seat_that_is_gone_leaves_the_credit(
    stage, people, place, trainee, held, pay
):
    give(stage, trainee.id, usd(10_000))
    paid = pay(held, credit=money(10_000))
    stage.arrive(paid["payment_id"])
    stage.confirmed(place)
    assert stage.settle(paid["payment_id"]) == "late"
    assert available(stage, trainee.id) == 10_000
    assert stage.refunded(paid["payment_id"]) == DEPOSIT - 10_000
    assert_sound(stage)


def test_the_balance_is_paid_by_credit_too(stage, trainee, held, pay, call):
    stage.settle(pay(held)["payment_id"])
    give(stage, trainee.id, usd(200_000))
    look = call(trainee, "POST", f"/bookings/{held}/payment-quote", {"credit": money(100_000)}).json
    assert (look["purpose"], look["due"], look["by_card"]) == (
        "balance",
        money(WHOLE - DEPOSIT),
        money(WHOLE - DEPOSIT - 100_000),
    )
    first = pay(held, credit=money(100_000))
    assert pay(held, credit=money(100_000))["payment_id"] == first["payment_id"]
    assert available(stage, trainee.id) == 100_000
    stage.settle(first["payment_id"])
    assert stage.booking(held).paid == usd(WHOLE)
    again = call(trainee, "POST", f"/bookings/{held}/payments", {})
    assert again.status_code == 409
    assert_sound(stage)


def test_a_balance_paid_by_credit_closes_the_page_that_was_open(stage, trainee, held, pay):
    stage.settle(pay(held)["payment_id"])
    page = pay(held)["payment_id"]
    give(stage, trainee.id, usd(WHOLE))
    pay(held, credit=money(WHOLE - DEPOSIT))
    assert stage.booking(held).paid == usd(WHOLE)
    assert stage.settle(page) == "surplus"
    assert stage.refunded(page) == WHOLE - DEPOSIT
    assert_sound(stage)


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"credit": money(20_000)}, 409, "credit_lacking"),
        ({"credit": money(DEPOSIT + 1)}, 422, "amount_refused"),
        ({"credit": money(DEPOSIT - 49)}, 422, "amount_refused"),
        ({"credit": money(0)}, 422, "amount_refused"),
        ({"credit": money(-5)}, 422, "amount_refused"),
        ({"credit": {"amount": 100, "currency": "EUR"}}, 422, "amount_refused"),
        ({"code": "NOBODY"}, 409, "voucher_refused"),
    ],
)
def test_what_cannot_pay_is_said_clearly(stage, call, trainee, held, body, status, problem):
    give(stage, trainee.id, usd(10_000))
    answer = call(trainee, "POST", f"/bookings/{held}/payments", body)
    assert (answer.status_code, answer.json["code"]) == (status, problem)
    assert stage.state(held) == "held"
    assert available(stage, trainee.id) == 10_000


def test_what_expires_first_is_spent_first(stage, call, trainee, held, pay):
    late = give(stage, trainee.id, usd(20_000), expires_at=stage.now + timedelta(days=300))
    never = give(stage, trainee.id, usd(20_000))
    soon = give(stage, trainee.id, usd(20_000), expires_at=stage.now + timedelta(days=3))
    over = give(stage, trainee.id, usd(20_000), expires_at=stage.now + timedelta(seconds=1))
    stage.clock.advance(timedelta(seconds=1))
    pay(held, credit=money(DEPOSIT))
    left = {
        one["id"]: one["left"]["amount"]
        for one in call(trainee, "GET", "/credit/grants").json["items"]
    }
    assert left == {str(soon): 0, str(late): 0, str(never): 15_200, str(over): 20_000}
    assert_sound(stage)


def test_a_late_balance_whose_credit_is_spent_goes_back(stage, call, trainee, held, pay):
    stage.settle(pay(held)["payment_id"])
    give(stage, trainee.id, usd(DEPOSIT))
    late = pay(held, credit=money(DEPOSIT))["payment_id"]
    stage.arrive(late)
    other = call(
        trainee, "POST", "/bookings", asked(stage.place(), FIRST_DAY + timedelta(weeks=8))
    ).json["id"]
    pay(other, credit=money(DEPOSIT))
    assert stage.settle(late) == "late"
    assert stage.booking(held).paid == usd(DEPOSIT)
    assert stage.refunded(late) == WHOLE - 2 * DEPOSIT
    assert stage.told(trainee.id)[-1] == "credit_gone_refund"
    assert_sound(stage)
