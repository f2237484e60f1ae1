"""Calendars at private addresses: what they say, to whom, and for how long."""

from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.service import applications, cancellations
from marketplace.booking.service.cancellations import Wish
from marketplace.booking.states import BookingState
from marketplace.catalog.models import Listing
from marketplace.catalog.rules.policies import PolicyEvent
from marketplace.identity.service import memberships
from tests.factories.rotations import FIRST_DAY

API = "/api/v1"
FEEDS = f"{API}/me/calendar-feeds"
VISA = {"visa_type": "b1_b2"}


@pytest.fixture
def place(stage):
    return stage.place(seats_per_week=3)


@pytest.fixture
def trainee(people):
    return people.trainee(**VISA)


@pytest.fixture
def coordinator(people, place):
    return people.make("coordinator", site_id=place.site_id)


@pytest.fixture
def subscribe(client):
    def make(person, status=201, **wish):
        answer = client.post(FEEDS, json=wish, headers=person.headers)
        assert answer.status_code == status, answer.json
        return answer.json

    return make


@pytest.fixture
def read(client):
    def get(feed, method="GET", **headers):
        path = feed["address"].removeprefix("http://marketplace.test")
        return client.open(path, method=method, headers=headers)

    return get


def events(answer):
    """The events by their UID, as another program reads them; nothing in them is malformed."""
    assert answer.status_code == 200, answer.text
    calendar = icalendar.Calendar.from_ical(answer.data)
    found = list(calendar.walk("VEVENT"))
    assert [(event.errors, event["UID"]) for event in found if event.errors] == []
    assert calendar["VERSION"] == "2.0"
    # With a method it would be a message between calendars, which needs an organizer.
    assert "METHOD" not in calendar
    for event in found:
        assert event.decoded("DTSTAMP").tzinfo is not None
    names = [str(event["UID"]) for event in found]
    assert len(set(names)) == len(names)
    return dict(zip(names, found, strict=True))


def days(event):
    return event.decoded("DTSTART"), event.decoded("DTEND")


def test_a_trainee_reads_rotations_and_due_dates(stage, people, trainee, place, subscribe, read):
    booked = stage.confirmed(place, trainee.id)
    held = stage.hold(trainee.id, place, date(2027, 6, 7), 2)
    found = events(read(subscribe(trainee, kind="trainee", name="My rotations")))
    rotation = found[f"rotation-{booked}@rotation-marketplace"]
    # Monday to Sunday: the end is the day after.
    assert days(rotation) == (date(2027, 3, 1), date(2027, 3, 29))
    assert rotation["STATUS"] == "CONFIRMED"
    assert rotation["SUMMARY"] == "Internal Medicine Externship, Lakeview Community Hospital"
    assert rotation["LOCATION"].startswith("Lakeview Community Hospital, 100 Chicago Medical Way")
    assert "America/Chicago" in rotation["DESCRIPTION"]
    assert found[f"rotation-{held}@rotation-marketplace"]["STATUS"] == "TENTATIVE"
    pay = found[f"hold-{held}@rotation-marketplace"]
    assert pay.decoded("DTSTART") == datetime(2026, 11, 22, 12, 35, tzinfo=UTC)
    balance = found[f"balance-{booked}@rotation-marketplace"]
    assert balance.decoded("DTSTART") == stage.booking(booked).balance_due_on
    assert "1,792.00 USD due" in balance["SUMMARY"]


def test_what_is_called_off_is_cancelled_under_the_same_name(
    stage, trainee, place, subscribe, read
):
    booked = stage.confirmed(place, trainee.id)
    feed = subscribe(trainee, kind="trainee")
    name = f"rotation-{booked}@rotation-marketplace"
    before = events(read(feed))[name]
    stage.clock.advance(timedelta(days=1))
    with stage.transaction() as session:
        booking = queries.find(session, booked)
        wish = Wish(event=PolicyEvent.HOST_WITHDRAWS)
        mark = cancellations.quote(session, booking, wish, stage.now).mark
        cancellations.cancel(session, booking, wish, mark=mark, reason="Ill.",
                             to=BookingState.CANCELLED_BY_HOST, actor_id=place.owner_id,
                             now=stage.now)  # fmt: skip
    found = events(read(feed))
    after = found[name]
    assert (before["STATUS"], after["STATUS"]) == ("CONFIRMED", "CANCELLED")
    assert after["SEQUENCE"] > before["SEQUENCE"]
    assert after.decoded("LAST-MODIFIED") - before.decoded("LAST-MODIFIED") == timedelta(days=1)
    assert found[f"balance-{booked}@rotation-marketplace"]["STATUS"] == "CANCELLED"


