from datetime import timedelta
from uuid import uuid4

import pytest

JSON = "application/json"


def test_without_a_credential_it_is_401_and_says_how(client):
    answer = client.get("/api/v1/me")
    assert answer.status_code == 401
    assert answer.json["code"] == "unauthenticated"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x.y.z", "Basic YTpi", "Bearer rmk_a_b", "Token x", ""]
)
def test_a_credential_that_is_no_good_is_401_everywhere(client, header):
    assert client.get("/api/v1/me", headers={"Authorization": header}).status_code == 401


def test_a_bad_credential_is_not_ignored_in_favour_of_a_good_cookie(client, people):
    person = people.make()
    client.post("/api/v1/auth/session", json={"email": person.email, "password": person.password})
    assert client.get("/api/v1/me").status_code == 200
    assert client.get("/api/v1/me", headers={"Authorization": "Bearer x"}).status_code == 401


def test_a_token_is_taken_from_the_header_and_nowhere_else(client, people):
    person = people.make()
    assert client.get(f"/api/v1/me?auth_token={person.token}").status_code == 401
    other = client.get("/api/v1/me", headers={"Authentication-Token": person.token})
    assert other.status_code == 401
    body = client.open(
        "/api/v1/me", method="PATCH", json={"auth_token": person.token, "name": "Eve"}
    )
    assert body.status_code == 401


def test_an_expired_token_is_401(app, client, people, monkeypatch):
    person = people.make()
    monkeypatch.setitem(app.config, "SECURITY_TOKEN_MAX_AGE", timedelta(seconds=-1))
    assert client.get("/api/v1/me", headers=person.headers).status_code == 401


def test_who_may_not_is_told_so_and_who_is_not_signed_in_is_not(client, people):
    trainee, operator = people.make("trainee"), people.make("operator")
    route = "/api/v1/operator/accounts"
    assert client.get(route).status_code == 401
    refused = client.get(route, headers=trainee.headers)
    assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
    assert client.get(route, headers=operator.headers).status_code == 200


def test_a_site_is_unknown_to_outsiders_and_closed_to_other_roles(client, people, make_site):
    here, there = make_site("Mercy"), make_site("Grace")
    coordinator = people.make("coordinator", site_id=here)
    preceptor = people.make("preceptor", site_id=here)
    elsewhere = people.make("site_owner", site_id=there)
    operator, trainee = people.make("operator"), people.make("trainee")
    route = f"/api/v1/sites/{here}/members"
    seen = {
        who: client.get(route, headers=person.headers).status_code
        for who, person in {
            "coordinator": coordinator,
            "preceptor": preceptor,
            "elsewhere": elsewhere,
            "trainee": trainee,
            "operator": operator,
        }.items()
    }
    assert seen == {
        "coordinator": 200,
        "preceptor": 403,
        "elsewhere": 404,
        "trainee": 404,
        "operator": 200,
    }
    assert client.get(route).status_code == 401
    unknown = client.get(f"/api/v1/sites/{uuid4()}/members", headers=coordinator.headers)
    known = client.get(route, headers=elsewhere.headers)
    for part in ("status", "code", "title"):
        assert unknown.json[part] == known.json[part]


def test_roles_are_asked_for_before_the_body_is_looked_at(client, people):
    trainee = people.make("trainee")
    answer = client.post("/api/v1/operator/schools", json={"x": 1}, headers=trainee.headers)
    assert answer.status_code == 403


def test_a_closed_account_is_out_at_once(client, people):
    person, operator = people.make(), people.make("operator")
    browser = client.application.test_client()
    browser.post("/api/v1/auth/session", json={"email": person.email, "password": person.password})
    closed = client.patch(
        f"/api/v1/operator/accounts/{person.id}",
        json={"active": False, "reason": "Left."},
        headers=operator.headers,
    )
    assert closed.json["active"] is False
    assert client.get("/api/v1/me", headers=person.headers).status_code == 401
    assert browser.get("/api/v1/me").status_code == 401
    login = {"email": person.email, "password": person.password}
    assert client.post("/api/v1/auth/login", json=login).json["code"] == "bad_credentials"
    client.patch(
        f"/api/v1/operator/accounts/{person.id}",
        json={"active": True, "reason": "Back."},
        headers=operator.headers,
    )
    assert client.get("/api/v1/me", headers=person.headers).status_code == 401
    assert client.post("/api/v1/auth/login", json=login).status_code == 200


def test_answers_to_somebody_are_not_kept_by_caches_for_others(client, people):
    answer = client.get("/api/v1/me", headers=people.make().headers)
    assert answer.cache_control.private
    assert {"authorization", "cookie"} <= {name.lower() for name in answer.vary}


def test_a_request_by_token_costs_one_query_for_the_account(client, people, count_queries):
    person = people.make()
    client.get("/api/v1/me", headers=person.headers)
    with count_queries() as seen:
        client.get("/api/v1/me", headers=person.headers)
    assert len(seen) == 1, seen.texts


def test_idempotency_keys_of_two_accounts_are_two_keys(client, people):
    headers = {"Idempotency-Key": "one"}
    body = {"name": "Export", "scopes": ["read"]}
    for person in (people.make(), people.make()):
        made = client.post("/api/v1/me/api-keys", json=body, headers={**headers, **person.headers})
        assert made.status_code == 201
