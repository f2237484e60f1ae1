"""Calendars over HTTP: pools, edits over many weeks, history, undoing, holidays."""

from datetime import date, timedelta

import pytest

from marketplace.catalog.models import Listing
from tests.factories.rotations import FIRST_DAY

API = "/api/v1"
JUNE, AUGUST = "2027-06-07", "2027-08-30"


@pytest.fixture
def place(stage):
    return stage.place(seats_per_week=2)


@pytest.fixture
def other(stage, place):
    """A second listing of the same host, at the same site."""
    return stage.beside(place, seats_per_week=2, title="Internal Medicine, Ward 4")


@pytest.fixture
def host(people, place):
    return people.make("coordinator", site_id=place.site_id, name="Cora Diaz")


@pytest.fixture
def call(client, place, host):
    def send(method, path, json=None, person=host, **headers):
        return client.open(
            f"{API}/sites/{place.site_id}{path}",
            method=method,
            json=json,
            headers={**person.headers, **headers},
        )

    return send


def committed(call, body, scope=""):
    tag = call("GET", f"/calendar?weeks=0{scope}").headers["ETag"]
    return call("POST", "/calendar/edits", {**body, "commit": True}, **{"If-Match": tag})


def test_every_week_from_june_to_august(call, place, host):
    body = {"first_week": JUNE, "last_week": AUGUST, "action": "set", "seats": 5,
            "why": "Summer.", "listing_id": str(place.listing_id)}  # fmt: skip
    dry = call("POST", "/calendar/edits", body)
    assert dry.status_code == 200, dry.json
    assert dry.json["committed"] is False
    (pool,) = dry.json["pools"]
    assert pool["runs"] == [
        {"first_week": JUNE, "last_week": AUGUST,
         "before": {"seats": 2, "closed": False}, "after": {"seats": 5, "closed": False}}
    ]  # fmt: skip
    assert weeks_of(call, place, JUNE)[JUNE]["seats"] == 2
    scope = f"&listing_id={place.listing_id}"
    assert call("POST", "/calendar/edits", {**body, "commit": True}).status_code == 428
    done = committed(call, body, scope)
    assert done.json["pools"] == dry.json["pools"]
    assert weeks_of(call, place, JUNE)[AUGUST]["seats"] == 5
    assert weeks_of(call, place, JUNE)["2027-09-06"]["seats"] == 2
    (past,) = call("GET", f"/calendar/edits?listing_id={place.listing_id}").json["items"]
    assert past["edited_by"] == {"account_id": str(host.id), "name": "Cora Diaz"}
    assert (past["kind"], past["why"], past["undone_by"]) == ("seats", "Summer.", None)
    assert past["pools"][0]["runs"] == pool["runs"]
    assert past["asked"]["seats"] == 5


def test_every_second_week_and_named_weeks(call, place):
    body = {"first_week": JUNE, "last_week": "2027-07-05", "every": 2, "action": "add",
            "seats": -1, "pool_id": str(place.pool_id)}  # fmt: skip
    committed(call, body, f"&pool_id={place.pool_id}")
    body = {"weeks": ["2027-06-14", "2027-06-28"], "action": "set", "seats": 9,
            "pool_id": str(place.pool_id)}  # fmt: skip
    committed(call, body, f"&pool_id={place.pool_id}")
    found = weeks_of(call, place, JUNE)
    assert [found[week]["seats"] for week in list(found)[:6]] == [1, 9, 1, 9, 1, 2]


def test_the_later_of_two_editors_is_told_who_came_first(call, place, people):
    rival = people.make("site_owner", site_id=place.site_id, name="Rosa Lima")
    scope = f"pool_id={place.pool_id}"
    tag = call("GET", f"/calendar?{scope}").headers["ETag"]
    body = {"first_week": JUNE, "last_week": JUNE, "action": "close", "commit": True,
            "pool_id": str(place.pool_id)}  # fmt: skip
    assert call("POST", "/calendar/edits", body, rival, **{"If-Match": tag}).status_code == 200
    late = call("POST", "/calendar/edits", body, **{"If-Match": tag})
    assert late.status_code == 412
    assert (late.json["edited_by"], late.json["edited_at"][:10]) == ("Rosa Lima", "2026-11-22")
    assert late.json["current_etag"] == call("GET", f"/calendar?{scope}").headers["ETag"]
    seats = call("PUT", f"/listings/{place.listing_id}/seats",
                 {"first_week": JUNE, "last_week": JUNE, "capacity": 1},
                 **{"If-Match": '"old"'})  # fmt: skip
    assert (seats.status_code, seats.json["edited_by"]) == (412, "Rosa Lima")


