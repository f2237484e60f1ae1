"""Money that arrives, fails, comes late or twice, and what it does to a seat."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from marketplace.booking import queries
from marketplace.booking.errors import ApprovalNeeded, NotOpenForThis, Superseded
from marketplace.booking.service import applications, deadlines
from marketplace.core.money import Money
from marketplace.core.states import IllegalTransition
from marketplace.payments import queries as payment_queries
from tests.factories.rotations import FIRST_DAY

AN_HOUR = timedelta(hours=1)


def expire(stage):
    with stage.transaction() as session:
        return deadlines.expire_due(session, stage.now)


def withdraw(stage, booking_id):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        applications.withdraw(session, booking, reason="", now=stage.now)


def test_the_deposit_confirms(stage):
    place = stage.place()
    booking_id = stage.hold(stage.trainee(), place)
    payment_id = stage.pay(booking_id)
    booking = stage.booking(booking_id)
    assert (booking.state, booking.payment_id) == ("awaiting_payment", payment_id)
    assert stage.settle(payment_id) == "settled"
    booking = stage.booking(booking_id)
    assert (booking.state, booking.paid) == ("confirmed", Money(44800, "USD"))
    assert booking.hold_expires_at is None
    assert stage.steps(booking_id) == ["held", "awaiting_payment", "confirmed"]


def test_a_hold_is_extended_beyond_the_payment_page(stage):
    booking_id = stage.hold(stage.trainee(), stage.place())
    stage.clock.advance(timedelta(minutes=20))
    payment_id = stage.pay(booking_id)
    with stage.transaction() as session:
        page_ends = payment_queries.payment(session, payment_id).expires_at
    until = stage.booking(booking_id).hold_expires_at
    assert until == stage.now + timedelta(minutes=35)
    assert until > page_ends


@pytest.mark.fault(2)
@pytest.mark.fault(23)
def test_asking_to_pay_twice_is_one_payment(stage):
    booking_id = stage.hold(stage.trainee(), stage.place())
    assert stage.pay(booking_id) == stage.pay(booking_id, whole=True)


@pytest.mark.fault(2)
def test_two_tabs_that_pay_at_once_get_one_payment(live_stage):
    booking_id = live_stage.hold(live_stage.trainee(), live_stage.place())
    gate = threading.Barrier(6)

    def pay(_):
        gate.wait()
        try:
            return live_stage.pay(booking_id)
        except (Superseded, IllegalTransition):
            return None

    with ThreadPoolExecutor(6) as tabs:
        ids = {found for found in tabs.map(pay, range(6)) if found}
    assert ids == {live_stage.booking(booking_id).payment_id}
    assert live_stage.findings() == []


def test_an_overdue_hold_cannot_be_paid_for(stage):
    booking_id = stage.hold(stage.trainee(), stage.place())
    stage.clock.advance(AN_HOUR)
    with pytest.raises(NotOpenForThis):
        stage.pay(booking_id)


def test_a_listing_by_request_is_not_paid_before_the_host_agrees(stage):
    place = stage.place(approval="request")
    with pytest.raises(ApprovalNeeded):
        stage.pay(stage.hold(stage.trainee(), place))
    with pytest.raises(ApprovalNeeded):
        stage.pay(stage.submitted(stage.place(approval="request")))


@pytest.mark.fault(24)
def test_a_page_that_closes_unpaid_gives_the_seat_up(stage):
    place = stage.place()
    booking_id = stage.hold(stage.trainee(), place)
    payment_id = stage.pay(booking_id)
    assert stage.arrive(payment_id) == "expired"
    assert stage.state(booking_id) == "expired"
    assert stage.taken(place) == {}
    stage.hold(stage.trainee(), place)


@pytest.mark.fault(25)
def test_a_late_failure_fulfils_nothing(stage):
    place = stage.place()
    booking_id = stage.hold(stage.trainee(), place)
    assert stage.arrive(stage.pay(booking_id), failed=True) == "failed"
    assert stage.state(booking_id) == "expired"
    assert stage.taken(place) == {}


def test_an_approved_application_can_be_paid_again_until_its_time(stage):
    place = stage.place(approval="request")
    booking_id, host = stage.submitted(place), stage.member(place.site_id)
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        applications.approve(session, booking, actor_id=host, now=stage.now)
    first = stage.pay(booking_id)
    stage.clock.advance(timedelta(minutes=31))
    stage.arrive(first)
    booking = stage.booking(booking_id)
    assert (booking.state, booking.payment_id) == ("awaiting_payment", None)
    assert booking.hold_expires_at == booking.pay_by
    second = stage.pay(booking_id)
    assert second != first
    assert stage.settle(second) == "settled"
    assert stage.state(booking_id) == "confirmed"
    # The first page was paid too, as it closed: that money goes back by itself.
    assert stage.settle(first) == "surplus"
    assert stage.refunded(first) == 44800
    assert stage.state(booking_id) == "confirmed"


@pytest.mark.fault(23)
def test_money_on_an_earlier_page_confirms_and_the_later_page_is_closed(stage):
    place = stage.place(approval="request")
    booking_id, host = stage.submitted(place), stage.member(place.site_id)
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        applications.approve(session, booking, actor_id=host, now=stage.now)
    first = stage.pay(booking_id)
    stage.clock.advance(timedelta(minutes=31))
    stage.arrive(first)
    second = stage.pay(booking_id, whole=True)
    assert stage.settle(first) == "late"
    booking = stage.booking(booking_id)
    assert (booking.state, booking.payment_id) == ("confirmed", first)
    # What was paid on the other page as it closed goes back, and the booking stays.
    stage.settle(second)
    assert stage.refunded(second) == booking.total.minor
    assert stage.state(booking_id) == "confirmed"
    assert stage.told(booking.trainee_id)[-1] == "paid_twice_refund"


@pytest.mark.fault(5)
def test_a_hold_that_is_never_paid_is_released(stage):
    place = stage.place()
    held = stage.hold(stage.trainee(), place)
    stage.clock.advance(timedelta(minutes=34, seconds=59))
    assert expire(stage) == 0
    stage.clock.advance(timedelta(seconds=1))
    assert expire(stage) == 1
    assert expire(stage) == 0
    assert stage.steps(held) == ["held", "expired"]
    assert stage.taken(place) == {}
    assert stage.findings() == []


@pytest.mark.fault(21)
def test_late_money_takes_a_free_seat_back(stage):
    place = stage.place()
    booking_id = stage.hold(stage.trainee(), place)
    payment_id = stage.pay(booking_id)
    stage.clock.advance(AN_HOUR)
    assert expire(stage) == 1
    assert stage.taken(place) == {}
    stage.settle(payment_id)
    assert stage.steps(booking_id) == ["held", "awaiting_payment", "expired", "confirmed"]
    assert set(stage.taken(place).values()) == {1}
    assert stage.refunded(payment_id) == 0
    assert stage.findings() == []


@pytest.mark.fault(21)
def test_late_money_for_a_lost_seat_goes_back(stage):
    place, trainee = stage.place(), stage.trainee()
    booking_id = stage.hold(trainee, place)
    payment_id = stage.pay(booking_id)
    stage.clock.advance(AN_HOUR)
    expire(stage)
    winner = stage.hold(stage.trainee(), place)
    stage.settle(payment_id)
    assert stage.state(booking_id) == "expired"
    assert stage.refunded(payment_id) == 44800
    assert stage.state(winner) == "held"
    assert stage.findings() == []


@pytest.mark.fault(21)
def test_late_money_goes_back_if_the_trainee_is_elsewhere_by_then(stage):
    place, trainee = stage.place(), stage.trainee()
    booking_id = stage.hold(trainee, place)
    payment_id = stage.pay(booking_id)
    stage.clock.advance(AN_HOUR)
    expire(stage)
    stage.hold(trainee, stage.place())
    stage.settle(payment_id)
    assert stage.state(booking_id) == "expired"
    assert stage.refunded(payment_id) == 44800
    assert stage.findings() == []


@pytest.mark.fault(21)
def test_money_that_comes_after_the_first_day_goes_back(stage):
    booking_id = stage.hold(stage.trainee(), stage.place())
    payment_id = stage.pay(booking_id)
    stage.clock.advance(timedelta(days=120))
    expire(stage)
    stage.settle(payment_id)
    assert stage.state(booking_id) == "expired"
    assert stage.refunded(payment_id) == 44800


@pytest.mark.fault(21)
@pytest.mark.parametrize("round_", range(2))
def test_the_hold_expires_as_the_payment_succeeds(live_stage, round_):
    place = live_stage.place(seats_per_week=6)
    pairs = []
    for _ in range(6):
        booking_id = live_stage.hold(live_stage.trainee(), place)
        pairs.append((booking_id, live_stage.pay(booking_id)))
    live_stage.clock.advance(AN_HOUR)
    gate = threading.Barrier(8)

    def settle(pair):
        gate.wait()
        live_stage.settle(pair[1])

    def give_up(_):
        gate.wait()
        expire(live_stage)

    with ThreadPoolExecutor(8) as hands:
        done = [hands.submit(settle, pair) for pair in pairs]
        done += [hands.submit(give_up, None) for _ in range(2)]
        for one in done:
            one.result()
    for booking_id, payment_id in pairs:
        booked = live_stage.state(booking_id) == "confirmed"
        assert booked != (live_stage.refunded(payment_id) == 44800)
    assert live_stage.findings() == []


@pytest.mark.fault(22)
def test_withdrawing_closes_the_payment_and_money_in_flight_goes_back(stage):
    place = stage.place()
    booking_id = stage.hold(stage.trainee(), place)
    payment_id = stage.pay(booking_id)
    withdraw(stage, booking_id)
    assert stage.taken(place) == {}
    stage.settle(payment_id)
    assert stage.state(booking_id) == "withdrawn"
    assert stage.refunded(payment_id) == 44800
    assert stage.findings() == []


@pytest.mark.fault(22)
@pytest.mark.parametrize("round_", range(2))
def test_the_trainee_withdraws_while_paying(live_stage, round_):
    place = live_stage.place()
    booking_id = live_stage.hold(live_stage.trainee(), place)
    payment_id = live_stage.pay(booking_id)
    gate = threading.Barrier(2)

    def settle():
        gate.wait()
        live_stage.settle(payment_id)

    def leave():
        gate.wait()
        try:
            withdraw(live_stage, booking_id)
        except (Superseded, IllegalTransition):
            return

    with ThreadPoolExecutor(2) as hands:
        for one in [hands.submit(settle), hands.submit(leave)]:
            one.result()
    outcome = (live_stage.state(booking_id), live_stage.refunded(payment_id))
    assert outcome in {("confirmed", 0), ("withdrawn", 44800)}
    assert live_stage.findings() == []


@pytest.mark.fault(39)
def test_a_clock_that_jumps_pays_nothing_twice_and_releases_nothing_early(stage):
    place = stage.place(seats_per_week=2)
    paid = stage.confirmed(place)
    held = stage.hold(stage.trainee(), place)
    stage.clock.advance(-AN_HOUR)
    assert expire(stage) == 0
    assert stage.state(held) == "held"
    stage.clock.advance(timedelta(hours=27))
    assert expire(stage) == 1
    assert stage.state(paid) == "confirmed"
    assert stage.settle(stage.booking(paid).payment_id) == "duplicate"
    assert stage.booking(paid).paid == Money(44800, "USD")
    assert stage.findings() == []


def test_the_balance_is_paid_later_and_once(stage):
    booking_id = stage.confirmed(stage.place())
    balance = stage.pay(booking_id)
    assert balance != stage.booking(booking_id).payment_id
    stage.settle(balance)
    booking = stage.booking(booking_id)
    assert (booking.state, booking.paid) == ("confirmed", booking.total)
    with pytest.raises(NotOpenForThis):
        stage.pay(booking_id)


def test_a_booking_within_the_balance_date_is_paid_whole(stage):
    place = stage.place()
    soon = FIRST_DAY - timedelta(days=49)
    stage.clock.advance(timedelta(days=35))
    booking_id = stage.confirmed(place, first_day=soon)
    booking = stage.booking(booking_id)
    assert booking.paid == booking.total


def test_cancelling_pays_back_from_both_payments(stage):
    place = stage.place()
    booking_id = stage.confirmed(place)
    deposit = stage.booking(booking_id).payment_id
    balance = stage.pay(booking_id)
    stage.clock.advance(timedelta(minutes=1))
    stage.settle(balance)
    shown = stage.cancel(booking_id)
    # 99 days before the first day: 250 USD are kept of 2,240.
    assert shown.refund == Money(199000, "USD")
    assert stage.refunded(balance) == 179200
    assert stage.refunded(deposit) == 19800
    assert stage.taken(place) == {}


def test_people_are_told(stage):
    place = stage.place(approval="request")
    host = stage.member(place.site_id)
    booking_id = stage.submitted(place)
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        applications.approve(session, booking, actor_id=host, now=stage.now)
    stage.settle(stage.pay(booking_id))
    assert stage.told(booking.trainee_id) == ["application_approved", "booking_confirmed"]
    assert stage.told(host) == ["application_received", "rotation_booked"]
