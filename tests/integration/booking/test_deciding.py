"""Applications: submitted, decided once, or left undecided."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from marketplace.booking import queries
from marketplace.booking.errors import ApprovalNotNeeded, NotOpenForThis, Superseded
from marketplace.booking.service import applications, deadlines


def approve(stage, booking_id, host):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        applications.approve(session, booking, actor_id=host, now=stage.now)


def decline(stage, booking_id, host):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        applications.decline(session, booking, actor_id=host, reason="We are full.", now=stage.now)


@pytest.fixture
def place(stage):
    return stage.place(approval="request")


def test_an_application_keeps_the_seat_until_the_decision_is_due(stage, place):
    booking_id = stage.submitted(place)
    booking = stage.booking(booking_id)
    # Sunday 22 November 2026: the tenth business day after is Friday 4 December, Chicago.
    assert booking.hold_expires_at.isoformat() == "2026-12-05T06:00:00+00:00"
    assert booking.message == "Please."
    assert set(stage.taken(place).values()) == {1}


def test_an_application_that_nobody_decides_is_given_up(stage, place):
    host = stage.member(place.site_id)
    booking_id = stage.submitted(place)
    stage.clock.advance(timedelta(days=13))
    with stage.transaction() as session:
        assert deadlines.expire_due(session, stage.now) == 1
    assert stage.state(booking_id) == "expired"
    assert stage.taken(place) == {}
    assert stage.told(stage.booking(booking_id).trainee_id) == ["application_lapsed"]
    assert stage.told(host) == ["application_received", "application_lapsed_host"]


def test_a_declined_application_frees_the_seat_and_tells_why(stage, place):
    booking_id, host = stage.submitted(place), stage.member(place.site_id)
    decline(stage, booking_id, host)
    assert stage.steps(booking_id) == ["held", "submitted", "declined"]
    assert stage.taken(place) == {}
    assert stage.told(stage.booking(booking_id).trainee_id) == ["application_declined"]


def test_a_decision_after_its_time_is_refused(stage, place):
    booking_id, host = stage.submitted(place), stage.member(place.site_id)
    stage.clock.advance(timedelta(days=13))
    with pytest.raises(NotOpenForThis):
        approve(stage, booking_id, host)


@pytest.mark.parametrize("decide", [approve, decline])
@pytest.mark.parametrize("approval", ["request", "instant"])
def test_a_seat_that_is_only_held_is_not_the_hosts_to_decide_on(stage, approval, decide):
    place = stage.place(approval=approval)
    host, booking_id = stage.member(place.site_id), stage.hold(stage.trainee(), place)
    with pytest.raises(NotOpenForThis) as refused:
        decide(stage, booking_id, host)
    assert refused.value.extra == {"state": "held"}
    assert stage.steps(booking_id) == ["held"]
    assert stage.told(stage.booking(booking_id).trainee_id) == []


def test_what_is_approved_is_not_approved_again_for_more_time(stage, place):
    booking_id, host = stage.submitted(place), stage.member(place.site_id)
    approve(stage, booking_id, host)
    until = stage.booking(booking_id).hold_expires_at
    stage.clock.advance(timedelta(days=1))
    with pytest.raises(Superseded):
        approve(stage, booking_id, host)
    assert stage.booking(booking_id).hold_expires_at == until
    assert stage.told(stage.booking(booking_id).trainee_id) == ["application_approved"]


def test_a_payment_that_is_under_way_is_not_the_hosts_to_approve(stage):
    place = stage.place()
    host, booking_id = stage.member(place.site_id), stage.hold(stage.trainee(), place)
    stage.pay(booking_id)
    with pytest.raises(NotOpenForThis):
        approve(stage, booking_id, host)


@pytest.mark.parametrize("approved", [False, True])
def test_a_host_is_told_of_an_application_that_is_withdrawn(stage, place, approved):
    host = stage.member(place.site_id)
    booking_id = stage.submitted(place)
    if approved:
        approve(stage, booking_id, host)
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        applications.withdraw(session, booking, reason="My visa is late.", now=stage.now)
    assert stage.told(host) == ["application_received", "application_over"]


def test_a_host_is_not_told_of_a_held_seat_that_is_given_up(stage, place):
    host = stage.member(place.site_id)
    booking_id = stage.hold(stage.trainee(), place)
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        applications.withdraw(session, booking, reason="", now=stage.now)
    assert stage.told(host) == []


def test_a_host_is_told_when_whom_it_approved_does_not_pay(stage, place):
    host = stage.member(place.site_id)
    booking_id = stage.submitted(place)
    approve(stage, booking_id, host)
    stage.clock.advance(timedelta(days=4))
    with stage.transaction() as session:
        assert deadlines.expire_due(session, stage.now) == 1
    assert stage.told(host) == ["application_received", "application_over"]


def test_a_host_that_approves_nobody_is_told_who_has_booked(stage):
    place = stage.place()
    host = stage.member(place.site_id)
    stage.confirmed(place)
    assert stage.told(host) == ["rotation_booked"]


def test_an_instant_listing_takes_no_application(stage):
    with pytest.raises(ApprovalNotNeeded):
        stage.submitted(stage.place())


@pytest.mark.fault(45)
def test_the_second_to_decide_is_told_who_did(live_stage):
    """Fault 45: two coordinators at once; one decides, the other is told by whom it was."""
    place = live_stage.place(approval="request")
    hosts = {
        live_stage.member(place.site_id, name=name): name for name in ("Cora Diaz", "Omar Khan")
    }
    booking_id = live_stage.submitted(place)
    gate = threading.Barrier(2)

    def decide(host):
        with live_stage.transaction() as session:
            booking = queries.find(session, booking_id)
            # Both have read the application before either has decided.
            gate.wait()
            try:
                applications.approve(session, booking, actor_id=host, now=live_stage.now)
            except Superseded as told:
                session.rollback()
                return told
        return None

    with ThreadPoolExecutor(2) as hands:
        answers = dict(zip(hosts, hands.map(decide, hosts), strict=True))
    (winner,) = (host for host, told in answers.items() if told is None)
    (told,) = (told for told in answers.values() if told is not None)
    assert told.extra["decided_by"] == hosts[winner]
    assert told.extra["state"] == "awaiting_payment"
    assert hosts[winner] in str(told)
    assert live_stage.steps(booking_id) == ["held", "submitted", "awaiting_payment"]


@pytest.mark.fault(45)
def test_one_approves_and_one_declines_after(stage, place):
    """Fault 45: who comes second is told who decided, and what, even once more has happened."""
    booking_id, host = stage.submitted(place), stage.member(place.site_id, name="Cora Diaz")
    approve(stage, booking_id, host)
    stage.pay(booking_id)
    with pytest.raises(Superseded) as told:
        decline(stage, booking_id, stage.member(place.site_id, name="Omar Khan"))
    assert told.value.extra["decided_by"] == "Cora Diaz"
    assert told.value.extra["state"] == "awaiting_payment"
    assert told.value.extra["reason"] == "Approved by the host."
    assert stage.state(booking_id) == "awaiting_payment"