def test_the_bookings_that_stand_against_a_change_of_a_listing_are_named(call, stage, place):
    known = stage.confirmed(place, stage.trainee("Asha Rao"))
    held = stage.hold(stage.trainee("Ben Osei"), place)
    path = f"/listings/{place.listing_id}"
    tag = call("GET", path).headers["ETag"]
    refused = call("PATCH", path, {"seats_per_week": 1}, **{"If-Match": tag})
    assert (refused.status_code, refused.json["code"]) == (409, "listing_in_use"), refused.json
    found = {one["booking_id"]: one for one in refused.json["bookings"]}
    assert set(found) == {str(known), str(held)}
    assert found[str(known)]["trainee_name"] == "Asha Rao"
    assert found[str(held)]["trainee_name"] is None
    assert found[str(known)]["weeks"] == refused.json["weeks"]
    assert "Asha Rao" in refused.json["fields"]["seats_per_week"][0]


def test_closing_a_whole_site_names_the_bookings_and_undoing_opens_it(stage, call, place, other):
    stage.confirmed(place, stage.trainee("Asha Rao"))
    body = {"first_week": "2027-03-08", "last_week": "2027-04-05", "action": "close",
            "why": "Renovation."}  # fmt: skip
    dry = call("POST", "/calendar/edits", body)
    assert {one["week"] for one in dry.json["obstacles"]} == {
        "2027-03-08", "2027-03-15", "2027-03-22"}  # fmt: skip
    assert dry.json["bookings"][0]["trainee_name"] == "Asha Rao"
    refused = committed(call, body)
    assert (refused.status_code, refused.json["code"]) == (409, "weeks_in_use")
    assert refused.json["bookings"][0]["trainee_name"] == "Asha Rao"
    body["first_week"] = "2027-03-29"
    done = committed(call, body)
    assert done.status_code == 200, done.json
    closed = ["2027-03-29", "2027-04-05"]
    assert {one["listing_id"]: one["closed"] for one in done.json["listings"]} == {
        str(place.listing_id): closed, str(other.listing_id): closed}  # fmt: skip
    assert blackouts(stage, other) == closed
    versions = call("GET", f"/listings/{place.listing_id}/versions").json["items"]
    assert versions[-1]["difference"] == {"blackout_weeks": ["", ";".join(closed)]}
    route = f"/calendar/edits/{done.json['edit_id']}/undo"
    assert call("POST", route, {}).json["listings"][0]["opened"] == closed
    undone = call("POST", route, {"commit": True, "why": "Called off."})
    assert undone.json["committed"] is True
    assert blackouts(stage, other) == []
    again = call("POST", route, {"commit": True})
    assert (again.status_code, again.json["code"]) == (409, "edit_undone")
    assert again.json["undone_by"] == undone.json["edit_id"]
    newest, first = call("GET", "/calendar/edits").json["items"]
    assert (newest["undoes"], first["undone_by"]) == (first["id"], newest["id"])
    assert newest["listings"][0]["opened"] == closed


def test_what_was_edited_since_is_not_undone(call, place):
    body = {"first_week": JUNE, "last_week": AUGUST, "action": "set", "seats": 5,
            "pool_id": str(place.pool_id)}  # fmt: skip
    scope = f"&pool_id={place.pool_id}"
    first = committed(call, body, scope).json["edit_id"]
    committed(call, {**body, "last_week": JUNE, "seats": 7}, scope)
    refused = call("POST", f"/calendar/edits/{first}/undo", {"commit": True})
    assert (refused.status_code, refused.json["code"]) == (409, "edited_since")
    assert refused.json["weeks"] == [JUNE]
    missing = call("POST", f"/calendar/edits/{place.pool_id}/undo", {})
    assert missing.status_code == 404


