"""More time for a held seat: once, bounded, and a row of its history."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.booking import queries
from marketplace.booking.errors import AlreadyExtended, NotOpenForThis
from marketplace.booking.service import applications, extending


def extend(stage, booking_id):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        extending.extend(session, booking, terms=stage.terms, now=stage.now)


@pytest.fixture
def held(stage):
    return stage.hold(stage.trainee(), stage.place())


def test_a_hold_is_extended_once_by_its_own_length(stage, held):
    first = stage.booking(held).hold_expires_at
    stage.clock.advance(timedelta(minutes=30))
    extend(stage, held)
    assert stage.booking(held).hold_expires_at == first + stage.terms.hold
    assert stage.steps(held) == ["held", "held"]
    with pytest.raises(AlreadyExtended):
        extend(stage, held)
    stage.clock.advance(timedelta(minutes=10))
    assert stage.expire_due() == 0
    stage.clock.advance(timedelta(minutes=31))
    assert stage.expire_due() == 1
    assert stage.findings() == []


def test_what_has_ended_or_has_a_time_of_its_own_is_not_extended(stage, held):
    submitted = stage.submitted(stage.place(approval="request"))
    with pytest.raises(NotOpenForThis):
        extend(stage, submitted)
    stage.clock.advance(timedelta(minutes=36))
    with pytest.raises(NotOpenForThis):
        extend(stage, held)


def test_the_database_refuses_a_second_extension(live_stage):
    held = live_stage.hold(live_stage.trainee(), live_stage.place())
    extend(live_stage, held)
    with (
        pytest.raises(DBAPIError, match="uq_booking_transition_extension"),
        live_stage.transaction() as session,
    ):
        session.execute(
            text(
                "INSERT INTO booking_transition (booking_id, number, from_state, to_state, at,"
                " actor_id, reason) VALUES (:id, 3, 'held', 'held', now(), :trainee, 'x')"
            ),
            {"id": held, "trainee": live_stage.booking(held).trainee_id},
        )


def test_a_payment_that_begins_late_keeps_an_approved_seat_as_long_as_its_page(stage):
    place = stage.place(approval="request")
    booking_id, host = stage.submitted(place), stage.member(place.site_id)
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        applications.approve(session, booking, actor_id=host, now=stage.now)
    stage.clock.at = stage.booking(booking_id).pay_by - timedelta(minutes=5)
    payment = stage.pay(booking_id)
    assert stage.booking(booking_id).hold_expires_at == stage.now + stage.terms.hold
    with stage.transaction() as session:
        last = queries.history(session, booking_id)[-1]
    assert (last.from_state, last.to_state) == ("awaiting_payment", "awaiting_payment")
    assert last.kept_until == stage.now + stage.terms.hold
    stage.clock.advance(timedelta(minutes=29))
    assert stage.expire_due() == 0
    assert stage.settle(payment) == "settled"
    assert stage.state(booking_id) == "confirmed"
