"""One statement tells who calls, what they may do and whether their key was used; each time anew."""

import pytest
from sqlalchemy import text

from marketplace.core.db import edge
from marketplace.identity import queries
from marketplace.identity.rules import Role
from marketplace.identity.service import accounts
from tests.factories.people import People

ME = "/api/v1/me"
CASES = "/api/v1/operator/accounts"
KEYED = {"Idempotency-Key": "one-of-the-clients"}


@pytest.fixture
def api_key(client, people):
    """Headers with an API key of a person."""

    def make(person, *scopes):
        answer = client.post(
            f"{ME}/api-keys",
            json={"name": "tool", "scopes": list(scopes)},
            headers=person.headers,
        )
        return {"Authorization": f"Bearer {answer.json['key']}"}

    return make


@pytest.fixture
def live_people(live):
    made = People(live.app)
    yield made
    made.close()


def test_a_token_costs_one_statement_with_its_roles(client, people, count_queries):
    operator = people.make("operator")
    with count_queries() as seen:
        assert client.get(f"{CASES}?limit=1", headers=operator.headers).status_code == 200
    assert len(seen) == 2, seen.texts
    assert "membership" in seen.texts[0]


def test_an_api_key_costs_one_statement_with_its_roles(client, people, api_key, count_queries):
    headers = api_key(people.make("operator"), "read")
    with count_queries() as seen:
        assert client.get(f"{CASES}?limit=1", headers=headers).status_code == 200
    assert len(seen) == 2, seen.texts


@pytest.mark.parametrize("by", ["token", "api_key"])
def test_an_idempotency_key_is_asked_about_with_the_caller(
    client, people, api_key, count_queries, by
):
    trainee = people.trainee()
    headers = trainee.headers if by == "token" else api_key(trainee, "write")
    with count_queries() as seen:
        answer = client.post("/api/v1/tiers/classify", json={}, headers={**headers, **KEYED})
        assert answer.status_code == 422
    assert [("pg_try_advisory_xact_lock" in one) for one in seen.texts] == [True], seen.texts


def test_who_has_no_account_asks_about_a_key_too(client, count_queries):
    with count_queries() as seen:
        client.post("/api/v1/tiers/classify", json={}, headers=KEYED)
    assert [("pg_try_advisory_xact_lock" in one) for one in seen.texts] == [True], seen.texts


def test_a_key_belongs_to_the_account_whatever_it_is_shown_with(client, people, api_key):
    person = people.make("operator", "trainee")
    body = {"duties": ["shadowing"], "setting": "inpatient"}
    first, again = (
        client.post("/api/v1/tiers/classify", json=body, headers={**headers, **KEYED})
        for headers in (person.headers, api_key(person, "write"))
    )
    assert (first.status_code, again.headers.get("Idempotent-Replayed")) == (200, "true")
    other = people.make("trainee").headers
    fresh = client.post("/api/v1/tiers/classify", json=body, headers={**other, **KEYED})
    assert "Idempotent-Replayed" not in fresh.headers


@pytest.mark.parametrize("by", ["token", "api_key"])
def test_a_role_that_was_revoked_is_gone_in_the_next_request(session, client, people, api_key, by):
    operator = people.make("operator")
    headers = operator.headers if by == "token" else api_key(operator, "read")
    assert client.get(CASES, headers=headers).status_code == 200
    with edge(session):
        session.execute(
            text("UPDATE membership SET revoked_at = now() WHERE account_id = :id"),
            {"id": operator.id},
        )
    assert client.get(CASES, headers=headers).status_code == 403
    people.grant(operator, Role.OPERATOR)
    assert client.get(CASES, headers=headers).status_code == 200


def test_an_account_that_was_closed_is_nobody_in_the_next_request(live, live_people):
    person = live_people.make("trainee")
    client = live.app.test_client()
    assert client.get(ME, headers=person.headers).status_code == 200
    with live.transaction() as session:
        account = queries.account(session, person.id)
        accounts.set_active(
            session, account, active=False, by=person.id, reason="Asked to.", now=live.clock.now()
        )
    assert client.get(ME, headers=person.headers).status_code == 401


def test_roles_at_sites_are_told_apart(client, people, make_site):
    ours, theirs = make_site(), make_site()
    host = people.make("coordinator", site_id=ours)
    assert client.get(f"/api/v1/sites/{ours}/listings", headers=host.headers).status_code == 200
    assert client.get(f"/api/v1/sites/{theirs}/listings", headers=host.headers).status_code == 404