def test_one_preceptors_seats_serve_an_elective_and_an_externship(stage, call, place, other):
    made = call("POST", "/pools", {"name": "Dr. Okafor", "preceptor_id": preceptor(stage, place)})
    assert made.status_code == 201, made.json
    pool = made.json["id"]
    body = {"first_week": "2027-03-01", "last_week": "2027-04-26", "action": "set", "seats": 2,
            "pool_id": pool}  # fmt: skip
    committed(call, body, f"&pool_id={pool}")
    booked = stage.confirmed(place)
    ids = [str(place.listing_id), str(other.listing_id)]
    shared = call("POST", f"/pools/{pool}/listings", {"listing_ids": ids, "alone": True})
    assert shared.status_code == 200, shared.json
    assert [one["listing_id"] for one in shared.json["listings"]] == ids
    march = next(one for one in shared.json["weeks"] if one["week"] == "2027-03-01")
    assert march == {"week": "2027-03-01", "seats": 2, "closed": False, "taken": 1, "free": 1}
    stage.confirmed(other)
    full = call("GET", f"/pools/{pool}?first_week=2027-03-01&weeks=1").json["weeks"]
    assert [one["free"] for one in full] == [0]
    body = {"weeks": ["2027-03-08"], "action": "set", "seats": 1, "pool_id": pool}
    refused = committed(call, body, f"&pool_id={pool}")
    assert (refused.status_code, refused.json["code"]) == (409, "capacity_below_taken")
    assert len(refused.json["bookings"]) == 2
    assert str(booked) in {one["booking_id"] for one in refused.json["bookings"]}
    last = call("DELETE", f"/pools/{pool}/listings/{place.listing_id}")
    assert (last.status_code, last.json["code"]) == (409, "last_pool")
    back = call("POST", f"/pools/{place.pool_id}/listings", {"listing_ids": ids[:1], "alone": True})
    assert back.status_code == 200
    assert stage.taken(place)[FIRST_DAY] == 1
    assert stage.findings() == []


def test_a_pool_too_small_for_what_is_booked_is_refused(stage, call, place, other):
    stage.confirmed(place, stage.trainee("Asha Rao"))
    pool = call("POST", "/pools", {"name": "Ward 4"}).json["id"]
    refused = call("POST", f"/pools/{pool}/listings", {"listing_ids": [str(place.listing_id)]})
    assert (refused.status_code, refused.json["code"]) == (409, "capacity_below_taken")
    assert "Asha Rao" in refused.json["detail"]
    assert stage.findings() == []


def test_seats_of_weeks_that_are_over_move_along(stage, call, place, other):
    stage.confirmed(place, first_day=date(2027, 1, 4), weeks=2)
    stage.clock.advance(timedelta(days=90))
    ids = [str(place.listing_id)]
    moved = call("POST", f"/pools/{other.pool_id}/listings", {"listing_ids": ids, "alone": True})
    assert moved.status_code == 200, moved.json
    assert stage.taken(other) == {date(2027, 1, 4): 1, date(2027, 1, 11): 1}
    assert stage.findings() == []


def test_pools_of_others_do_not_exist_here(stage, client, call, place, people):
    foreign = stage.place()
    ids = [str(foreign.listing_id)]
    for method, path, body in (
        ("GET", f"/pools/{foreign.pool_id}", None),
        ("PATCH", f"/pools/{foreign.pool_id}", {"name": "Mine"}),
        ("POST", f"/pools/{foreign.pool_id}/listings", {"listing_ids": [str(place.listing_id)]}),
        ("POST", f"/pools/{place.pool_id}/listings", {"listing_ids": ids}),
        ("GET", f"/calendar?pool_id={foreign.pool_id}", None),
        ("GET", f"/calendar?listing_id={foreign.listing_id}", None),
    ):
        assert call(method, path, body).status_code == 404, path
    assert call("GET", "/pools", person=people.trainee()).status_code == 404
    preceptor_only = people.make("preceptor", site_id=place.site_id)
    assert call("GET", "/pools", person=preceptor_only).status_code == 200
    assert call("POST", "/pools", {"name": "Mine"}, preceptor_only).status_code == 403
    nowhere = f"{API}/sites/{place.pool_id}/pools"
    operator = people.make("operator")
    assert client.post(nowhere, json={"name": "X"}, headers=operator.headers).status_code == 404
    strange = call("POST", "/pools", {"name": "X", "preceptor_id": preceptor(stage, foreign)})
    assert strange.json["fields"] == {"preceptor_id": ["The site has no such preceptor."]}


