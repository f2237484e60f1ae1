"""What a host's writes cost in statements, with bookings in their way and an Idempotency-Key."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from marketplace.catalog.models import Listing
from tests.factories.people import People
from tests.factories.rotations import FIRST_DAY, GRADUATE, ROW, Place, Stage
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

    def send(
        status: int, method: str, path: str, json: Any = None, *, most: int = MOST, **more: Any
    ) -> Any:
        headers = {**host.headers, "If-Match": "*"}
        if method == "POST":
            headers["Idempotency-Key"] = str(next(keys))
        with count_queries() as seen:
            answer = client.open(
                f"{API}/sites/{place.site_id}{path}",
                method=method,
                json=json,
                headers=headers,
                **more,
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
    # One more, for who waits: whatever is free for these listings now is theirs first.
    shared = counted(200, "POST", f"/pools/{large}/listings", wish, most=MOST + 1)
    assert [one["listing_id"] for one in shared["listings"]] == [str(place.listing_id)]
    taken = {one["week"]: one["taken"] for one in shared["weeks"]}
    assert taken == {
        one["week"]: one["taken"] for one in counted(200, "GET", f"/pools/{large}")["weeks"]
    }
    assert sum(taken.values()) == 8
    own = f"/pools/{place.pool_id}/listings"
    counted(200, "POST", own, {"listing_ids": [str(place.listing_id)]}, most=MOST + 1)
    left = counted(200, "DELETE", f"{own}/{place.listing_id}", most=MOST + 1)
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
    counted(200, "PATCH", path, {"seats_per_week": 6, "title": "Externship"})
    for refusal in ({"seats_per_week": 1}, {"first_start": "2027-06-07"}):
        refused = counted(409, "PATCH", path, refusal)
        assert len(refused["bookings"]) == 2
    back = {"title": "Elective", "duties": ["history_taking"], "last_start": "2027-12-20"}
    assert counted(200, "PATCH", path, back)["version"] == 5


def test_more_seats_where_somebody_waits_for_them(
    counted: Any, place: Place, stage: Stage, client: Any, people: People
):
    stage.confirmed(place, stage.trainee())
    listing = f"/listings/{place.listing_id}"
    wishes = (
        ("PATCH", listing, {"seats_per_week": 4, "title": "Hands-on Externship"}),
        ("PUT", f"{listing}/seats", {**WEEKS, "capacity": 5}),
        ("POST", "/calendar/edits", {**WEEKS, "action": "set", "seats": 6, "commit": True}),
    )
    for seats, (method, path, body) in enumerate(wishes, start=4):
        waits = people.trainee(**GRADUATE)
        wish = {"listing_id": str(place.listing_id), "first_day": "2027-03-01", "weeks": 4}
        joined = client.post(f"{API}/waiting-list", json=wish, headers=waits.headers)
        assert joined.status_code == 201, joined.json
        counted(200, method, path, body)
        assert stage.taken(place)[FIRST_DAY] == seats, "what is more is kept for who waits"
    assert stage.findings() == []


def sheet_of(rows: list[dict[str, str]]) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, ["external_id", *ROW])
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def test_a_sheet_that_does_everything_at_once(
    counted: Any, place: Place, stage: Stage, client: Any, people: People
):
    """New, changed, refused rows; a site that moves, another name; and somebody waits."""
    beside = [stage.beside(place, title=title) for title in ("First", "Second", "Third", "Fourth")]
    stage.confirmed(beside[0], stage.trainee())
    stage.confirmed(beside[1], stage.trainee("Cleo Marsh"))
    waits = people.trainee(**GRADUATE)
    wish = {"listing_id": str(beside[0].listing_id), "first_day": "2027-03-01", "weeks": 4}
    assert client.post(f"{API}/waiting-list", json=wish, headers=waits.headers).status_code == 201
    ids = {}
    with stage.transaction() as session:
        for number, one in enumerate(beside):
            ids[number] = session.get_one(Listing, one.listing_id).external_id
    moved = {**ROW, "address": "2 Other Street", "preceptor": "Dr. Amara N. Okafor"}
    rows = [
        {**moved, "external_id": ids[0], "title": "First", "seats_per_week": "3"},
        {**moved, "external_id": ids[1], "title": "Second", "first_start": "2027-06-07"},
        {**moved, "external_id": ids[2], "title": "Hands-on", "duties": "shadowing"},
        {**moved, "external_id": ids[3], "title": "Fourth", "last_start": "2027-11-01"},
        *({**moved, "external_id": f"new-{number}", "npi": "1234567893", "preceptor": "Dr. Chen"}
          for number in range(30)),
    ]  # fmt: skip
    given = {"data": sheet_of(rows), "content_type": "text/csv"}
    dry = counted(200, "POST", "/listings/import", **given)
    assert dry["counts"] == {
        "created": 30, "changed": 3, "unchanged": 0, "repeated": 0, "refused": 1,
    }  # fmt: skip
    done = counted(200, "POST", "/listings/import?commit=true", **given)
    assert done["counts"] == dry["counts"]
    (refused,) = [row for row in done["entries"] if row["action"] == "refused"]
    assert "Cleo Marsh" in refused["problems"][0]["expected"]
    assert stage.taken(beside[0])[FIRST_DAY] == 2, "one of the new seats is kept for who waits"
    states = counted(200, "GET", "/listings?limit=100")["items"]
    found = {one["external_id"]: one for one in states}
    assert found[ids[2]]["listing_state"] == "in_review"
    assert {one["preceptor"]["name"] for one in states} == {"Dr. Amara N. Okafor", "Dr. Chen"}
    assert found[ids[1]]["site"]["address"] == "2 Other Street"
    again = counted(200, "POST", "/listings/import?commit=true", **given)["counts"]
    assert (again["unchanged"], again["refused"]) == (33, 1)
    assert stage.findings() == []


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
