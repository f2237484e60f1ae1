"""Documents and the start of a rotation: what blocks it, who is told, who may let it begin."""

from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.booking import queries
from marketplace.booking.service import applications, deadlines, rotations
from marketplace.booking.service.rotations import Day
from tests.factories.rotations import FIRST_DAY
from tests.integration.compliance.conftest import a_requirement

STARTS = datetime(2027, 3, 1, 6, 0, tzinfo=UTC)


def test_a_rotation_waits_for_what_it_can_not_begin_without(desk, booked):
    document = desk.upload()
    desk.release(booked, document)
    desk.stage.clock.at = STARTS
    for _ in range(2):
        assert desk.stage.start_due() == 0
    assert desk.stage.state(booked) == "confirmed"
    for person in (desk.trainee, desk.coordinator):
        assert desk.stage.told(person.id).count("start_blocked") == 1
    day = {"days": [{"day": FIRST_DAY.isoformat(), "mark": "present"}]}
    refused = desk.call(
        desk.coordinator, "POST", f"/bookings/{booked}/attendance", 409, json=day
    ).get_json()
    assert (refused["code"], refused["missing"]) == ("not_cleared", ["tb_test"])
    desk.decide(desk.coordinator, document)
    assert desk.stage.start_due() == 1
    assert desk.stage.state(booked) == "in_progress"
    # Under way, its site keeps what it was handed.
    desk.call(desk.trainee, "DELETE", f"/bookings/{booked}/documents/{document}", 409)


def test_one_that_never_began_is_told_of_and_found_when_its_days_are_over(desk, booked):
    desk.stage.clock.at = STARTS
    assert desk.stage.start_due() == 0
    desk.stage.clock.at = STARTS + timedelta(days=41, hours=12)
    for _ in range(2):
        desk.stage.remind_due()
    with desk.stage.transaction() as session:
        assert [one.id for one in queries.left_open(session, desk.stage.now, limit=9).items] == [
            booked
        ]
        told = session.execute(
            text("SELECT data ->> 'began' FROM notice WHERE template = 'rotation_left_open'")
        )
        assert set(told.scalars()) == {"false"}
    for person in (desk.trainee, desk.coordinator):
        assert desk.stage.told(person.id).count("rotation_left_open") == 1
        assert "rotation_to_close" not in desk.stage.told(person.id)


def test_who_is_asked_for_more_can_hand_a_document_over(desk):
    place = desk.stage.beside(desk.place, approval="request")
    booking_id = desk.stage.submitted(place, desk.trainee.id)
    document = desk.upload()
    with desk.stage.transaction() as session:
        booking = queries.find(session, booking_id)
        applications.ask_for_more(
            session,
            booking,
            text="Please show us your tuberculosis test.",
            actor_id=desk.coordinator.id,
            now=desk.stage.now,
        )
    desk.release(booking_id, document)
    assert desk.read(desk.coordinator, document)


def test_what_does_not_block_does_not(desk):
    desk.ask([a_requirement(blocks_start=False)])
    booking_id = desk.stage.confirmed(desk.place, desk.trainee.id)
    desk.stage.clock.at = STARTS
    assert desk.stage.start_due() == 1
    found = desk.clearance(booking_id)
    assert (found["complete"], found["may_start"]) == (False, True)
    assert found["items"][0]["overdue"]


def test_an_operator_lets_it_begin_and_why_is_kept(desk, booked, session):
    path = f"/operator/bookings/{booked}/waivers"
    wish = {"requirements": ["tb_test"], "reason": "Tested on site on the first morning."}
    for who, status in ((desk.trainee, 403), (desk.coordinator, 403), (None, 401)):
        desk.call(who, "POST", path, status, json=wish)
    unknown = {**wish, "requirements": ["tb_test", "diary"]}
    desk.call(desk.operator, "POST", path, 422, json=unknown)
    for _ in range(2):
        waived = desk.call(desk.operator, "POST", path, json=wish).get_json()
    assert (waived["items"][0]["state"], waived["may_start"]) == ("waived", True)
    desk.stage.clock.at = STARTS
    assert desk.stage.start_due() == 1
    kept = session.execute(text("SELECT requirement, reason FROM booking_waiver")).all()
    assert [tuple(row) for row in kept] == [("tb_test", wish["reason"])]
    for change in ("UPDATE booking_waiver SET reason = 'x'", "DELETE FROM booking_waiver"):
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(text(change))


def test_those_that_are_blocked_hold_up_nobody(desk, booked):
    desk.stage.set_seats(desk.place, 4)
    other = desk.stage.place()
    ready = desk.stage.confirmed(other, desk.stage.trainee())
    for _ in range(2):
        desk.stage.confirmed(desk.place, desk.stage.trainee())
    desk.stage.clock.at = STARTS
    after, begun = None, 0
    with desk.stage.transaction() as session:
        while True:
            done = deadlines.start_due(session, desk.stage.now, 1, after)
            begun, after = begun + done.begun, done.last
            if after is None:
                break
    assert begun == 1
    assert desk.stage.state(ready) == "in_progress"


