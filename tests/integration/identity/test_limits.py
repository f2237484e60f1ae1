"""Guessing is slowed down, by caller and by address."""

import pytest

from marketplace.app import create_app
from tests import settings as test_settings


@pytest.fixture(params=["", "redis://127.0.0.1:1/0"], ids=["no Redis", "Redis is dead"])
def guesser(request, database_url, app, people):
    """An application that allows three tries an hour and counts in its own memory."""
    settings = test_settings.make(
        DATABASE_URL=database_url, LOGIN_RATE_LIMIT="3/hour", REDIS_URL=request.param
    )
    strict = create_app(settings)
    yield strict
    with strict.app_context():
        strict.extensions["sqlalchemy"].engine.dispose()


def guess(app, email, address):
    return app.test_client().post(
        "/api/v1/auth/login",
        json={"email": email, "password": "wrong password"},
        environ_overrides={"REMOTE_ADDR": address},
    )


def test_a_caller_is_slowed_down_whatever_addresses_are_tried(guesser):
    answers = [guess(guesser, f"person-{n}@example.net", "203.0.113.1") for n in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert answers[3].json["code"] == "too_many_requests"
    assert "Retry-After" in answers[3].headers
    assert guess(guesser, "somebody@example.net", "203.0.113.2").status_code == 401


def test_an_address_is_protected_from_many_callers(guesser):
    answers = [guess(guesser, "one@example.net", f"203.0.113.{n}") for n in range(10, 14)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    again = guess(guesser, " ONE@example.net", "203.0.113.20")
    assert again.status_code == 429
