"""Credit and codes that many want at once: the database decides, one after another."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from marketplace.booking import queries
from marketplace.booking.rules.less import Less
from marketplace.booking.service import payment
from marketplace.payments.errors import CreditLacking, VoucherRefused
from marketplace.payments.service.credit import granting
from tests.factories.credit import assert_sound, available, code, give, usd, uses
from tests.factories.rotations import FIRST_DAY

DEPOSIT = 44_800


def pay(stage, booking_id, **less):
    with stage.transaction() as session:
        booking = queries.own_to_pay(session, booking_id, stage_trainee(session, booking_id))
        return payment.pay(
            session, booking, terms=stage.terms, now=stage.now, locked=True, less=Less(**less)
        )


def stage_trainee(session, booking_id):
    return queries.find(session, booking_id).trainee_id


def at_once(tries):
    gate = threading.Barrier(len(tries))

    def run(attempt):
        gate.wait()
        return attempt()

    with ThreadPoolExecutor(len(tries)) as hands:
        return [one.result() for one in [hands.submit(run, attempt) for attempt in tries]]


def test_two_bookings_spend_one_credit_once(live_stage):
    trainee = live_stage.trainee()
    give(live_stage, trainee, usd(DEPOSIT))
    made = [
        live_stage.hold(trainee, live_stage.place(), FIRST_DAY + timedelta(weeks=4 * number))
        for number in range(4)
    ]

    def spend(booking_id):
        def attempt():
            try:
                pay(live_stage, booking_id, credit=usd(DEPOSIT))
            except CreditLacking:
                return False
            return True

        return attempt

    assert sum(at_once([spend(one) for one in made])) == 1
    states = sorted(live_stage.state(one) for one in made)
    assert states == ["confirmed", "held", "held", "held"]
    assert available(live_stage, trainee) == 0
    assert_sound(live_stage)


def test_credit_is_spent_or_revoked_or_expires_and_never_two_of_them(live_stage):
    trainee, operator = live_stage.trainee(), live_stage.account("Olga Operator")
    grant = give(
        live_stage, trainee, usd(DEPOSIT), expires_at=live_stage.now + timedelta(minutes=5)
    )
    booking_id = live_stage.hold(trainee, live_stage.place())

    def spend():
        try:
            pay(live_stage, booking_id, credit=usd(DEPOSIT))
        except CreditLacking:
            return 0
        return DEPOSIT

    def revoke():
        try:
            with live_stage.transaction() as session:
                granting.revoke(
                    session,
                    grant,
                    amount=usd(DEPOSIT),
                    reason="A mistake.",
                    actor_id=operator,
                    now=live_stage.now,
                )
        except CreditLacking:
            return 0
        return DEPOSIT

    def expire():
        with live_stage.transaction() as session:
            later = live_stage.now + timedelta(minutes=6)
            return DEPOSIT * granting.expire_due(session, later)

    assert sum(at_once([spend, revoke, expire])) == DEPOSIT
    assert available(live_stage, trainee) == 0
    assert_sound(live_stage)


@pytest.mark.parametrize(("in_all", "each"), [(3, 1), (None, 1)])
def test_the_last_uses_of_a_code_are_counted(live_stage, in_all, each):
    """Eight trainees want three uses; or one trainee, with four rotations, wants more than one."""
    code_id = code(live_stage, max_uses=in_all, max_uses_each=each)
    one = live_stage.trainee()
    made = [
        live_stage.hold(
            live_stage.trainee() if in_all else one,
            live_stage.place(),
            FIRST_DAY + timedelta(weeks=4 * number),
        )
        for number in range(6)
    ]

    def use(booking_id):
        def attempt():
            try:
                pay(live_stage, booking_id, code="SPRING-27")
            except VoucherRefused as refused:
                assert refused.extra["reason"] == ("used_up" if in_all else "used_by_you")
                return False
            return True

        return attempt

    most = in_all or each
    assert sum(at_once([use(booking_id) for booking_id in made])) == most
    assert uses(live_stage, code_id) == most
    assert_sound(live_stage)


@pytest.mark.fault(20)
def test_a_page_that_fails_and_settles_at_once_keeps_credit_whole(live_stage):
    """Whatever comes first, the credit has paid once or is the trainee's."""
    trainee = live_stage.trainee()
    give(live_stage, trainee, usd(10_000))
    booking_id = live_stage.hold(trainee, live_stage.place())
    payment_id = pay(live_stage, booking_id, credit=usd(10_000))
    at_once(
        [
            lambda: live_stage.arrive(payment_id),
            lambda: live_stage.settle(payment_id),
            lambda: live_stage.settle(payment_id),
        ]
    )
    assert live_stage.state(booking_id) == "confirmed"
    assert live_stage.booking(booking_id).paid == usd(DEPOSIT)
    assert available(live_stage, trainee) == 0
    assert_sound(live_stage)
