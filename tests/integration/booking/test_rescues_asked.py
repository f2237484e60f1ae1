"""Rescues whose host decides on each trainee, and those that cost more than what was called off."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.booking import queries
from marketplace.booking.errors import NotOpenForThis, RescueEnded
from marketplace.booking.rules import changes as rules
from marketplace.booking.service import applications, extending, replaying, rescues, rotations
from marketplace.core.money import Money
from marketplace.payments import queries as payments
from marketplace.payments.events import Payable
from marketplace.payments.service.hosts import shares
from tests.factories import itineraries as make
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.test_rescues import (
    accept,
    call_off,
    choose,
    close,
    kept,
    offered,
    owed,
    search,
)

WEEK = timedelta(days=7)
HOST = "Decide, please."


def follow(stage, booking_id):
    with stage.transaction() as session:
        rescues.follow(session, booking_id, terms=stage.terms, now=stage.now)


def balance(stage, kind, site_id=None):
    """What an account owes, in minor units; what is owed to it is negative."""
    with stage.transaction() as session:
        return -payments.balance_of(session, kind, "USD", site_id).minor


@pytest.fixture
def asked(stage):
    """A paid booking that was called off, and a place by request that is held in its stead."""
    place = stage.place()
    other = stage.place(approval="request", site_name="Elm")
    booking_id = stage.confirmed(place, whole=True)
    call_off(stage, booking_id, place)
    search(stage, booking_id)
    return place, other, booking_id


def test_taking_it_is_an_application_and_the_host_s_yes_makes_it_theirs(stage, asked):
    _, other, booking_id = asked
    until = offered(stage, booking_id).decide_by
    offer = accept(stage, booking_id)
    booking = stage.booking(offer)
    assert (booking.state, booking.hold_expires_at) == ("submitted", until)
    assert offered(stage, booking_id).asked_at == stage.now
    assert kept(stage, booking_id) == 224000
    make.approve(stage, offer, other.owner_id)
    assert "application_approved" not in stage.told(booking.trainee_id)
    follow(stage, booking_id)
    follow(stage, booking_id)
    booking = stage.booking(offer)
    assert (booking.state, booking.paid) == ("confirmed", Money(224000, "USD"))
    assert stage.steps(offer) == ["held", "submitted", "awaiting_payment", "confirmed"]
    assert (kept(stage, booking_id), kept(stage, offer)) == (0, 224000)
    assert offered(stage, booking_id).state == "accepted"
    assert stage.told(booking.trainee_id)[-1] == "booking_rescued"
    assert stage.findings() == []


def test_the_money_is_theirs_to_take_back_until_the_host_has_agreed(stage, asked):
    _, other, booking_id = asked
    offer = accept(stage, booking_id)
    trainee = stage.booking(offer).trainee_id
    choose(stage, booking_id, "refund", actor_id=trainee)
    assert stage.state(offer) == "withdrawn"
    assert stage.told(other.owner_id) == ["application_received", "application_over"]
    assert stage.taken(other) == {}
    assert stage.refunded(stage.booking(booking_id).payment_id) == 224000
    follow(stage, booking_id)
    assert stage.findings() == []


def test_a_host_that_declines_makes_room_for_the_next(stage, asked):
    place, other, booking_id = asked
    offer = accept(stage, booking_id)
    make.decline(stage, offer, other.owner_id)
    follow(stage, booking_id)
    assert offered(stage, booking_id).state == "refunded"
    assert stage.refunded(stage.booking(booking_id).payment_id) == 224000
    second = stage.confirmed(place, whole=True)
    third = stage.place(approval="request", site_name="Oak")
    call_off(stage, second, place)
    search(stage, second)
    first_asked = accept(stage, second)
    (named,) = offered(stage, second).others
    make.decline(stage, first_asked, other.owner_id)
    follow(stage, second)
    found = offered(stage, second)
    assert str(found.offer.listing_id) == named["listing_id"]
    assert (found.state, found.asked_at) == ("offered", None)
    assert {other.listing_id, third.listing_id} >= {found.offer.listing_id}
    assert stage.told(found.offer.trainee_id)[-1] == "rescue_offered"
    assert stage.findings() == []


def test_what_was_agreed_to_in_time_is_taken_however_late_the_job_runs(stage, asked):
    _, other, booking_id = asked
    offer = accept(stage, booking_id)
    until = offered(stage, booking_id).decide_by
    stage.clock.at = until - timedelta(minutes=1)
    make.approve(stage, offer, other.owner_id)
    stage.clock.at = until + timedelta(hours=1)
    close(stage, booking_id)
    assert stage.state(offer) == "confirmed"
    assert offered(stage, booking_id).state == "accepted"


def test_nobody_waits_longer_than_the_choice(stage, asked):
    _, other, booking_id = asked
    offer = accept(stage, booking_id)
    until = offered(stage, booking_id).decide_by
    with stage.transaction() as session:
        booking = queries.find(session, offer)
        applications.ask_for_more(
            session, booking, text=HOST, actor_id=other.owner_id, now=stage.now
        )
        assert booking.hold_expires_at <= until
        applications.answer(session, booking, text="In June.", now=stage.now)
        assert booking.hold_expires_at <= until
    stage.clock.at = until
    with pytest.raises(NotOpenForThis):
        make.approve(stage, offer, other.owner_id)
    close(stage, booking_id)
    assert stage.state(offer) == "expired"
    assert stage.refunded(stage.booking(booking_id).payment_id) == 224000
    with pytest.raises(RescueEnded):
        accept(stage, booking_id)
    assert stage.findings() == []


def test_what_is_held_in_place_can_t_be_kept_for_longer(stage, asked):
    offer = offered(stage, asked[2]).offer
    with stage.transaction() as session, pytest.raises(NotOpenForThis):
        found = queries.find(session, offer.id)
        extending.extend(session, found, terms=stage.terms, now=stage.now)


@pytest.mark.parametrize(
    ("price", "by_host", "by_platform", "to_host"),
    [
        # A fee of 12 per cent: 2,000 + 240 were paid. The host that called off bears the difference
        # of the hosts' prices, up to its own once more.
        ("480.00", None, None, None),
        ("540.00", 16000, 1920, 0),
        ("900.00", 160000, 19200, 136000),
        ("2000.00", 200000, 472000, 576000),
    ],
)
def test_who_pays_the_difference(stage, price, by_host, by_platform, to_host):
    place = stage.place()
    other = stage.place(price_per_week=price, site_name="St Anne", npi="1234567893")
    booking_id = stage.confirmed(place, whole=True)
    owner = place.owner_id
    call_off(stage, booking_id, place)
    search(stage, booking_id)
    new = accept(stage, booking_id)
    booking, host_price = stage.booking(new), int(float(price) * 400)
    assert booking.total <= Money(224000, "USD")
    parts = rules.protection(stage.booking(booking_id).price_lines, booking.price_lines)
    if by_host is None:
        assert parts is None
    else:
        assert (parts.by_host.minor, parts.by_platform.minor, parts.to_host.minor) == (
            by_host,
            by_platform,
            to_host,
        )
    assert ("rescue_difference" in stage.told(owner)) is (by_host is not None)
    # Nothing is due before the rotation was completed.
    assert balance(stage, "host_receivable", place.site_id) == 0
    stage.clock.at = datetime.combine(booking.last_day, datetime.min.time(), UTC) + WEEK
    with stage.transaction() as session:
        rotations.complete(
            session, queries.find(session, new), actor_id=other.owner_id, now=stage.now
        )
    assert balance(stage, "host_receivable", place.site_id) == -(by_host or 0)
    assert owed(stage, other) == host_price
    with stage.transaction() as session:
        share = shares.share_of(session, Payable("booking", new), "USD")
    assert share == Money(host_price, "USD")
    kept_by_platform = balance(stage, "platform_revenue")
    assert kept_by_platform == min(24000, host_price * 12 // 100) or by_host == host_price // 4
    assert kept_by_platform + host_price - (by_host or 0) == min(224000, booking.total.minor)
    assert stage.findings() == []


def test_a_rescue_that_is_not_completed_costs_nobody(stage):
    place = stage.place()
    stage.place(price_per_week="900.00", site_name="St Anne", npi="1234567893")
    booking_id = stage.confirmed(place, whole=True)
    call_off(stage, booking_id, place)
    search(stage, booking_id)
    new = accept(stage, booking_id)
    other = stage.booking(new)
    call_off(stage, new, place)
    trainee = other.trainee_id
    choose(stage, new, "refund", actor_id=trainee)
    assert balance(stage, "host_receivable", place.site_id) == 0
    assert balance(stage, "platform_revenue") == 0
    assert stage.refunded(stage.booking(booking_id).payment_id) == 224000


def test_one_rotation_of_an_itinerary_is_rescued(stage):
    first = stage.place()
    other = {"specialty": "Pediatrics", "title": "Pediatrics Externship"}
    second = stage.place(site_name="Harbor", price_per_week="333.33", **other)
    third = stage.place(site_name="St Anne")
    trainee = stage.trainee()
    itinerary, made = make.held(
        stage, trainee, (first, FIRST_DAY, 4), (second, FIRST_DAY + WEEK * 4, 4)
    )
    payment = make.pay(stage, itinerary, whole=True)
    stage.settle(payment)
    call_off(stage, made[0], first)
    search(stage, made[0])
    new = accept(stage, made[0])
    booking = stage.booking(new)
    assert (booking.listing_id, booking.itinerary_id) == (third.listing_id, itinerary)
    assert [one.id for one in make.bookings(stage, itinerary)] == [new, made[1]]
    assert (owed(stage, first), owed(stage, third), owed(stage, second)) == (0, 200000, 133332)
    call_off(stage, new, third)
    choose(stage, new, "refund", actor_id=trainee)
    assert stage.refunded(payment) == 224000
    assert (owed(stage, third), owed(stage, second)) == (0, 133332)
    with stage.transaction() as session:
        every = [queries.find(session, one) for one in (*made, new)]
        assert all(verdict.agrees for verdict in replaying.verdicts(session, every))
    assert stage.findings() == []