def test_a_host_reads_who_comes_and_no_more(stage, place, coordinator, subscribe, read):
    booked = stage.confirmed(place, stage.trainee("Asha Rao"))
    stage.hold(stage.trainee("Only Looking"), place)
    gone = stage.hold(stage.trainee("Never Paid"), place)
    with stage.transaction() as session:
        applications.withdraw(session, queries.find(session, gone), reason="", now=stage.now)
    answer = read(subscribe(coordinator, kind="site", site_id=str(place.site_id)))
    found = events(answer)
    assert "Only Looking" not in answer.text
    assert "Never Paid" not in answer.text
    assert "@example.org" not in answer.text
    rotation = found[f"rotation-{booked}@rotation-marketplace"]
    assert rotation["SUMMARY"] == "Asha Rao: Internal Medicine Externship"
    arrival = found[f"arrival-{booked}@rotation-marketplace"]
    assert days(arrival) == (date(2027, 3, 1), date(2027, 3, 2))
    seats = found[f"seats-{place.site_id}-2027-03-01@rotation-marketplace"]
    assert seats["SUMMARY"] == "1 of 3 seats free"
    assert days(seats) == (date(2027, 3, 1), date(2027, 3, 8))
    assert seats["TRANSP"] == "TRANSPARENT"


def test_seats_of_a_week_count_every_change(stage, place, coordinator, subscribe, read):
    feed = subscribe(coordinator, kind="site", site_id=str(place.site_id))
    name = f"seats-{place.site_id}-2027-03-01@rotation-marketplace"
    seen = [events(read(feed))[name]]
    stage.clock.advance(timedelta(hours=1))
    booked = stage.hold(stage.trainee(), place)
    seen.append(events(read(feed))[name])
    stage.clock.advance(timedelta(hours=1))
    with stage.transaction() as session:
        applications.withdraw(session, queries.find(session, booked), reason="", now=stage.now)
    seen.append(events(read(feed))[name])
    stage.clock.advance(timedelta(hours=1))
    stage.set_seats(place, 5)
    seen.append(events(read(feed))[name])
    assert [event["SUMMARY"] for event in seen] == [
        "3 of 3 seats free", "2 of 3 seats free", "3 of 3 seats free", "5 of 5 seats free"
    ]  # fmt: skip
    numbers = [event["SEQUENCE"] for event in seen]
    assert numbers == sorted(set(numbers))


def test_one_preceptors_calendar_has_their_rotations_only(
    stage, place, coordinator, subscribe, read
):
    other = stage.beside(place, preceptor="Dr. Ines Castillo", npi="2000981094")
    ours, theirs = stage.confirmed(place), stage.confirmed(other)
    with stage.transaction() as session:
        preceptor = session.get_one(Listing, place.listing_id).preceptor_id
    wish = {"kind": "preceptor", "site_id": str(place.site_id), "preceptor_id": str(preceptor)}
    found = events(read(subscribe(coordinator, **wish)))
    assert f"rotation-{ours}@rotation-marketplace" in found
    assert f"rotation-{theirs}@rotation-marketplace" not in found
    assert found[f"seats-{preceptor}-2027-03-01@rotation-marketplace"]["SUMMARY"].startswith("2 of")


def test_an_address_is_shown_once_and_kept_as_a_digest(client, stage, trainee, subscribe):
    made = subscribe(trainee, kind="trainee")
    secret = made["address"].split("/")[-2]
    assert len(secret) >= 43
    (listed,) = client.get(FEEDS, headers=trainee.headers).json["items"]
    assert listed["id"] == made["id"]
    assert secret not in str(listed)
    with stage.transaction() as session:
        row = session.execute(text("SELECT calendar_feed::text FROM calendar_feed")).scalar_one()
    assert secret not in row
    again = client.post(FEEDS, json={"kind": "trainee"},
                        headers={**trainee.headers, "Idempotency-Key": "feed-1"})  # fmt: skip
    assert again.headers["Cache-Control"] == "no-store"
    with stage.transaction() as session:
        kept = session.execute(text("SELECT count(*) FROM remembered_answer")).scalar_one()
    assert kept == 0, "an answer with a secret is not remembered"


def test_an_address_is_changed_revoked_and_noted(client, stage, trainee, subscribe, read):
    feed = subscribe(trainee, kind="trainee")
    assert read(feed).status_code == 200
    (listed,) = client.get(FEEDS, headers=trainee.headers).json["items"]
    assert listed["last_used_on"] == "2026-11-22"
    route = f"{FEEDS}/{feed['id']}"
    changed = client.post(f"{route}/rotate", headers=trainee.headers).json
    assert changed["address"] != feed["address"]
    assert (read(feed).status_code, read(changed).status_code) == (404, 200)
    assert client.delete(route, headers=trainee.headers).status_code == 204
    assert client.delete(route, headers=trainee.headers).status_code == 204
    assert read(changed).status_code == 404
    assert client.get(FEEDS, headers=trainee.headers).json["items"] == []
    assert client.post(f"{route}/rotate", headers=trainee.headers).status_code == 404
    nowhere = client.get(f"{API}/calendar-feeds/{'x' * 43}/rotations.ics")
    assert nowhere.json["title"] == read(changed).json["title"]


