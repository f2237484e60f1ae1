"""Rotations whose days are over: their hosts are asked how they went, then they are for the desk."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.booking import queries
from marketplace.booking.errors import NotOpenForThis
from marketplace.booking.queries import desk
from marketplace.booking.service import no_shows, rotations
from marketplace.booking.service.rotations import Day
from tests.factories.rotations import FIRST_DAY

API = "/api/v1/operator/bookings"
# Noon at the site on the last of four weeks' days.
LAST_DAY = datetime(2027, 3, 28, 18, tzinfo=UTC)


@pytest.fixture
def over(stage):
    """The place, its coordinator and a booking whose days are over."""
    place = stage.place(seats_per_week=2)
    coordinator = stage.member(place.site_id)
    booking_id = stage.confirmed(place, whole=True)
    stage.clock.at = datetime(2027, 3, 1, 15, tzinfo=UTC)
    assert stage.start_due() == 1
    stage.clock.at = LAST_DAY
    return place, coordinator, booking_id


def days_after(stage, days):
    """What was sent to whom after so many days, by a job that runs twice."""
    stage.clock.at = LAST_DAY + timedelta(days=days)
    for _ in range(2):
        stage.remind_due()


def asked(stage, account_id):
    return [one for one in stage.told(account_id) if one.startswith(("rotation_to", "rotation_l"))]


def test_a_host_is_asked_twice_then_both_sides_are_told_who_looks_at_it(stage, over):
    _, coordinator, booking_id = over
    trainee = stage.booking(booking_id).trainee_id
    sent = []
    for days in (0, 2, 3, 5, 10, 12, 14, 30, 200):
        days_after(stage, days)
        sent.append((days, len(asked(stage, coordinator)), len(asked(stage, trainee))))
    assert sent == [
        (0, 0, 0),
        (2, 0, 0),
        (3, 1, 0),
        (5, 1, 0),
        (10, 2, 0),
        (12, 2, 0),
        (14, 3, 1),
        (30, 3, 1),
        (200, 3, 1),
    ]
    assert asked(stage, coordinator) == [*["rotation_to_close"] * 2, "rotation_left_open"]
    assert asked(stage, trainee) == ["rotation_left_open"]


def test_who_missed_the_earlier_times_is_told_the_latest_alone(stage, over):
    _, coordinator, _ = over
    days_after(stage, 90)
    assert asked(stage, coordinator) == ["rotation_left_open"]


def test_nobody_is_asked_of_one_that_was_closed(stage, over):
    place, coordinator, booking_id = over
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        rotations.complete(session, booking, actor_id=place.owner_id, now=stage.now)
    for days in (3, 10, 14):
        days_after(stage, days)
    assert asked(stage, coordinator) == []
    with stage.transaction() as session:
        assert desk.waiting(session, stage.now) == desk.Waiting(0, 0, 0)


def test_that_nobody_came_can_be_said_for_two_weeks_more(stage, over):
    place, _, booking_id = over
    stage.clock.at = LAST_DAY + timedelta(days=15)
    with stage.transaction() as session, pytest.raises(NotOpenForThis, match="to 2027-04-11"):
        no_shows.mark(
            session,
            queries.find(session, booking_id),
            actor_id=place.owner_id,
            reason="Nobody came.",
            now=stage.now,
        )
    stage.clock.at = LAST_DAY + timedelta(days=14)
    with stage.transaction() as session:
        row = no_shows.mark(
            session,
            queries.find(session, booking_id),
            actor_id=place.owner_id,
            reason="Nobody came.",
            now=stage.now,
        )
        until = row.dispute_until
    assert stage.state(booking_id) == "no_show"
    stage.clock.at = until
    with stage.transaction() as session:
        no_shows.settle(session, booking_id, stage.now)
    assert stage.findings() == []


def test_an_operator_finds_it_and_closes_it_with_a_reason(stage, over, client, people):
    place, _, booking_id = over
    operator = people.make("operator")
    owner = people.make("site_owner", site_id=place.site_id)
    listed = f"{API}/left-open"
    stage.clock.at = LAST_DAY + timedelta(days=13)
    assert client.get(listed, headers=operator.headers).json["items"] == []
    stage.clock.at = LAST_DAY + timedelta(days=14)
    (found,) = client.get(listed, headers=operator.headers).json["items"]
    assert found["id"] == str(booking_id)
    path = f"{API}/{booking_id}/complete"
    assert client.get(listed, headers=owner.headers).status_code == 403
    assert client.post(path, json={"reason": "x"}, headers=owner.headers).status_code == 403
    refused = client.post(path, json={}, headers=operator.headers)
    assert list(refused.json["fields"]) == ["reason"]
    reason = {"reason": "The sign-in sheet has every day."}
    closed = client.post(path, json=reason, headers=operator.headers)
    assert (closed.status_code, closed.json["state"]) == (200, "completed")
    assert client.post(path, json=reason, headers=operator.headers).status_code == 409
    with stage.transaction() as session:
        last = queries.history(session, booking_id)[-1]
    assert (last.reason, last.actor_id) == (reason["reason"], operator.id)
    trail = client.get(
        f"/api/v1/operator/audit?subject_kind=booking&subject_id={booking_id}",
        headers=operator.headers,
    )
    assert "booking.completed_for_host" in {one["action"] for one in trail.json["items"]}
    assert client.get(listed, headers=operator.headers).json["items"] == []


def test_one_whose_days_are_all_absent_can_not_be_closed_as_done(stage, over, client, people):
    place, _, booking_id = over
    with stage.transaction() as session:
        rotations.mark_attendance(
            session,
            queries.find(session, booking_id),
            [Day(FIRST_DAY, "absent")],
            actor_id=place.owner_id,
            now=stage.now,
        )
    operator = people.make("operator")
    answer = client.post(
        f"{API}/{booking_id}/complete", json={"reason": "All well."}, headers=operator.headers
    )
    assert (answer.status_code, stage.state(booking_id)) == (409, "in_progress")
