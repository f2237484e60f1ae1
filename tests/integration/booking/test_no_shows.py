"""Trainees who are said not to have come: who may say it, what becomes of it and of the money."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.errors import NotOpenForThis
from marketplace.booking.service import no_shows, rotations
from marketplace.booking.service.rotations import Day
from marketplace.catalog.errors import SeatTaken
from marketplace.core.money import Money
from tests.factories.rotations import FIRST_DAY

API = "/api/v1"
SECOND_DAY = datetime(2027, 3, 2, 15, tzinfo=UTC)
WORDS = "I was there every day."


SAID = "Did not come, did not answer."


def mark(stage, booking_id, place):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        return no_shows.mark(
            session, booking, actor_id=place.owner_id, reason=SAID, now=stage.now
        ).dispute_until


def dispute(stage, booking_id):
    with stage.transaction() as session:
        no_shows.dispute(session, queries.find(session, booking_id), words=WORDS, now=stage.now)


def decide(stage, booking_id, decision, actor_id):
    with stage.transaction() as session:
        no_shows.decide(
            session,
            queries.find(session, booking_id),
            decision=decision,
            reason="The sign-in sheet.",
            actor_id=actor_id,
            now=stage.now,
        )


def settle(stage, booking_id):
    with stage.transaction() as session:
        no_shows.settle(session, booking_id, stage.now)


@pytest.fixture
def marked(stage):
    place = stage.place()
    booking_id = stage.confirmed(place, whole=True)
    stage.clock.at = SECOND_DAY
    return place, booking_id, mark(stage, booking_id, place)


def refunded(stage, booking_id):
    return stage.refunded(stage.booking(booking_id).payment_id)


def test_not_on_the_first_day_nor_long_after_the_last_nor_of_one_who_was_there(stage):
    place = stage.place(seats_per_week=2)
    booking_id, other = stage.confirmed(place), stage.confirmed(place)
    stage.clock.at = SECOND_DAY - timedelta(days=1)
    with pytest.raises(NotOpenForThis, match="from the day after"):
        mark(stage, booking_id, place)
    stage.clock.at = SECOND_DAY
    with stage.transaction() as session:
        rotations.mark_attendance(
            session,
            queries.find(session, other),
            [Day(FIRST_DAY, "present")],
            actor_id=place.owner_id,
            now=stage.now,
        )
    with pytest.raises(NotOpenForThis, match="present"):
        mark(stage, other, place)
    stage.clock.at = SECOND_DAY + timedelta(days=41)
    with pytest.raises(NotOpenForThis, match="from the day after"):
        mark(stage, booking_id, place)


def test_undisputed_it_stands_after_a_week_and_the_terms_apply(stage, marked):
    place, booking_id, until = marked
    assert stage.state(booking_id) == "no_show"
    assert list(stage.taken(place)) == [FIRST_DAY]
    assert stage.told(stage.booking(booking_id).trainee_id)[-1] == "no_show_marked"
    with stage.transaction() as session:
        said = session.execute(text("SELECT data FROM notice WHERE template = 'no_show_marked'"))
        assert said.scalar_one()["reason"] == SAID
    settle(stage, booking_id)
    assert refunded(stage, booking_id) == 0
    stage.clock.at = until
    settle(stage, booking_id)
    settle(stage, booking_id)
    # Fewer than 30 days before the start 1,500 are kept of 2,240.
    assert refunded(stage, booking_id) == 74000
    with stage.transaction() as session:
        agreed = queries.cancellation(session, booking_id)
        assert (agreed.kept, agreed.days_before) == (Money(150000, "USD"), -1)
        assert queries.no_show(session, booking_id).decision == "upheld"
    with pytest.raises(NotOpenForThis):
        dispute(stage, booking_id)
    assert stage.findings() == []


def test_a_dispute_waits_for_an_operator(stage, marked):
    place, booking_id, until = marked
    dispute(stage, booking_id)
    with pytest.raises(NotOpenForThis):
        dispute(stage, booking_id)
    assert stage.told(place.owner_id)[-1] == "no_show_disputed"
    stage.clock.at = until + timedelta(days=3)
    settle(stage, booking_id)
    assert refunded(stage, booking_id) == 0
    decide(stage, booking_id, "upheld", place.owner_id)
    assert (stage.state(booking_id), refunded(stage, booking_id)) == ("no_show", 74000)
    with pytest.raises(NotOpenForThis):
        decide(stage, booking_id, "refunded", place.owner_id)


def test_taken_back_the_rotation_goes_on(stage, marked):
    place, booking_id, _ = marked
    dispute(stage, booking_id)
    decide(stage, booking_id, "reinstated", place.owner_id)
    assert stage.state(booking_id) == "in_progress"
    assert len(stage.taken(place)) == 4
    assert refunded(stage, booking_id) == 0
    with pytest.raises(NotOpenForThis, match="said before"):
        mark(stage, booking_id, place)
    assert stage.findings() == []


def test_where_the_seats_are_gone_the_money_goes_back(stage, marked):
    place, booking_id, _ = marked
    dispute(stage, booking_id)
    stage.confirmed(place, first_day=FIRST_DAY + timedelta(days=21), weeks=1)
    with pytest.raises(SeatTaken):
        decide(stage, booking_id, "reinstated", place.owner_id)
    assert stage.state(booking_id) == "no_show"
    decide(stage, booking_id, "refunded", place.owner_id)
    assert stage.state(booking_id) == "cancelled_by_operator"
    assert refunded(stage, booking_id) == 224000
    assert stage.findings() == []


def test_nobody_can_dispute_after_a_week(stage, marked):
    _, booking_id, until = marked
    stage.clock.at = until
    with pytest.raises(NotOpenForThis, match="could be disputed until"):
        dispute(stage, booking_id)


def test_over_http(stage, client, people, run_jobs):
    place = stage.place()
    trainee, operator = people.trainee(visa_type="b1_b2"), people.make("operator")
    preceptor = people.make("preceptor", site_id=place.site_id)
    host = people.make("coordinator", site_id=place.site_id)
    booking_id = stage.confirmed(place, trainee.id)
    stage.clock.at = SECOND_DAY

    def call(person, method, path, json=None):
        return client.open(API + path, method=method, json=json, headers=person.headers)

    where = f"/bookings/{booking_id}/no-show"
    assert call(trainee, "GET", where).status_code == 404
    assert call(preceptor, "POST", where, {}).status_code == 403
    assert call(trainee, "POST", where, {}).status_code == 404
    assert call(host, "POST", where, {"reason": SAID}).json["state"] == "no_show"
    assert call(host, "POST", f"{where}/dispute", {"words": WORDS}).status_code == 404
    disputed = call(trainee, "POST", f"{where}/dispute", {"words": WORDS})
    assert disputed.status_code == 200, disputed.json
    listed = call(operator, "GET", "/operator/no-shows").json["items"]
    assert [(one["host_says"], one["dispute"]) for one in listed] == [(SAID, WORDS)]
    wanted = {"decision": "refunded", "reason": "She was there."}
    assert call(host, "POST", f"/operator{where}/decision", wanted).status_code == 403
    decided = call(operator, "POST", f"/operator{where}/decision", wanted)
    assert decided.json["decision"] == "refunded", decided.json
    assert call(trainee, "GET", where).json["reason"] == "She was there."
    assert stage.told(trainee.id)[-1] == "no_show_decided"
