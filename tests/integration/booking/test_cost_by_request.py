"""What a booking by request costs in statements, from the hold to the payment's page.

The bound of twelve is for a booking at once, whose two requests are counted as one sum (`test_cost`).
By request two more are in between, days apart: the application and the host's decision. Each of the
four stays within the bound by itself, and their sum is counted here, so that it does not creep up.
"""

import pytest

from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.test_cost import MOST
from tests.integration.booking.test_routes import API, asked

ALL_FOUR = 25


@pytest.fixture
def send(client, count_queries):
    counted = {}

    def post(person, path, json, name):
        headers = {**person.headers, "Idempotency-Key": f"key-{name}"}
        with count_queries() as seen:
            answer = client.post(f"{API}{path}", json=json, headers=headers)
        assert answer.status_code in {200, 201}, answer.json
        counted[name] = list(seen.texts)
        return answer.json

    return post, counted


def test_each_request_stays_within_the_bound_and_the_sum_is_known(stage, people, send):
    post, counted = send
    place = stage.place(approval="request")
    trainee = people.trainee(visa_type="b1_b2")
    host = people.make("coordinator", site_id=place.site_id)
    booking = post(trainee, "/bookings", asked(place), "hold")
    assert booking["first_day"] == FIRST_DAY.isoformat()
    path = f"/bookings/{booking['id']}"
    post(trainee, f"{path}/submit", {"message": "Please."}, "submit")
    post(host, f"{path}/approve", None, "approve")
    post(trainee, f"{path}/payments", {}, "pay")
    told = {name: len(texts) for name, texts in counted.items()}
    for name, texts in counted.items():
        lines = "\n".join(" ".join(one.split())[:120] for one in texts)
        assert len(texts) <= MOST, f"{name} of {told}:\n{lines}"
    assert sum(told.values()) <= ALL_FOUR, told
