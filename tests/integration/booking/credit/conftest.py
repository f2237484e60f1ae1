"""A trainee with a held booking, who pays for it over HTTP."""

from uuid import UUID

import pytest

from tests.integration.booking.test_routes import API, VISA, asked


@pytest.fixture
def call(client):
    def send(person, method, path, json=None):
        return client.open(API + path, method=method, json=json, headers=person.headers)

    return send


@pytest.fixture
def place(stage):
    return stage.place()


@pytest.fixture
def trainee(people):
    return people.trainee(**VISA)


@pytest.fixture
def held(call, place, trainee):
    answer = call(trainee, "POST", "/bookings", asked(place))
    assert answer.status_code == 201, answer.json
    return answer.json["id"]


@pytest.fixture
def pay(call, trainee):
    def ask(booking_id, **body):
        answer = call(trainee, "POST", f"/bookings/{booking_id}/payments", body)
        assert answer.status_code == 201, answer.json
        return {**answer.json, "payment_id": UUID(answer.json["payment_id"])}

    return ask