def test_starting_takes_as_many_statements_for_many_as_for_few(desk, booked, count_queries):
    def start(at):
        desk.stage.clock.at = at
        with count_queries() as statements:
            begun = desk.stage.start_due()
        return begun, len([s for s in statements.texts if not s.startswith("SET")])

    desk.ask([])
    desk.stage.clock.advance(timedelta(minutes=1))
    document = desk.upload()
    desk.release(booked, document)
    desk.decide(desk.coordinator, document)
    few = start(STARTS)
    later = FIRST_DAY + timedelta(weeks=4)
    desk.stage.set_seats(desk.place, 8, later)
    for _ in range(4):
        desk.stage.confirmed(desk.place, desk.stage.trainee(), later)
    many = start(STARTS + timedelta(weeks=4))
    assert (few[0], many[0]) == (1, 4)
    assert many[1] <= few[1] <= 9


def test_a_host_is_not_let_to_begin_it_by_hand(desk, booked):
    desk.stage.clock.at = STARTS + timedelta(days=1)
    with pytest.raises(Exception, match="Tb test"), desk.stage.transaction() as session:
        rotations.mark_attendance(
            session,
            queries.find(session, booked),
            [Day(date(2027, 3, 1), "present")],
            actor_id=desk.coordinator.id,
            now=desk.stage.now,
        )


def test_the_critical_path_counts_back_from_the_first_day(desk):
    desk.ask([a_requirement(), a_requirement("background_check"), a_requirement("cv")])
    booking_id = desk.stage.confirmed(desk.place, desk.trainee.id)
    path = f"/bookings/{booking_id}/path"
    steps = desk.call(desk.trainee, "GET", path).get_json()["steps"]
    by_key = {step["key"]: step for step in steps}
    assert steps == desk.call(desk.coordinator, "GET", path).get_json()["steps"]
    assert [step["on"] for step in steps] == sorted(step["on"] for step in steps)
    assert steps[-1]["key"] == "start"
    # The interview leaves time to process and to travel; the appointment is overdue to ask for.
    assert by_key["visa_interview"]["on"] == (FIRST_DAY - timedelta(days=74)).isoformat()
    assert by_key["visa_appointment"]["on"] == "2026-11-22"
    assert by_key["balance"]["state"] == "open"
    assert by_key["background_check"]["on"] == (FIRST_DAY - timedelta(days=30)).isoformat()
    assert by_key["order_background_check"]["on"] == (FIRST_DAY - timedelta(days=51)).isoformat()
    assert "order_cv" not in by_key
    document = desk.upload()
    desk.release(booking_id, document)
    desk.decide(desk.coordinator, document)
    steps = desk.call(desk.trainee, "GET", path).get_json()["steps"]
    by_key = {step["key"]: step for step in steps}
    assert (by_key["tb_test"]["state"], by_key["order_tb_test"]["state"]) == ("done", "done")
    for who in (desk.rival, desk.neighbour):
        for end in ("path", "clearance"):
            desk.call(who, "GET", f"/bookings/{booking_id}/{end}", 404)


def test_a_us_citizen_has_no_visa_on_the_path(desk):
    citizen = desk.people.trainee(citizenship="us_citizen", needs_visa=False, visa_type=None)
    booking_id = desk.stage.confirmed(desk.place, citizen.id)
    steps = desk.call(citizen, "GET", f"/bookings/{booking_id}/path").get_json()["steps"]
    assert [step["key"] for step in steps] == ["balance", "start"]


def days_in(answer):
    calendar = icalendar.Calendar.from_ical(answer.get_data())
    return {
        str(event["UID"]).rpartition("-marketplace")[0].partition("path-")[2].split("-")[0]: event
        for event in calendar.walk("VEVENT")
        if "path-" in str(event["UID"])
    }


def test_the_path_is_read_by_a_calendar_program_and_by_the_feed(desk, booked):
    answer = desk.call(desk.trainee, "GET", f"/bookings/{booked}/path.ics")
    assert answer.content_type == "text/calendar; charset=utf-8"
    days = days_in(answer)
    assert {"visa_interview", "balance", "tb_test", "order_tb_test", "start"} <= set(days)
    assert days["tb_test"].decoded("dtstart") == FIRST_DAY - timedelta(days=30)
    assert str(days["tb_test"]["SUMMARY"]).startswith("Hand over: Tb test")
    desk.call(desk.rival, "GET", f"/bookings/{booked}/path.ics", 404)
    wish = {"kind": "trainee", "name": "Mine"}
    made = desk.call(desk.trainee, "POST", "/me/calendar-feeds", 201, json=wish).get_json()
    where = made["address"].partition("/api/v1")[2]
    assert {"visa_interview", "tb_test"} <= set(days_in(desk.call(None, "GET", where)))
    document = desk.upload()
    desk.release(booked, document)
    desk.decide(desk.coordinator, document)
    days = days_in(desk.call(None, "GET", where))
    assert "tb_test" not in days
    assert "balance" not in days
