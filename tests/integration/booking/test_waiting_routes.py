"""Waiting lists over HTTP: who may do what, what is shown to whom, and what it costs."""

import pytest
from sqlalchemy import text

from marketplace.booking.queries import waiting as queries
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.test_waiting import ask, withdraw

API = "/api/v1"
VISA = {"visa_type": "b1_b2"}


@pytest.fixture
def call(client):
    def send(person, method, path, json=None):
        return client.open(API + path, method=method, json=json, headers=person.headers)

    return send


@pytest.fixture
def place(stage):
    return stage.place()


def asked(place):
    return {
        "listing_id": str(place.listing_id),
        "first_day": FIRST_DAY.isoformat(),
        "weeks": 4,
    }


@pytest.fixture
def full(stage, place):
    return stage.hold(stage.trainee(), place)


def test_join_see_the_position_accept(stage, people, call, place, full):
    ana, ben = people.trainee(**VISA, time_zone="Asia/Kolkata"), people.trainee(**VISA)
    first = call(ana, "POST", "/waiting-list", asked(place))
    assert first.status_code == 201, first.json
    second = call(ben, "POST", "/waiting-list", asked(place))
    assert (first.json["position"], second.json["position"]) == (1, 2)
    where = first.headers["Location"].removeprefix(API)
    assert call(ana, "POST", f"{where}/accept").json["code"] == "not_open_for_this"
    withdraw(stage, full)
    ask(stage, place)
    read = call(ana, "GET", where)
    assert read.json["state"] == "offered"
    assert read.json["offer"]["expires_at_local"] == "2026-11-25 00:00 Asia/Kolkata"
    assert call(ben, "GET", where).status_code == 404
    assert call(ben, "POST", f"{where}/accept").status_code == 404
    taken = call(ana, "POST", f"{where}/accept")
    assert taken.status_code == 201, taken.json
    assert taken.json["state"] == "held"
    listed = call(ben, "GET", "/waiting-list").json["items"]
    assert [(one["state"], one["position"]) for one in listed] == [("waiting", 1)]


def test_decline_and_leave(stage, people, call, place, full):
    ana, ben = people.trainee(**VISA), people.trainee(**VISA)
    one = call(ana, "POST", "/waiting-list", asked(place)).json["id"]
    two = call(ben, "POST", "/waiting-list", asked(place)).json["id"]
    assert call(ben, "POST", f"/waiting-list/{two}/leave").json["state"] == "left"
    withdraw(stage, full)
    ask(stage, place)
    assert call(ana, "POST", f"/waiting-list/{one}/leave").status_code == 409
    assert call(ana, "POST", f"/waiting-list/{one}/decline").json["state"] == "declined"
    ask(stage, place)
    assert call(ana, "POST", "/bookings", asked(place)).status_code == 201


def test_refusals_have_their_codes(stage, people, call, place):
    ana = people.trainee(**VISA)
    assert call(ana, "POST", "/waiting-list", asked(place)).json["code"] == "seats_are_free"
    stage.hold(stage.trainee(), place)
    assert call(ana, "POST", "/waiting-list", asked(place)).status_code == 201
    assert call(ana, "POST", "/waiting-list", asked(place)).json["code"] == "already_waiting"
    wrong = call(ana, "POST", "/waiting-list", {**asked(place), "weeks": 0})
    assert wrong.status_code == 422


def test_hosts_see_the_order_without_names_operators_with_history(stage, people, call, place, full):
    ana = people.trainee(**VISA)
    entry = call(ana, "POST", "/waiting-list", asked(place)).json["id"]
    host = people.make("coordinator", site_id=place.site_id)
    listed = call(host, "GET", f"/sites/{place.site_id}/waiting-list").json["items"]
    assert [one["position"] for one in listed] == [1]
    assert "trainee_id" not in listed[0]
    assert call(ana, "GET", f"/sites/{place.site_id}/waiting-list").status_code in {403, 404}
    operator = people.make("operator")
    seen = call(operator, "GET", f"/operator/waiting-list?listing_id={place.listing_id}")
    assert [one["trainee_id"] for one in seen.json["items"]] == [str(ana.id)]
    steps = call(operator, "GET", f"/operator/waiting-list/{entry}").json["steps"]
    assert [step["to_state"] for step in steps] == ["waiting"]
    assert call(host, "GET", f"/operator/waiting-list/{entry}").status_code == 403


def test_a_list_takes_the_same_queries_whatever_its_length(
    stage, people, call, place, full, count_queries
):
    ana = people.trainee(**VISA)
    host = people.make("coordinator", site_id=place.site_id)
    counted = []
    for _ in range(3):
        for weeks in (4 - len(counted),):
            call(ana, "POST", "/waiting-list", {**asked(place), "weeks": weeks})
        with count_queries() as own:
            call(ana, "GET", "/waiting-list")
        with count_queries() as hosts:
            call(host, "GET", f"/sites/{place.site_id}/waiting-list")
        counted.append((len(own), len(hosts)))
    assert len(set(counted)) == 1, counted
    assert max(counted[0]) <= 6


@pytest.mark.parametrize("waits", [False, True])
def test_giving_a_seat_up_costs_one_statement_more_whoever_waits(
    stage, place, people, call, count_queries, waits
):
    booking = stage.hold(stage.trainee(), place)
    if waits:
        call(people.trainee(**VISA), "POST", "/waiting-list", asked(place))
    with count_queries() as seen:
        withdraw(stage, booking)
    assert sum("waiting_entry" in one or "kept_seat" in one for one in seen.texts) == 1
    with stage.transaction() as session:
        assert bool(queries.kept(session)) is waits
        jobs = session.execute(
            text("SELECT args FROM procrastinate_jobs WHERE task_name = 'booking.ask_list'")
        ).scalars()
        # Joining has asked for one already.
        assert list(jobs) == ([{"pool_ids": [str(place.pool_id)]}] * 2 if waits else [])