def test_a_pool_is_renamed_by_one_at_a_time(call, place):
    tag = call("GET", f"/pools/{place.pool_id}").headers["ETag"]
    named = call("PATCH", f"/pools/{place.pool_id}", {"name": "Ward 4"}, **{"If-Match": tag})
    assert named.json["name"] == "Ward 4"
    late = call("PATCH", f"/pools/{place.pool_id}", {"name": "Ward 5"}, **{"If-Match": tag})
    assert late.status_code == 412


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"first_week": "2027-06-08", "last_week": AUGUST, "action": "close"}, "first_week"),
        ({"first_week": AUGUST, "last_week": JUNE, "action": "close"}, "last_week"),
        ({"first_week": JUNE, "last_week": "2027-08-29", "action": "close"}, "last_week"),
        ({"first_week": JUNE, "action": "close"}, "weeks"),
        ({"weeks": [JUNE], "first_week": JUNE, "action": "close"}, "weeks"),
        ({"weeks": ["2026-11-09"], "action": "close"}, "weeks"),
        ({"weeks": [JUNE], "action": "set"}, "seats"),
        ({"weeks": [JUNE], "action": "set", "seats": -1}, "seats"),
        ({"weeks": [JUNE], "action": "add", "seats": -9}, "seats"),
        ({"weeks": [JUNE], "action": "open", "seats": 1}, "seats"),
        ({"weeks": [JUNE], "action": "burn"}, "action"),
    ],
)
def test_edits_that_can_not_be(call, place, body, field):
    answer = call("POST", "/calendar/edits", body)
    assert answer.status_code == 422, answer.json
    assert field in answer.json["fields"], answer.json


def test_holidays_are_suggested_and_close_nothing(call, place):
    found = call("GET", "/calendar/holidays?first_week=2027-02-08&weeks=5").json
    assert (found["country"], found["state"]) == ("US", "IL")
    days = {day["name"]: (day["day"], day["kind"]) for one in found["weeks"]
            for day in one["holidays"]}  # fmt: skip
    assert days == {
        "Lincoln's Birthday": ("2027-02-12", "state"),
        "Washington's Birthday": ("2027-02-15", "federal"),
        "Casimir Pulaski Day": ("2027-03-01", "state"),
    }
    assert [one["week"] for one in found["weeks"]] == ["2027-02-08", "2027-02-15", "2027-03-01"]
    assert {one["closed_listings"] for one in found["weeks"]} == {0}


def test_reading_costs_at_most_six_queries(stage, call, place, count_queries):
    for _ in range(3):
        stage.beside(place)
    for number in range(3):
        body = {"weeks": [JUNE], "action": "set", "seats": number, "pool_id": str(place.pool_id)}
        committed(call, body, f"&pool_id={place.pool_id}")
    for path in ("/pools?limit=100", "/calendar", "/calendar/edits", "/calendar/holidays",
                 f"/pools/{place.pool_id}"):  # fmt: skip
        with count_queries() as statements:
            assert call("GET", path).status_code == 200
        assert len(statements) <= 6, (path, statements.texts)


def test_an_edit_costs_the_same_for_any_number_of_listings(stage, call, place, count_queries):
    counts = []
    for week in (JUNE, AUGUST):
        body = {"first_week": week, "last_week": week, "commit": True}
        for action in ({"action": "close"}, {"action": "set", "seats": 3}):
            tag = call("GET", "/calendar").headers["ETag"]
            with count_queries() as statements:
                done = call("POST", "/calendar/edits", {**body, **action}, **{"If-Match": tag})
                assert done.status_code == 200, done.json
            counts.append(len(statements))
        for _ in range(4):
            stage.beside(place)
    assert counts[:2] == counts[2:], counts


def weeks_of(call, place, first):
    found = call("GET", f"/pools/{place.pool_id}?first_week={first}&weeks=20").json["weeks"]
    return {one["week"]: one for one in found}


def blackouts(stage, place):
    with stage.transaction() as session:
        found = session.get_one(Listing, place.listing_id).blackout_weeks
        return [week.isoformat() for week in found]


def preceptor(stage, place):
    with stage.transaction() as session:
        return str(session.get_one(Listing, place.listing_id).preceptor_id)
