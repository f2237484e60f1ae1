from datetime import timedelta

import pytest

from marketplace.identity.models import ApiKey

ROUTE = "/api/v1/me/api-keys"


@pytest.fixture
def make_key(client):
    def make(person, *scopes, **more):
        body = {"name": "Roster export", "scopes": list(scopes), **more}
        answer = client.post(ROUTE, json=body, headers=person.headers)
        assert answer.status_code == 201, answer.json
        return answer

    return make


def by(key):
    return {"Authorization": f"Bearer {key}"}


def test_a_key_does_what_its_scopes_allow(client, people, make_key):
    operator = people.make("operator")
    reading = by(make_key(operator, "read").json["key"])
    assert client.get("/api/v1/operator/accounts", headers=reading).status_code == 200
    school = {"name": "Grant Medical College", "country": "IN"}
    refused = client.post("/api/v1/operator/schools", json=school, headers=reading)
    assert (refused.status_code, refused.json["code"]) == (403, "scope_missing")
    writing = by(make_key(operator, "write").json["key"])
    made = client.post("/api/v1/operator/schools", json=school, headers=writing)
    assert made.status_code == 200
    assert client.get("/api/v1/operator/accounts", headers=writing).status_code == 403


def test_a_key_may_no_more_than_its_account(client, people, make_key):
    key = by(make_key(people.make("trainee"), "read", "write").json["key"])
    assert client.get("/api/v1/operator/accounts", headers=key).status_code == 403


def test_a_key_can_not_change_what_it_hangs_from(client, people, make_key):
    person = people.make()
    key = by(make_key(person, "read", "write").json["key"])
    body = {"name": "Another", "scopes": ["read"]}
    for answer in (
        client.post(ROUTE, json=body, headers=key),
        client.post("/api/v1/auth/logout", headers=key),
        client.patch("/api/v1/me", json={"name": "Eve"}, headers=key),
    ):
        assert (answer.status_code, answer.json["code"]) == (403, "api_key_not_enough")


def test_it_is_shown_once_and_kept_as_a_digest(client, people, make_key, session):
    person = people.make()
    made = make_key(person, "read")
    assert made.headers["Cache-Control"] == "no-store"
    listed = client.get(ROUTE, headers=person.headers).json["items"]
    assert [item["prefix"] for item in listed] == [made.json["prefix"]]
    assert "key" not in listed[0]
    secret = made.json["key"].split("_", 2)[2]
    row = session.query(ApiKey).one()
    assert secret.encode() not in row.digest
    assert len(row.digest) == 32


def test_revoked_expired_and_altered_ones_are_401(client, people, make_key, clock):
    person, other = people.make(), people.make()
    revoked, lasting = make_key(person, "read").json, make_key(person, "read").json
    expiring = make_key(
        person, "read", expires_at=(clock.now() + timedelta(hours=1)).isoformat()
    ).json
    assert client.get("/api/v1/me", headers=by(expiring["key"])).status_code == 200
    clock.advance(timedelta(hours=1))
    assert client.get("/api/v1/me", headers=by(expiring["key"])).status_code == 401
    theirs = client.delete(f"{ROUTE}/{revoked['id']}", headers=other.headers)
    assert theirs.status_code == 404
    for _ in range(2):
        gone = client.delete(f"{ROUTE}/{revoked['id']}", headers=person.headers)
        assert gone.status_code == 204
    assert client.get("/api/v1/me", headers=by(revoked["key"])).status_code == 401
    swapped = "rmk_" + revoked["prefix"] + "_" + lasting["key"].split("_", 2)[2]
    for bad in (lasting["key"][:-1], lasting["key"] + "x", swapped, "rmk_", "rmk_é_é"):
        headers = {"Authorization": f"Bearer {bad}".encode("latin-1").decode("latin-1")}
        assert client.get("/api/v1/me", headers=headers).status_code == 401
    assert client.get("/api/v1/me", headers=by(lasting["key"])).status_code == 200


@pytest.mark.parametrize("scopes", [[], ["all"], "read", ["read"] * 3])
def test_scopes_are_of_the_list(client, people, scopes):
    body = {"name": "Export", "scopes": scopes}
    assert client.post(ROUTE, json=body, headers=people.make().headers).status_code == 422
