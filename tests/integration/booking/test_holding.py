"""Holding seats: all or nothing, at a frozen price, told at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from marketplace.booking.errors import (
    AlreadyBookedThen,
    NotBookable,
    NotEligible,
    ProfileMissing,
)
from marketplace.booking.service import deadlines
from marketplace.catalog.errors import CapacityBelowTaken, SeatTaken
from marketplace.catalog.rules.weeks import run_of_weeks
from marketplace.core.money import Money
from tests.factories.rotations import FIRST_DAY

WEEKS = run_of_weeks(FIRST_DAY, 4)


def test_a_hold_takes_a_seat_in_each_week_and_freezes_what_was_offered(stage):
    place, trainee = stage.place(), stage.trainee()
    booking = stage.booking(stage.hold(trainee, place))
    assert booking.state == "held"
    assert booking.hold_expires_at == stage.now + timedelta(minutes=35)
    assert stage.taken(place) == dict.fromkeys(WEEKS, 1)
    assert booking.total == Money(224000, "USD")
    assert [(line.kind, line.amount.minor) for line in booking.price_lines] == [
        ("weeks", 200000),
        ("platform_fee", 24000),
    ]
    assert booking.deposit == Money(44800, "USD")
    assert (booking.tier, booking.learner_status) == ("externship", "graduate")
    assert booking.classifier_version == "usce-1"
    assert booking.policy["own"]["key"] == "tiered_days"
    assert booking.last_day == date(2027, 3, 28)
    assert stage.steps(booking.id) == ["held"]
    assert stage.findings() == []


def test_the_deposit_of_the_terms_is_the_one_that_is_asked(stage):
    place = stage.place(cancellation_policy="deposit_forfeit")
    booking = stage.booking(stage.hold(stage.trainee(), place))
    assert booking.deposit == Money(20000, "USD")
    assert booking.balance_due_on == FIRST_DAY - timedelta(days=28)


def test_who_wants_the_same_last_seat_is_told_at_once(stage):
    place = stage.place()
    stage.hold(stage.trainee(), place)
    with pytest.raises(SeatTaken) as refused:
        stage.hold(stage.trainee(), place, FIRST_DAY + timedelta(days=21))
    assert refused.value.extra["weeks"] == ["2027-03-22"]
    assert stage.taken(place) == dict.fromkeys(WEEKS, 1)


def test_a_trainee_never_holds_two_seats_in_one_week(stage):
    trainee = stage.trainee()
    first = stage.hold(trainee, stage.place())
    other = stage.place()
    with pytest.raises(AlreadyBookedThen) as refused:
        stage.hold(trainee, other, FIRST_DAY + timedelta(days=21))
    assert refused.value.extra == {"booking_id": str(first), "weeks": ["2027-03-22"]}
    assert stage.taken(other) == {}
    assert stage.hold(trainee, other, FIRST_DAY + timedelta(days=28))


def test_who_may_not_book_is_told_every_reason(stage):
    place = stage.place(step2_min="250", step1_required="yes")
    trainee = stage.trainee(step1_result="failed")
    with pytest.raises(NotEligible) as refused:
        stage.hold(trainee, place, weeks=20)
    rules = {reason["rule"] for reason in refused.value.extra["reasons"]}
    assert rules == {"length", "step1", "step2_ck"}


def test_a_profile_and_a_monday_are_needed(stage):
    place = stage.place()
    with pytest.raises(ProfileMissing):
        stage.hold(stage.account(), place)
    with pytest.raises(NotBookable, match="2027-03-01 or 2027-03-08"):
        stage.hold(stage.trainee(), place, date(2027, 3, 3))


def test_hold_statements_are_few(stage, sessions, count_queries):
    place, trainee = stage.place(), stage.trainee()
    with count_queries() as statements:
        stage.hold(trainee, place)
    own = [text for text in statements.texts if not text.startswith("SET CONSTRAINTS")]
    assert len(own) <= 7, own


@pytest.mark.fault(1)
def test_forty_buyers_on_five_seats_hold_exactly_five(live_stage):
    place = live_stage.place(seats_per_week=5)
    trainees = [live_stage.trainee() for _ in range(40)]
    gate = threading.Barrier(40)

    def buy(number: int) -> bool:
        gate.wait()
        try:
            # Overlapping runs in turn, so that buyers meet in different weeks too.
            first = FIRST_DAY + timedelta(days=7 * (number % 2))
            live_stage.hold(trainees[number], place, first, 3)
        except SeatTaken:
            return False
        return True

    with ThreadPoolExecutor(40) as buyers:
        sold = sum(buyers.map(buy, range(40)))
    assert sold == 5
    assert max(live_stage.taken(place).values()) == 5
    assert live_stage.findings() == []


@pytest.mark.fault(2)
def test_one_trainee_at_many_places_at_once_holds_one_seat_a_week(live_stage):
    places = [live_stage.place() for _ in range(6)]
    trainee = live_stage.trainee()
    gate = threading.Barrier(12)

    def buy(number: int) -> str:
        gate.wait()
        first = FIRST_DAY + timedelta(days=7 * (number % 3))
        try:
            live_stage.hold(trainee, places[number % 6], first, 3)
        except AlreadyBookedThen as refused:
            return refused.extra["booking_id"]
        except SeatTaken:
            return "taken"
        return "held"

    with ThreadPoolExecutor(12) as hands:
        answers = list(hands.map(buy, range(12)))
    assert answers.count("held") == 1
    held = {week for place in places for week in live_stage.taken(place)}
    assert len(held) == 3
    assert live_stage.findings() == []


@pytest.mark.fault(40)
def test_a_host_cannot_lower_seats_below_those_held(stage):
    place = stage.place(seats_per_week=2)
    first = stage.hold(stage.trainee(), place)
    stage.hold(stage.trainee(), place)
    with pytest.raises(CapacityBelowTaken):
        stage.set_seats(place, 1)
    assert stage.capacity(place, FIRST_DAY) == 2
    stage.clock.advance(timedelta(minutes=36))
    with stage.transaction() as session:
        assert deadlines.expire_due(session, stage.now) == 2
    stage.set_seats(place, 0)
    assert stage.state(first) == "expired"
    with pytest.raises(SeatTaken):
        stage.hold(stage.trainee(), place)


@pytest.mark.parametrize(
    ("rule", "policy", "due"),
    [
        ("", "tiered_days", 44800),
        ("", "deposit_forfeit", 20000),
        ("whole", "deposit_forfeit", 224000),
        ("25%", "tiered_days", 56000),
        ("25%", "deposit_forfeit", 56000),
        ("300.00", "tiered_days", 30000),
        ("9000.00", "tiered_days", 224000),
    ],
)
def test_the_listings_deposit_rule_is_frozen_on_the_booking(stage, rule, policy, due):
    place = stage.place(deposit=rule, cancellation_policy=policy)
    booking = stage.booking(stage.hold(stage.trainee(), place))
    assert (booking.deposit.minor, booking.total.minor) == (due, 224000)
    assert booking.price["deposit_rule"] == rule
