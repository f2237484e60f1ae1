"""A school's coordinators invite and remove each other: by their own word, never the last, all noted."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.integration.identity.test_schools import Desk

TOKEN = re.compile(r"/schools/coordinator-invitations/([A-Za-z0-9_-]{40,})")
LINK = "/schools/coordinator-invitations/{}"


@pytest.fixture
def desk(client, people, clock):
    return Desk(client, people, clock)


@pytest.fixture
def token_of(mail, run_jobs):
    def find(address):
        run_jobs()
        return [one for sent in mail.to(address) for one in TOKEN.findall(sent.text)][-1]

    return find


def noted(session):
    rows = session.execute(
        text("SELECT action FROM audit_entry WHERE subject_kind = 'school' ORDER BY id")
    ).scalars()
    return [action.removeprefix("school_coordinator.") for action in rows]


def test_a_colleague_joins_by_a_mailed_link_and_is_removed(
    desk, people, token_of, session, mail, run_jobs, clock
):
    path = f"{desk.path}/coordinators"
    colleague, other = people.make(name="Dev Patel"), people.make(name="Mallory")
    key = desk.call(
        desk.coordinator, "POST", "/me/api-keys", 201, json={"name": "k", "scopes": ["write"]}
    ).json
    by_key = {"headers": {"Authorization": f"Bearer {key['key']}"}}
    sent = {"json": {"email": colleague.email}}
    desk.call(None, "POST", f"{path}/invitations", 403, **sent, **by_key)
    desk.call(other, "POST", f"{path}/invitations", 404, **sent)
    desk.call(desk.operator, "POST", f"{path}/invitations", 404, **sent)
    desk.call(desk.coordinator, "POST", f"{path}/invitations", 201, **sent)
    first = token_of(colleague.email)
    clock.advance(timedelta(minutes=1))
    made = desk.call(desk.coordinator, "POST", f"{path}/invitations", 201, **sent).json
    token = token_of(colleague.email)
    desk.call(None, "GET", LINK.format(first), 404)
    for _ in range(3):
        seen = desk.call(None, "GET", LINK.format(token)).json
        assert (seen["school_name"], seen["email"]) == ("Grant Medical College", colleague.email)
    members = f"{desk.path}/members"
    assert len(desk.call(desk.coordinator, "GET", members).json["items"]) == 1
    accept = LINK.format(token) + "/acceptance"
    assert desk.call(other, "POST", accept, 403).json["code"] == "other_address"
    joined = desk.call(colleague, "POST", accept, 201).json
    assert joined["role"] == "school_coordinator"
    desk.call(colleague, "POST", accept, 404)
    desk.call(None, "GET", LINK.format(token), 404)
    desk.call(desk.coordinator, "POST", f"{path}/invitations", 409, **sent)
    run_jobs()
    for one in (colleague, desk.coordinator):
        words = "you act for it now" if one is colleague else "Dev Patel acts for it now"
        assert any(words in sent.subject for sent in mail.to(one.email))

    items = desk.call(colleague, "GET", members).json["items"]
    ids = {one["account_id"]: one["membership_id"] for one in items}
    mine = ids[str(desk.coordinator.id)]
    desk.call(other, "DELETE", f"{path}/{mine}", 404)
    desk.call(desk.coordinator, "POST", f"{path}/invitations", 201, json={"email": other.email})
    unused = token_of(other.email)
    desk.call(colleague, "DELETE", f"{path}/{mine}", 204)
    desk.call(desk.coordinator, "GET", desk.path, 404)
    # What somebody invited who is gone opens nothing.
    desk.call(other, "POST", LINK.format(unused) + "/acceptance", 404)
    own = ids[str(colleague.id)]
    assert desk.call(colleague, "DELETE", f"{path}/{own}", 409).json["code"] == "last_coordinator"
    operators = f"/operator/memberships/{own}?reason=Has+left."
    assert desk.call(desk.operator, "DELETE", operators, 409).json["code"] == "last_coordinator"
    run_jobs()
    assert any("you act for it no more" in sent.subject for sent in mail.to(desk.coordinator.email))
    assert noted(session) == ["added", "invited", "invited", "added", "invited", "removed"]
    trail = desk.call(
        desk.operator, "GET", "/operator/audit", query_string={"subject_kind": "school"}
    ).json["items"]
    assert trail[0]["actor_id"] == str(colleague.id)
    assert made["id"] in str(trail)


def test_an_invitation_ends_and_keeps_to_the_schools_rules(desk, people, token_of, session, clock):
    path = f"{desk.path}/coordinators/invitations"
    for ended in ("refusal", "withdrawn", "late"):
        email = f"{ended}@grant.example"
        made = desk.call(desk.coordinator, "POST", path, 201, json={"email": email}).json
        token = token_of(email)
        if ended == "refusal":
            desk.call(None, "POST", LINK.format(token) + "/refusal", 204)
        elif ended == "withdrawn":
            for _ in range(2):
                desk.call(desk.coordinator, "POST", f"{path}/{made['id']}/withdraw", 204)
        else:
            clock.advance(timedelta(days=14))
        desk.call(None, "GET", LINK.format(token), 404)
    states = [one["state"] for one in desk.call(desk.coordinator, "GET", path).json["items"]]
    assert states == ["open", "withdrawn", "refused"]
    assert noted(session)[-3:] == ["invited", "invitation_withdrawn", "invited"]
    version = desk.call(desk.coordinator, "GET", desk.path).headers["ETag"]
    desk.call(
        desk.operator, "PATCH", f"/operator/schools/{desk.school_id}",
        json={"email_domain": "grant.example"}, headers={"If-Match": version},
    )  # fmt: skip
    outside = {"email": "x@elsewhere.example"}
    assert desk.call(desk.coordinator, "POST", path, 422, json=outside).json["code"] == (
        "other_domain"
    )
    new = desk.call(
        desk.operator, "POST", "/operator/schools", json={"name": "New", "country": "IN"}
    ).json["id"]
    added = {"email": desk.coordinator.email}
    desk.call(desk.operator, "POST", f"/operator/schools/{new}/coordinators", 201, json=added)
    refused = desk.call(
        desk.coordinator, "POST", f"/schools/{new}/coordinators/invitations", 409, json=added
    )
    assert refused.json["code"] == "school_not_verified"


def test_one_address_is_not_mailed_without_end(desk):
    path = f"{desk.path}/coordinators/invitations"
    for _ in range(10):
        desk.call(desk.coordinator, "POST", path, 201, json={"email": "dev@example.org"})
    desk.call(desk.coordinator, "POST", path, 429, json={"email": " DEV@example.org"})
    desk.call(desk.coordinator, "POST", path, 201, json={"email": "cora@example.org"})
