import re

import pytest
from flask_security.proxies import _security

from marketplace.core.db import edge
from marketplace.identity.models import Account

ROUTE = "/api/v1/auth/second-factor"


@pytest.fixture
def code_of(app, session):
    def read(person):
        account = session.get(Account, person.id, populate_existing=True)
        with app.app_context():
            return _security.totp_factory.generate_totp_password(account.tf_totp_secret)

    return read


@pytest.fixture
def forget_step(session):
    """Let the present code be used again, as if half a minute had passed."""

    def forget(person):
        with edge(session):
            session.get(Account, person.id, populate_existing=True).tf_last_counter = None

    return forget


def login(client, person, **code):
    body = {"email": person.email, "password": person.password, **code}
    return client.post("/api/v1/auth/login", json=body)


def turn_on(client, person, code_of):
    prepared = client.post(ROUTE, headers=person.headers)
    assert prepared.json["uri"].startswith("otpauth://totp/")
    assert login(client, person).status_code == 200
    answer = client.put(ROUTE, json={"code": code_of(person)}, headers=person.headers)
    assert answer.status_code == 200, answer.json
    return answer.json["recovery_codes"]


def test_signing_in_asks_for_a_code_which_is_good_once(client, people, code_of, forget_step):
    person = people.make()
    turn_on(client, person, code_of)
    assert client.get("/api/v1/me", headers=person.headers).json["second_factor"] is True
    bare = login(client, person)
    assert (bare.status_code, bare.json["code"]) == (401, "second_factor_needed")
    code = code_of(person)
    forget_step(person)
    assert login(client, person, code=code).status_code == 200
    again = login(client, person, code=code)
    assert (again.status_code, again.json["code"]) == (401, "bad_credentials")


def test_who_does_not_know_the_password_is_not_asked(client, people, code_of):
    person = people.make()
    turn_on(client, person, code_of)
    body = {"email": person.email, "password": "wrong password"}
    assert client.post("/api/v1/auth/login", json=body).json["code"] == "bad_credentials"


def test_a_recovery_code_is_good_once(client, people, code_of, session):
    person = people.make()
    codes = turn_on(client, person, code_of)
    assert len(set(codes)) == 8
    assert login(client, person, code=codes[0]).status_code == 200
    assert login(client, person, code=codes[0]).status_code == 401
    assert login(client, person, code=codes[1]).status_code == 200
    account = session.get(Account, person.id, populate_existing=True)
    assert len(account.mf_recovery_codes) == 6
    assert not re.search(codes[2], str(account.mf_recovery_codes))


def test_it_is_turned_off_by_a_code(client, people, code_of, forget_step):
    person = people.make()
    turn_on(client, person, code_of)
    wrong = client.delete(ROUTE, json={"code": "000000"}, headers=person.headers)
    assert wrong.json["code"] == "second_factor_wrong"
    assert client.post(ROUTE, headers=person.headers).json["code"] == "second_factor_on"
    forget_step(person)
    body = {"code": code_of(person)}
    assert client.delete(ROUTE, json=body, headers=person.headers).status_code == 204
    assert login(client, person).status_code == 200


def test_a_wrong_code_turns_nothing_on(client, people):
    person = people.make()
    for _ in range(2):
        answer = client.put(ROUTE, json={"code": "123456"}, headers=person.headers)
        assert answer.json["code"] == "second_factor_wrong"
        client.post(ROUTE, headers=person.headers)
    assert login(client, person).status_code == 200
