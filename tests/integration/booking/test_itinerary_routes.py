"""Itineraries over HTTP: who may do what, what is answered, and what it costs in statements."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.factories.rotations import FIRST_DAY

API = "/api/v1"
WEEK = timedelta(days=7)


@pytest.fixture
def trainee(people):
    return people.trainee(visa_type="b1_b2")


@pytest.fixture
def places(stage):
    first = stage.place()
    return [first, *(stage.beside(first, title=f"Externship {n}") for n in range(1, 6))]


@pytest.fixture
def call(client):
    def send(person, method, path, json=None, **headers):
        return client.open(
            API + path, method=method, json=json, headers={**person.headers, **headers}
        )

    return send


def asked(places, weeks=2):
    return {
        "name": "Spring",
        "arrive_on": (FIRST_DAY - timedelta(days=5)).isoformat(),
        "items": [
            {
                "listing_id": str(place.listing_id),
                "first_day": (FIRST_DAY + WEEK * weeks * number).isoformat(),
                "weeks": weeks,
            }
            for number, place in enumerate(places)
        ],
    }


def test_from_the_draft_to_the_payments_page(stage, call, places, trainee):
    made = call(trainee, "POST", "/itineraries", asked(places[:2]))
    assert made.status_code == 201, made.json
    where = made.headers["Location"].removeprefix(API)
    seen = call(trainee, "GET", where)
    assert seen.status_code == 200, seen.json
    assert seen.json["can_be_held"] is True
    assert seen.json["total"] == {"amount": 224000, "currency": "USD"}
    assert [one["tier"] for one in seen.json["rotations"]] == ["externship"] * 2
    (stay,) = seen.json["stays"]
    assert stay["arrive_on"] == (FIRST_DAY - timedelta(days=5)).isoformat()
    assert stay["limit"]["source"] == "8 CFR 214.2(b)(1)-(2)"
    assert "not legal advice" in seen.json["disclaimer"]
    assert seen.json["experience"]["weeks_missing"] == 8
    held = call(trainee, "POST", f"{where}/hold")
    assert held.status_code == 200, held.json
    assert [one["state"] for one in held.json["bookings"]] == ["held", "held"]
    assert {one["itinerary_id"] for one in held.json["bookings"]} == {made.json["id"]}
    alone = call(trainee, "POST", f"/bookings/{held.json['bookings'][0]['id']}/payments", {})
    assert (alone.status_code, alone.json["code"]) == (409, "paid_together")
    paying = call(trainee, "POST", f"{where}/payments", {})
    assert paying.status_code == 201, paying.json
    payment = call(trainee, "GET", f"/payments/{paying.json['payment_id']}").json
    assert payment["payable"] == {"kind": "itinerary", "id": made.json["id"]}
    assert sum(part["amount"]["amount"] for part in payment["parts"]) == 44800
    assert payment["amount"]["amount"] == 44800
    stage.settle(UUID(paying.json["payment_id"]))
    after = call(trainee, "GET", where).json
    assert after["itinerary"]["state"] == "confirmed"
    assert [one["state"] for one in after["rotations"]] == ["confirmed", "confirmed"]


def test_nobody_else_knows_of_it(stage, call, places, trainee, people):
    made = call(trainee, "POST", "/itineraries", asked(places[:2]))
    where = made.headers["Location"].removeprefix(API)
    for stranger in (people.trainee(), people.make("operator")):
        for method, path, body in (
            ("GET", where, None),
            ("PUT", where, asked(places[:1])),
            ("DELETE", where, None),
            ("POST", f"{where}/hold", None),
            ("POST", f"{where}/submit", {}),
            ("POST", f"{where}/payments", {}),
            ("POST", f"{where}/withdraw", {}),
        ):
            answer = call(stranger, method, path, body, **{"If-Match": made.headers["ETag"]})
            assert answer.status_code == 404, (method, path, answer.json)
    assert call(people.trainee(), "GET", "/itineraries").json["items"] == []


def test_a_draft_is_changed_and_thrown_away(call, places, trainee):
    made = call(trainee, "POST", "/itineraries", asked(places[:2]))
    where = made.headers["Location"].removeprefix(API)
    assert call(trainee, "PUT", where, asked(places[:3])).status_code == 428
    tag = {"If-Match": made.headers["ETag"]}
    changed = call(trainee, "PUT", where, asked(places[:3]), **tag)
    assert changed.status_code == 200, changed.json
    assert call(trainee, "PUT", where, asked(places[:1]), **tag).status_code == 412
    assert len(call(trainee, "GET", where).json["rotations"]) == 3
    assert call(trainee, "DELETE", where).status_code == 204
    assert call(trainee, "POST", f"{where}/hold").json["code"] == "itinerary_not_draft"


def test_a_refusal_names_what_lacks_and_what_is_free(stage, call, places, trainee):
    stage.hold(stage.trainee(), places[1], FIRST_DAY + WEEK * 2, 2)
    made = call(trainee, "POST", "/itineraries", asked(places[:2]))
    where = made.headers["Location"].removeprefix(API)
    refused = call(trainee, "POST", f"{where}/hold")
    assert (refused.status_code, refused.json["code"]) == (409, "itinerary_refused")
    (item,) = refused.json["items"]
    assert item["place"] == 2
    assert item["other_starts"]
    assert stage.taken(places[0]) == {}
    assert call(trainee, "GET", f"{where}").json["rotations"][1]["problems"][0]["code"] == (
        "seat_taken"
    )


@pytest.mark.parametrize(("method", "most"), [("look", 10), ("hold", 14)])
def test_six_rotations_cost_as_many_statements_as_two(
    call, places, people, count_queries, method, most
):
    counted = []
    for number, weeks in ((2, 2), (6, 1)):
        trainee = people.trainee(visa_type="b1_b2")
        made = call(trainee, "POST", "/itineraries", asked(places[:number], weeks))
        where = made.headers["Location"].removeprefix(API)
        with count_queries() as seen:
            if method == "look":
                answer = call(trainee, "GET", where)
            else:
                answer = call(trainee, "POST", f"{where}/hold")
        assert answer.status_code == 200, answer.json
        counted.append(len(seen))
        call(trainee, "POST", f"{where}/withdraw", {})
    assert counted[0] == counted[1] <= most
