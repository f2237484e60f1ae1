"""Rotations under way: begun by the clock, attended, completed; and what the clock does in bulk."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.booking import queries
from marketplace.booking.errors import DayOutsideRotation, NotOpenForThis
from marketplace.booking.service import deadlines, no_shows, rosters, rotations
from marketplace.booking.service.rotations import Day
from marketplace.core.errors import Invalid
from tests.factories.rotations import FIRST_DAY

DURING = datetime(2027, 3, 3, 18, 0, tzinfo=UTC)
AFTER = datetime(2027, 3, 26, 18, 0, tzinfo=UTC)


def mark(stage, booking_id, host, *days):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        rotations.mark_attendance(session, booking, days, actor_id=host, now=stage.now)


def complete(stage, booking_id, host):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        rotations.complete(session, booking, actor_id=host, now=stage.now)


def no_show(stage, booking_id, host):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        no_shows.mark(session, booking, actor_id=host, reason="", now=stage.now)


@pytest.fixture
def place(stage):
    return stage.place()


@pytest.fixture
def host(stage, place):
    return stage.member(place.site_id)


@pytest.fixture
def booked(stage, place):
    return stage.confirmed(place)


def test_a_rotation_begins_on_its_first_day_at_the_site(stage, booked):
    # Midnight in Chicago is 06:00 UTC.
    stage.clock.at = datetime(2027, 3, 1, 5, 59, tzinfo=UTC)
    assert stage.start_due() == 0
    stage.clock.at = datetime(2027, 3, 1, 6, 0, tzinfo=UTC)
    assert stage.start_due() == 1
    assert stage.start_due() == 0
    assert stage.state(booked) == "in_progress"


def test_attendance_is_marked_and_corrected_and_the_past_stays(stage, booked, host):
    stage.clock.at = DURING
    mark(stage, booked, host, Day(FIRST_DAY, "present"), Day(date(2027, 3, 2), "absent", "Ill."))
    mark(stage, booked, host, Day(date(2027, 3, 2), "present", "Came at noon."))
    assert stage.state(booked) == "in_progress"
    with stage.transaction() as session:
        marks = queries.attendance(session, [booked])[booked]
        kept = session.execute(text("SELECT count(*) FROM attendance_mark")).scalar_one()
    assert [(row.day.day, row.mark, row.revision) for row in marks] == [
        (1, "present", 1),
        (2, "present", 2),
    ]
    assert kept == 3


@pytest.mark.parametrize("day", [date(2027, 2, 28), date(2027, 3, 4), date(2027, 4, 5)])
def test_only_days_of_the_rotation_that_have_come_are_marked(stage, booked, host, day):
    stage.clock.at = DURING
    with pytest.raises(DayOutsideRotation):
        mark(stage, booked, host, Day(day, "present"))


def test_it_is_completed_at_its_end_and_keeps_its_seat(stage, place, booked, host):
    stage.clock.at = DURING
    with pytest.raises(NotOpenForThis, match="2027-03-28"):
        complete(stage, booked, host)
    stage.clock.at = AFTER
    mark(stage, booked, host, Day(FIRST_DAY, "absent"))
    with pytest.raises(NotOpenForThis, match="on no day"):
        complete(stage, booked, host)
    mark(stage, booked, host, Day(FIRST_DAY, "present"))
    complete(stage, booked, host)
    assert stage.steps(booked)[-2:] == ["in_progress", "completed"]
    assert len(stage.taken(place)) == 4
    assert stage.findings() == []


def test_who_never_came_gives_up_the_weeks_to_come(stage, place, booked, host):
    stage.clock.at = DURING
    no_show(stage, booked, host)
    assert list(stage.taken(place)) == [FIRST_DAY]
    assert stage.findings() == []


def test_who_came_once_is_no_no_show(stage, booked, host):
    stage.clock.at = DURING
    mark(stage, booked, host, Day(FIRST_DAY, "present"))
    with pytest.raises(NotOpenForThis):
        no_show(stage, booked, host)


@pytest.mark.parametrize("table", ["booking_transition", "attendance_mark"])
def test_history_cannot_be_rewritten(stage, booked, host, table):
    stage.clock.at = DURING
    mark(stage, booked, host, Day(FIRST_DAY, "present"))
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET booking_id = booking_id"):
        with pytest.raises(IntegrityError), stage.transaction() as session:
            session.execute(text(statement))


def test_a_roster_takes_as_many_queries_for_many_as_for_few(stage, place, booked, count_queries):
    def read(start=FIRST_DAY, end=date(2027, 12, 31)):
        with stage.transaction() as session, count_queries() as statements:
            found = rosters.roster(session, place.site_id, start, end, limit=1000, cursor=None)
        return found, [s for s in statements.texts if not s.startswith("SET")]

    few, first = read()
    for number in range(1, 6):
        stage.confirmed(place, first_day=FIRST_DAY + timedelta(days=28 * number))
    many, later = read()
    assert (len(few.items), len(many.items)) == (1, 6)
    assert len(first) == len(later) == 2
    some, _ = read(date(2027, 3, 10), date(2027, 3, 16))
    assert [row["weeks"] for row in some.items] == [["2027-03-08", "2027-03-15"]]
    assert some.items[0]["trainee_name"] == "Asha Rao"
    with pytest.raises(Invalid):
        read(date(2027, 1, 1), date(2031, 1, 1))


def test_expiry_takes_as_many_statements_for_many_as_for_few(stage, count_queries):
    place = stage.place(seats_per_week=40)

    def expire(count):
        for _ in range(count):
            stage.hold(stage.trainee(), place)
        stage.clock.advance(timedelta(minutes=36))
        with stage.transaction() as session, count_queries() as statements:
            assert deadlines.expire_due(session, stage.now) == count
        return len([s for s in statements.texts if not s.startswith("SET")])

    # The last of them asks who waits for the seats.
    assert expire(2) == expire(20) <= 7
    assert stage.findings() == []


def test_reminders_are_sent_once(stage, place, booked):
    trainee = stage.booking(booked).trainee_id
    stage.clock.at = datetime(2027, 1, 30, 12, 0, tzinfo=UTC)
    for _ in range(2):
        stage.remind_due()
    assert stage.told(trainee)[1:] == ["balance_due"]
    stage.clock.at = datetime(2027, 2, 23, 12, 0, tzinfo=UTC)
    for _ in range(2):
        stage.remind_due()
    assert stage.told(trainee)[1:] == ["balance_due", "booking_starts_soon", "balance_overdue"]


def test_a_host_is_reminded_of_an_application(stage):
    place = stage.place(approval="request")
    host = stage.member(place.site_id)
    stage.submitted(place)
    stage.clock.advance(timedelta(days=11, hours=3))
    for _ in range(2):
        stage.remind_due()
    assert stage.told(host) == ["application_received", "application_waits"]


def test_a_leak_is_found(stage, place, booked):
    with stage.transaction() as session:
        session.execute(
            text("UPDATE seat_week SET taken = 0 WHERE pool_id = :pool AND week = :week"),
            {"pool": place.pool_id, "week": FIRST_DAY},
        )
    (found,) = stage.findings()
    assert found.code == "seats_differ"
    stage.hold(stage.trainee(), stage.place())
    stage.clock.advance(timedelta(hours=1))
    assert {finding.code for finding in stage.findings()} == {"seats_differ", "hold_overdue"}