def test_it_is_sent_again_only_when_it_changed(stage, trainee, place, subscribe, read):
    feed = subscribe(trainee, kind="trainee")
    first = read(feed)
    assert first.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert "no-cache" in first.headers["Cache-Control"]
    assert "private" in first.headers["Cache-Control"]
    tag = first.headers["ETag"]
    stage.clock.advance(timedelta(hours=5))
    same = read(feed, **{"If-None-Match": tag})
    assert (same.status_code, same.data) == (304, b"")
    head = read(feed, method="HEAD")
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", tag)
    stage.confirmed(place, trainee.id)
    assert read(feed, **{"If-None-Match": tag}).status_code == 200


def test_who_leaves_a_site_reads_its_calendar_no_more(
    client, stage, people, place, subscribe, read
):
    member = people.make("preceptor", site_id=place.site_id)
    feed = subscribe(member, kind="site", site_id=str(place.site_id))
    assert read(feed).status_code == 200
    with stage.transaction() as session:
        row = session.execute(
            text("SELECT id FROM membership WHERE account_id = :id"), {"id": member.id}
        ).scalar_one()
        memberships.revoke(session, row, revoked_by=place.owner_id, now=stage.now)
    assert read(feed).status_code == 404


def test_who_is_shut_out_reads_nothing(stage, trainee, subscribe, read):
    feed = subscribe(trainee, kind="trainee")
    with stage.transaction() as session:
        session.execute(text("UPDATE account SET active = false WHERE id = :id"),
                        {"id": trainee.id})  # fmt: skip
    assert read(feed).status_code == 404


def test_nobody_subscribes_to_what_is_not_theirs(client, stage, place, trainee, people, subscribe):
    site = str(place.site_id)
    subscribe(trainee, 404, kind="site", site_id=site)
    subscribe(people.make("operator"), 404, kind="site", site_id=site)
    member = people.make("coordinator", site_id=place.site_id)
    foreign = stage.place()
    with stage.transaction() as session:
        stranger = session.get_one(Listing, foreign.listing_id).preceptor_id
    subscribe(member, 422, kind="preceptor", site_id=site, preceptor_id=str(stranger))
    subscribe(member, 422, kind="preceptor", site_id=site)
    subscribe(member, 422, kind="trainee", site_id=site)
    subscribe(member, 422, kind="site")
    feed = subscribe(member, kind="trainee")
    assert client.delete(f"{FEEDS}/{feed['id']}", headers=trainee.headers).status_code == 404
    assert client.get(FEEDS).status_code == 401


def test_twenty_addresses_are_enough(client, trainee, subscribe):
    for _ in range(20):
        subscribe(trainee, kind="trainee")
    assert subscribe(trainee, 409, kind="trainee")["code"] == "too_many_feeds"


def test_names_break_nothing(stage, place, coordinator, subscribe, read):
    stage.confirmed(place, stage.trainee("Asha;\\,Rao\nBEGIN:VALARM \N{SNOWMAN}" + "é" * 100))
    answer = read(subscribe(coordinator, kind="site", site_id=str(place.site_id),
                            name="Ward 4,\nX-EVIL:1"))  # fmt: skip
    found = events(answer)
    assert len(found) > 2
    assert "\r\nBEGIN:VALARM" not in answer.text
    assert "\r\nX-EVIL" not in answer.text
    assert all(len(line) <= 75 for line in answer.data.split(b"\r\n"))


@pytest.mark.parametrize("kind", ["trainee", "site"])
def test_a_read_costs_the_same_for_any_number_of_bookings(
    stage, people, place, subscribe, read, count_queries, kind
):
    person = people.trainee(**VISA)
    people.grant(person, "coordinator", site_id=place.site_id)
    feed = subscribe(
        person, kind=kind, **({"site_id": str(place.site_id)} if kind == "site" else {})
    )
    stage.confirmed(place, person.id)
    read(feed)
    counts = []
    for weeks in range(4):
        with count_queries() as statements:
            found = events(read(feed))
        counts.append(len(statements))
        assert len([name for name in found if name.startswith("rotation-")]) == weeks + 1
        stage.confirmed(place, person.id, FIRST_DAY + timedelta(days=28 * (weeks + 1)))
    assert len(set(counts)) == 1
    assert counts[0] <= {"trainee": 7, "site": 8}[kind]


def test_an_address_is_not_read_without_end(trainee, subscribe, read):
    feed = subscribe(trainee, kind="trainee")
    seen = [read(feed, method="HEAD").status_code for _ in range(61)]
    assert seen == [200] * 60 + [429]
    assert read(subscribe(trainee, kind="trainee")).status_code == 200
