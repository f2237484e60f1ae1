"""Reminders of documents: in stages, each once, by the trainee's clock, none for what is done."""

from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import text

from marketplace.booking.service import deadlines, preparing

# Due thirty days before 1 March 2027.
DUE = datetime(2027, 1, 30, 15, 0, tzinfo=UTC)


def remind(desk):
    with desk.stage.transaction() as session:
        deadlines.remind_due(session, desk.stage.now)
        while (after := preparing.remind(session, desk.stage.now, limit=2)) is not None:
            preparing.remind(session, desk.stage.now, after=after)


def told(desk):
    return desk.stage.told(desk.trainee.id).count("documents_due")


def living_in(desk, zone):
    with desk.stage.transaction() as session:
        session.execute(
            text("UPDATE account SET time_zone = :zone WHERE id = :id"),
            {"zone": zone, "id": desk.trainee.id},
        )


def test_each_stage_is_reminded_of_once(desk, booked):
    for days, times in ((15, 0), (14, 1), (13, 1), (8, 1), (7, 2), (2, 2), (1, 3), (0, 3), (-1, 3)):
        desk.stage.clock.at = DUE - timedelta(days=days)
        for _ in range(2):
            remind(desk)
        assert told(desk) == times, days


@pytest.mark.fault(39)
def test_a_clock_that_jumps_sends_nothing_twice_and_nothing_stale(desk, booked):
    desk.stage.clock.at = DUE - timedelta(days=8, hours=5)
    remind(desk)
    before = told(desk)
    desk.stage.clock.advance(timedelta(hours=26))
    remind(desk)
    after = told(desk)
    assert (before, after) == (1, 2)
    desk.stage.clock.advance(timedelta(hours=-1))
    remind(desk)
    desk.stage.clock.advance(timedelta(hours=-26))
    remind(desk)
    assert told(desk) == after
    # Over two stages at once: the nearest alone is sent.
    desk.stage.clock.at = DUE - timedelta(days=1)
    remind(desk)
    assert told(desk) == after + 1
    assert desk.stage.told(desk.trainee.id).count("balance_due") == 1


def test_a_reminder_comes_at_a_civil_hour_of_its_reader(desk, booked):
    living_in(desk, "Asia/Kolkata")
    # 15:00 UTC is half past eight in the evening there, 02:30 UTC eight in the morning.
    for hour, minute, times in ((15, 0, 0), (2, 29, 0), (2, 30, 1)):
        desk.stage.clock.at = (DUE - timedelta(days=13)).replace(hour=hour, minute=minute)
        remind(desk)
        assert told(desk) == times, (hour, minute)


def test_what_was_handed_over_meanwhile_is_not_named(desk, booked):
    document = desk.upload()
    desk.release(booked, document)
    desk.stage.clock.at = DUE - timedelta(days=14)
    remind(desk)
    assert told(desk) == 0
    desk.decide(desk.coordinator, document, "rejected", reason="It is another person's.")
    remind(desk)
    assert told(desk) == 1


def test_many_bookings_take_a_constant_number_of_looks(desk, booked, count_queries, sessions):
    def looks():
        with desk.stage.transaction() as session, count_queries() as seen:
            preparing.remind(session, DUE - timedelta(days=60))
        return len(seen)

    one = looks()
    for _ in range(3):
        desk.stage.confirmed(desk.stage.beside(desk.place))
    assert looks() == one


def files_of(desk, template):
    with desk.stage.transaction() as session:
        rows = session.execute(
            text("SELECT files FROM notice WHERE account_id = :id AND template = :template"),
            {"id": desk.trainee.id, "template": template},
        ).scalars()
        return [file for files in rows for file in files or ()]


def test_a_confirmation_brings_the_rotation_and_a_cancellation_calls_it_off(desk, booked):
    (file,) = files_of(desk, "booking_confirmed")
    assert file["media_type"] == "text/calendar; method=PUBLISH; charset=utf-8"
    (made,) = Calendar.from_ical(file["text"]).walk("VEVENT")
    desk.stage.cancel(booked, reason="")
    (file,) = files_of(desk, "booking_cancelled")
    calendar = Calendar.from_ical(file["text"])
    (gone,) = calendar.walk("VEVENT")
    assert calendar["METHOD"] == "CANCEL"
    assert gone["STATUS"] == "CANCELLED"
    assert made["UID"] == gone["UID"] == f"rotation-{booked}@rotation-marketplace"
    assert gone["SEQUENCE"] > made["SEQUENCE"]
    assert str(made["ORGANIZER"]) == "mailto:no-reply@localhost"
    assert (made["DTSTART"].dt.isoformat(), made["DTEND"].dt.isoformat()) == (
        "2027-03-01",
        "2027-03-29",
    )
