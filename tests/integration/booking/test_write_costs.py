"""What a host's writes cost in statements, with bookings in their way and an Idempotency-Key."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.factories.people import People
from tests.factories.rotations import Place, Stage
from tests.integration.api.test_cost import MOST

API = "/api/v1"
WEEKS = {"first_week": "2027-02-22", "last_week": "2027-04-05"}
FREE = {"first_week": "2027-06-07", "last_week": "2027-08-30"}


@pytest.fixture
def place(stage: Stage) -> Place:
    found = stage.place(seats_per_week=3)
    for name in ("Asha Rao", "Ben Osei"):
        stage.confirmed(found, stage.trainee(name))
    return found


@pytest.fixture
def counted(client: Any, place: Place, people: People, count_queries: Any) -> Callable[..., Any]:
    host = people.make("site_owner", site_id=place.site_id)
    keys = iter(range(100))

    def send(status: int, method: str, path: str, json: Any = None, most: int = MOST) -> Any:
        headers = {**host.headers, "If-Match": "*"}
        if method == "POST":
            headers["Idempotency-Key"] = str(next(keys))
        with count_queries() as seen:
            answer = client.open(
                f"{API}/sites/{place.site_id}{path}", method=method, json=json, headers=headers
            )
        assert answer.status_code == status, answer.json
        assert len(seen.texts) <= most, "\n".join(text[:120] for text in seen.texts)
        return answer.json

    return send


@pytest.mark.parametrize("whose", ["pool", "listing", "site"])
def test_an_edit_of_calendars_its_refusal_and_its_undoing(counted: Any, place: Place, whose: str):
    scope = {
        "pool": {"pool_id": str(place.pool_id)},
        "listing": {"listing_id": str(place.listing_id)},
        "site": {},
    }[whose]
    for wish in ({"action": "set", "seats": 9}, {"action": "close"}, {"action": "open"}):
        body = {**FREE, **scope, **wish, "commit": True}
        done = counted(200, "POST", "/calendar/edits", body)
        undo = f"/calendar/edits/{done['edit_id']}/undo"
        counted(200, "POST", undo, {"commit": False})
        counted(200, "POST", undo, {"commit": True})
        counted(409, "POST", undo, {"commit": True})
        counted(200, "POST", "/calendar/edits", body)
    for wish in ({"action": "set", "seats": 1}, {"action": "close"}):
        refused = counted(
            409, "POST", "/calendar/edits", {**WEEKS, **scope, **wish, "commit": True}
        )
        assert len(refused["bookings"]) == 2


def test_an_undoing_that_bookings_stand_against(counted: Any, place: Place, stage: Stage):
    edit = {**WEEKS, "action": "set", "seats": 4, "pool_id": str(place.pool_id), "commit": True}
    done = counted(200, "POST", "/calendar/edits", edit)
    for _ in range(2):
        stage.hold(stage.trainee(), place)
    refused = counted(409, "POST", f"/calendar/edits/{done['edit_id']}/undo", {"commit": True})
    assert len(refused["bookings"]) == 4


def test_sharing_moves_bookings(counted: Any, place: Place, stage: Stage):
    small = counted(201, "POST", "/pools", {"name": "Too small"})["id"]
    large = counted(201, "POST", "/pools", {"name": "The ward"})["id"]
    seats = {**WEEKS, "action": "set", "seats": 5, "pool_id": large, "commit": True}
    counted(200, "POST", "/calendar/edits", seats)
    wish = {"listing_ids": [str(place.listing_id)], "alone": True}
    refused = counted(409, "POST", f"/pools/{small}/listings", wish)
    assert len(refused["bookings"]) == 2
    shared = counted(200, "POST", f"/pools/{large}/listings", wish)
    assert [one["listing_id"] for one in shared["listings"]] == [str(place.listing_id)]
    taken = {one["week"]: one["taken"] for one in shared["weeks"]}
    assert taken == {
        one["week"]: one["taken"] for one in counted(200, "GET", f"/pools/{large}")["weeks"]
    }
    assert sum(taken.values()) == 8
    own = f"/pools/{place.pool_id}/listings"
    counted(200, "POST", own, {"listing_ids": [str(place.listing_id)]})
    left = counted(200, "DELETE", f"{own}/{place.listing_id}")
    assert left["listings"] == []
    assert sum(one["taken"] for one in left["weeks"]) == 0
    counted(409, "DELETE", f"/pools/{large}/listings/{place.listing_id}")
    assert stage.findings() == []


def test_a_listing_that_changes_in_every_way_at_once(counted: Any, place: Place, people: People):
    path = f"/listings/{place.listing_id}"
    person = counted(201, "POST", "/preceptors", {"name": "Dr. Maya Chen", "npi": "1234567893"})
    change = {
        "title": "Hands-on Externship",
        "duties": ["shadowing"],
        "seats_per_week": 2,
        "last_start": "2027-11-22",
        "blackout_weeks": ["2027-07-05"],
        "preceptor_id": person["id"],
        "price_per_week": {"amount": 51000, "currency": "USD"},
    }
    done = counted(200, "PATCH", path, change)
    assert (done["version"], done["listing_state"]) == (2, "in_review")
    assert done["preceptor"]["name"] == "Dr. Maya Chen"
    assert done["price_per_week"] == change["price_per_week"]
    assert done == counted(200, "GET", path)
    calendar = {one["week"]: one for one in counted(200, "GET", f"{path}/seats")["weeks"]}
    assert calendar["2027-06-07"]["capacity"] == 2
    # Whoever waits for seats is looked for where there are more.
    counted(200, "PATCH", path, {"seats_per_week": 5})
    counted(200, "PATCH", path, {"seats_per_week": 6, "title": "Externship"}, most=MOST + 1)
    for refusal in ({"seats_per_week": 1}, {"first_start": "2027-06-07"}):
        refused = counted(409, "PATCH", path, refusal)
        assert len(refused["bookings"]) == 2
    back = {"title": "Elective", "duties": ["history_taking"], "last_start": "2027-12-20"}
    assert counted(200, "PATCH", path, back)["version"] == 5


def test_a_new_listing(counted: Any, place: Place):
    old = counted(200, "GET", f"/listings/{place.listing_id}")
    names = (
        *("specialty", "setting", "duties", "audience", "weeks_min", "weeks_max", "price_per_week"),
        *("first_start", "last_start", "visa_types", "step1_required", "letter_policy", "approval"),
    )
    body = {name: old[name] for name in names} | {
        "external_id": "T-new",
        "title": "Ward rounds",
        "preceptor_id": old["preceptor"]["id"],
        "cancellation_policy": old["cancellation_policy"]["key"],
        "seats_per_week": 2,
    }
    made = counted(201, "POST", "/listings", body)
    assert made == counted(200, "GET", f"/listings/{made['id']}")
    weeks = counted(200, "GET", f"/listings/{made['id']}/seats")["weeks"]
    assert {one["capacity"] for one in weeks} == {2}
    counted(409, "POST", "/listings", body)
