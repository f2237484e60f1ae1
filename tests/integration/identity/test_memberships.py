from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.core.db import edge
from marketplace.core.ids import new_id
from marketplace.identity import queries
from marketplace.identity.service import memberships

WHY = "The site asked for it."
ENDED = "?reason=Has+left."


def grant(client, operator, person, **body):
    route = f"/api/v1/operator/accounts/{person.id}/memberships"
    return client.post(route, json={"reason": WHY, **body}, headers=operator.headers)


def test_an_operator_grants_and_revokes_and_the_history_stays(client, people, make_site, clock):
    operator, person, site = people.make("operator"), people.make(), make_site()
    granted = grant(client, operator, person, role="coordinator", site_id=str(site))
    assert granted.status_code == 201
    route = f"/api/v1/sites/{site}/members"
    assert client.get(route, headers=person.headers).json["items"][0]["name"] == person.name

    clock.advance(timedelta(days=1))
    revoke = f"/api/v1/operator/memberships/{granted.json['id']}{ENDED}"
    first = client.delete(revoke, headers=operator.headers)
    assert first.json["revoked_at"] is not None
    clock.advance(timedelta(days=1))
    assert client.delete(revoke, headers=operator.headers).json == first.json
    assert client.get(route, headers=person.headers).status_code == 404

    again = grant(client, operator, person, role="coordinator", site_id=str(site))
    assert again.json["id"] != granted.json["id"]
    listed = client.get(
        f"/api/v1/operator/accounts/{person.id}/memberships", headers=operator.headers
    ).json["items"]
    assert [row["revoked_at"] is None for row in listed] == [False, True]
    live = client.get("/api/v1/me/memberships", headers=person.headers).json["items"]
    assert [row["id"] for row in live] == [again.json["id"]]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"role": "coordinator"}, 422, "membership_misplaced"),
        ({"role": "trainee", "site_id": "SITE"}, 422, "membership_misplaced"),
        ({"role": "school_coordinator"}, 422, "membership_misplaced"),
        ({"role": "king"}, 422, "invalid"),
        ({"role": "coordinator", "site_id": str(uuid4())}, 422, "site_unknown"),
        ({"role": "school_coordinator", "school_id": str(uuid4())}, 422, "school_unknown"),
        ({"role": "analyst"}, 409, "membership_exists"),
    ],
)
def test_what_can_not_be_granted(client, people, make_site, body, status, code):
    operator, person = people.make("operator"), people.make("analyst")
    if body.get("site_id") == "SITE":
        body = {**body, "site_id": str(make_site())}
    answer = grant(client, operator, person, **body)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_granting_to_nobody_is_404(client, people):
    operator = people.make("operator")
    route = f"/api/v1/operator/accounts/{uuid4()}/memberships"
    answer = client.post(route, json={"role": "analyst", "reason": WHY}, headers=operator.headers)
    assert answer.status_code == 404


def test_the_last_operator_stays(client, people, session):
    only = people.make("operator")
    mine = client.get("/api/v1/me/memberships", headers=only.headers).json["items"][0]["id"]
    refused = client.delete(f"/api/v1/operator/memberships/{mine}{ENDED}", headers=only.headers)
    assert (refused.status_code, refused.json["code"]) == (409, "last_operator")
    another = people.make("operator")

    def close(who):
        route = f"/api/v1/operator/accounts/{who.id}"
        return client.patch(route, json={"active": False, "reason": WHY}, headers=only.headers)

    # Nor can they be closed out, nor is who was closed another.
    assert close(another).status_code == 200
    for answer in (
        close(only),
        client.delete(f"/api/v1/operator/memberships/{mine}{ENDED}", headers=only.headers),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "last_operator")
    people.make("operator")
    gone = client.delete(f"/api/v1/operator/memberships/{mine}{ENDED}", headers=only.headers)
    assert gone.status_code == 200
    assert client.get("/api/v1/operator/accounts", headers=only.headers).status_code == 403


def test_the_database_refuses_what_the_service_would(session, people, make_site, clock):
    person, site = people.make(), make_site()
    rows = [
        {"role": "trainee", "site": site},
        {"role": "coordinator", "site": None},
        {"role": "king", "site": None},
    ]
    for row in rows:
        with pytest.raises(IntegrityError, match="ck_membership"), edge(session):
            insert(session, person, clock, **row)
    with pytest.raises(IntegrityError, match="uq_membership"), edge(session):
        insert(session, person, clock, role="trainee", site=None)
        insert(session, person, clock, role="trainee", site=None)


def insert(session, person, clock, role, site):
    session.execute(
        text(
            "INSERT INTO membership (id, account_id, role, site_id, granted_at)"
            " VALUES (:id, :account, :role, :site, :now)"
        ),
        {"id": new_id(), "account": person.id, "role": role, "site": site, "now": clock.now()},
    )


def test_commands_grant_without_minding_what_is_there(session, people, clock):
    person = people.make("analyst")
    with edge(session):
        for _ in range(2):
            memberships.grant_role(session, person.id, "analyst", now=clock.now())
    assert people.roles_of(person) == {"analyst"}


def test_who_is_to_be_written_to(session, people, make_site):
    site = make_site()
    owner = people.make("site_owner", site_id=site)
    both = people.make("coordinator", site_id=site)
    people.grant(both, "preceptor", site_id=site)
    operator = people.make("operator")
    everyone = queries.site_contacts(session, site)
    assert {contact.email for contact in everyone} == {owner.email, both.email}
    assert len(everyone) == 2
    coordinators = queries.site_contacts(session, site, "coordinator")
    assert [contact.email for contact in coordinators] == [both.email]
    assert [c.email for c in queries.role_contacts(session, "operator")] == [operator.email]
    assert queries.sites_of(session, both.id) == [site]
    assert queries.has_role(session, both.id, "preceptor", site_id=site)
    assert not queries.has_role(session, both.id, "site_owner", site_id=site)


def test_schools_are_made_once(client, people):
    operator = people.make("operator")
    body = {"name": "Grant Medical College", "country": "IN"}
    first, again = (
        client.post("/api/v1/operator/schools", json=body, headers=operator.headers)
        for _ in range(2)
    )
    assert first.json == again.json
    person = people.make()
    made = grant(client, operator, person, role="school_coordinator", school_id=first.json["id"])
    assert made.status_code == 201


def test_operators_look_accounts_up(client, people):
    operator = people.make("operator", email="zoe@example.org")
    for number in range(3):
        people.make(email=f"find-me-{number}@example.org", name="100% Asha_Rao")
    route = "/api/v1/operator/accounts"
    first = client.get(f"{route}?text=FIND-me&limit=2", headers=operator.headers).json
    rest = client.get(
        f"{route}?text=FIND-me&cursor={first['next_cursor']}", headers=operator.headers
    ).json
    found = [row["email"] for row in first["items"] + rest["items"]]
    assert found == [f"find-me-{number}@example.org" for number in range(3)]
    by_name = client.get(f"{route}?text=100%25 asha_r", headers=operator.headers).json["items"]
    assert len(by_name) == 3
    # Signs are no words: nothing begins with none.
    assert client.get(f"{route}?text=%25", headers=operator.headers).json["items"] == []
    assert client.get(f"{route}/{uuid4()}", headers=operator.headers).status_code == 404
    one = client.get(f"{route}/{operator.id}", headers=operator.headers)
    assert one.json["email"] == operator.email
    assert "password" not in one.json
