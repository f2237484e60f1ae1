"""Itineraries paid by credit, with a code, and cancelled one rotation after another."""

from datetime import timedelta
from uuid import UUID

import pytest

from marketplace.payments import queries as payments
from marketplace.payments.service.credit import granting
from tests.factories.credit import assert_sound, available, code, give, money, usd, uses
from tests.factories.itineraries import held
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.test_routes import API, VISA

WHOLE, DEPOSIT = 224_000, 44_800


@pytest.fixture
def trainee(people):
    return people.trainee(**VISA)


@pytest.fixture
def call(client, trainee):
    def send(method, path, json=None):
        return client.open(API + path, method=method, json=json, headers=trainee.headers)

    return send


@pytest.fixture
def basket(stage, trainee):
    places = [stage.place(), stage.place()]
    return held(
        stage,
        trainee.id,
        *((place, FIRST_DAY + timedelta(weeks=4 * n), 4) for n, place in enumerate(places)),
    )


def pay(call, itinerary_id, **body):
    answer = call("POST", f"/itineraries/{itinerary_id}/payments", body)
    assert answer.status_code == 201, answer.json
    return UUID(answer.json["payment_id"])


def cancel(call, booking_id):
    where = f"/bookings/{booking_id}"
    shown = call("POST", f"{where}/cancellation-quote", {}).json
    assert call("POST", f"{where}/cancel", {"quote": shown["quote"]}).status_code == 200
    return shown["refund"]["amount"]


def test_all_by_credit_confirms_every_rotation(stage, call, trainee, basket):
    itinerary_id, made = basket
    give(stage, trainee.id, usd(2 * DEPOSIT))
    pay(call, itinerary_id, credit=money(2 * DEPOSIT))
    assert [stage.state(one) for one in made] == ["confirmed"] * 2
    assert [stage.booking(one).paid for one in made] == [usd(DEPOSIT)] * 2
    assert available(stage, trainee.id) == 0
    assert_sound(stage)


def test_a_part_by_credit_is_a_part_of_each(stage, call, trainee, basket):
    itinerary_id, made = basket
    give(stage, trainee.id, usd(100_001))
    look = call(
        "POST",
        f"/itineraries/{itinerary_id}/payment-quote",
        {"whole": True, "credit": money(100_001)},
    ).json
    assert look["by_card"] == money(2 * WHOLE - 100_001)
    payment_id = pay(call, itinerary_id, whole=True, credit=money(100_001))
    assert stage.settle(payment_id) == "settled"
    assert [stage.booking(one).paid for one in made] == [usd(WHOLE)] * 2
    assert_sound(stage)
    first = cancel(call, made[0])
    back = available(stage, trainee.id)
    assert stage.refunded(payment_id) + back == first
    assert back == 44_421, "its share of what is not kept of 500.01 USD"
    second = cancel(call, made[1])
    assert stage.refunded(payment_id) + available(stage, trainee.id) == first + second
    assert_sound(stage)


def test_credit_returns_when_the_basket_is_not_paid(stage, call, trainee, basket):
    itinerary_id, made = basket
    give(stage, trainee.id, usd(10_000))
    payment_id = pay(call, itinerary_id, credit=money(10_000))
    stage.arrive(payment_id)
    assert [stage.state(one) for one in made] == ["expired"] * 2
    assert available(stage, trainee.id) == 10_000
    assert_sound(stage)


@pytest.mark.fault(21)
def test_a_late_basket_takes_credit_and_seats_again_or_goes_back(stage, call, trainee, basket):
    itinerary_id, made = basket
    give(stage, trainee.id, usd(10_000))
    payment_id = pay(call, itinerary_id, credit=money(10_000))
    stage.arrive(payment_id)
    assert stage.settle(payment_id) == "late"
    assert [stage.state(one) for one in made] == ["confirmed"] * 2
    assert available(stage, trainee.id) == 0
    assert_sound(stage)


@pytest.mark.fault(21)
def test_a_late_basket_without_its_credit_goes_back_whole(stage, call, trainee, basket):
    itinerary_id, made = basket
    grant = give(stage, trainee.id, usd(10_000), transferable=True)
    payment_id = pay(call, itinerary_id, credit=money(10_000))
    stage.arrive(payment_id)
    friend = stage.trainee()
    with stage.transaction() as session:
        granting.hand_on(
            session,
            grant,
            owner_id=trainee.id,
            to_email=f"{friend}@example.org",
            now=stage.now,
        )
    assert stage.settle(payment_id) == "late"
    assert [stage.state(one) for one in made] == ["expired"] * 2
    assert stage.refunded(payment_id) == 2 * DEPOSIT - 10_000
    assert available(stage, friend) == 10_000
    assert_sound(stage)


def test_one_code_lowers_every_price_and_is_used_once(stage, call, trainee, basket):
    itinerary_id, made = basket
    code_id = code(stage, basis_points=None, amount_minor=10_001, currency="USD")
    payment_id = pay(call, itinerary_id, whole=True, code="spring-27")
    assert uses(stage, code_id) == 1
    stage.settle(payment_id)
    totals = sorted(stage.booking(one).total.minor for one in made)
    assert totals == [WHOLE - 5_001, WHOLE - 5_000]
    assert [stage.booking(one).paid == stage.booking(one).total for one in made] == [True, True]
    with stage.transaction() as session:
        owed = [
            payments.balance_of(session, "deferred_host_share", "USD", stage.booking(one).site_id)
            for one in made
        ]
    assert owed == [usd(-200_000)] * 2
    assert_sound(stage)


def test_a_code_for_one_site_lowers_its_rotation_alone(stage, call, trainee, basket):
    itinerary_id, made = basket
    code(stage, site_ids=[str(stage.booking(made[1]).site_id)])
    stage.settle(pay(call, itinerary_id, whole=True, code="SPRING-27"))
    assert [stage.booking(one).total.minor for one in made] == [WHOLE, WHOLE - 11_200]
    assert_sound(stage)
