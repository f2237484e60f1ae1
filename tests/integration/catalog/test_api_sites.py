"""Sites and preceptors through HTTP: made, changed, verified, and whose business they are."""

from datetime import date

import pytest

from marketplace.catalog.service import seats
from marketplace.core.db import edge
from tests.conftest import NOW

API = "/api/v1"
SITE = {
    "name": "Prairie Clinic",
    "address": "12 Main Street",
    "city": "Springfield",
    "state": "IL",
    "time_zone": "America/Chicago",
    "point": {"latitude": 39.801, "longitude": -89.6436},
}
PERSON = {"name": "Okonkwo, Grace MD", "npi": "1234567893", "specialty": "IM"}
EVIDENCE = {"kind": "state_license", "reference": "IL-0042", "note": "Renewed in May."}


@pytest.fixture
def clinic(client, people):
    """A site of somebody's own, as the API gives it, with its owner and the ETag."""
    owner = people.make(name="Ola Owner")
    answer = client.post(f"{API}/sites", json=SITE, headers=owner.headers)
    assert answer.status_code == 201, answer.json
    return {**answer.json, "owner": owner, "etag": answer.headers["ETag"]}


def patch(client, path, body, person, tag):
    return client.patch(f"{API}{path}", json=body, headers={**person.headers, "If-Match": tag})


def test_whoever_makes_a_site_keeps_it(client, people, clinic):
    assert clinic["verification"] == "unverified"
    assert (clinic["latitude"], clinic["longitude"]) == (39.801, -89.6436)
    mine = client.get(f"{API}/sites", headers=clinic["owner"].headers).json["items"]
    assert [site["name"] for site in mine] == ["Prairie Clinic"]
    stranger = people.make()
    assert client.get(f"{API}/sites", headers=stranger.headers).json["items"] == []
    route = f"{API}/sites/{clinic['id']}"
    assert client.get(route, headers=stranger.headers).status_code == 404
    assert client.get(route).status_code == 401
    twice = client.post(f"{API}/sites", json=SITE, headers=clinic["owner"].headers)
    assert (twice.status_code, twice.json["code"]) == (409, "duplicate_site")
    assert list(twice.json["fields"]) == ["name"]


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"time_zone": "America/Chigaco"}, "time_zone", "America/Chicago"),
        ({"time_zone": "EST"}, "time_zone", "America/New_York"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "America/Chicago"),
        ({"state": "Illinoise"}, "state", "postal code"),
        ({"country": "CA"}, "country", "US"),
        ({"name": "=cmd()"}, "name", "begin"),
        ({"point": {"latitude": 91, "longitude": 0}}, "point.latitude", "90"),
        ({"point": {"latitude": 41}}, "point.longitude", "required"),
        ({"telephone": "1"}, "telephone", "Unknown"),
    ],
)
def test_a_field_that_can_not_be_is_named_with_what_can(client, people, changes, field, says):
    answer = client.post(f"{API}/sites", json={**SITE, **changes}, headers=people.make().headers)
    assert answer.status_code == 422, answer.json
    assert says in " ".join(answer.json["fields"][field])


def test_two_editors_are_told_of_each_other_by_name(client, people, clinic):
    path, tag = f"/sites/{clinic['id']}", clinic["etag"]
    other = people.make("coordinator", site_id=clinic["id"], name="Cora Diaz")
    bare = client.patch(f"{API}{path}", json={"city": "Peoria"}, headers=other.headers)
    assert bare.status_code == 428
    first = patch(client, path, {"city": "Peoria"}, other, tag)
    assert (first.status_code, first.json["city"], first.json["version"]) == (200, "Peoria", 2)
    second = patch(client, path, {"city": "Joliet"}, clinic["owner"], tag)
    assert second.status_code == 412
    assert second.json["changed_by"] == {"id": str(other.id), "name": "Cora Diaz"}
    assert second.json["changed_at"] == NOW.isoformat()
    assert second.json["difference"] == {"city": ["Springfield", "Peoria"]}
    again = patch(client, path, {"city": "Joliet"}, clinic["owner"], second.json["current_etag"])
    assert again.json["city"] == "Joliet"
    history = client.get(f"{API}{path}/changes", headers=other.headers).json["items"]
    assert [change["version"] for change in history] == [2, 3]
    unchanged = patch(client, path, {"city": "Joliet"}, other, again.headers["ETag"])
    assert unchanged.json["version"] == 3


def test_a_listing_shows_its_site_s_change_as_a_version(client, host, market, people):
    listing = market["CHI-IM-01"]
    path = f"/sites/{listing.site_id}"
    tag = client.get(f"{API}{path}", headers=host.headers).headers["ETag"]
    renamed = patch(client, path, {"name": "Lakeview General"}, host, tag)
    assert (renamed.json["verification"], renamed.json["waiting_since"] is None) == (
        "verified",
        False,
    )
    shown = client.get(f"{API}/listings/{listing.id}").json
    assert (shown["site_name"], shown["version"]) == ("Lakeview General", 2)
    found = client.get(f"{API}/listings", query_string={"q": "Lakeview General"}).json
    assert found["total"] == 2
    versions = client.get(f"{API}{path}/listings/{listing.id}/versions", headers=host.headers).json[
        "items"
    ]
    assert versions[-1]["difference"] == {
        "site_name": ["Lakeview Community Hospital", "Lakeview General"]
    }
    assert versions[-1]["account_id"] == str(host.id)


def test_the_time_zone_stays_while_seats_are_taken(client, session, host, market):
    listing = market["CHI-IM-01"]
    with edge(session):
        seats.take(session, listing.id, [date(2027, 1, 4)])
    path = f"/sites/{listing.site_id}"
    tag = client.get(f"{API}{path}", headers=host.headers).headers["ETag"]
    refused = patch(client, path, {"time_zone": "America/New_York"}, host, tag)
    assert (refused.status_code, refused.json["code"]) == (409, "time_zone_in_use")
    assert refused.json["weeks"] == ["2027-01-04"]


def test_evidence_a_queue_and_a_decision(client, people, clinic, run_jobs, mail):
    route = f"{API}/sites/{clinic['id']}/verification"
    owner, operator = clinic["owner"], people.make("operator", name="Alex Kim")
    shown = client.post(route, json=EVIDENCE, headers=owner.headers)
    assert (shown.json["verification"], shown.json["items"][0]["kind"]) == (
        "pending",
        "state_license",
    )
    queue = f"{API}/operator/sites"
    assert client.get(queue, headers=owner.headers).status_code == 403
    (entry,) = client.get(queue, headers=operator.headers).json["items"]
    assert entry["site"]["id"] == clinic["id"]
    assert entry["checks"][0]["reference"] == "IL-0042"
    decide = f"{queue}/{clinic['id']}/verification"
    for body, field in (
        ({"verified": True}, "reference"),
        ({"verified": False}, "note"),
        ({"verified": True, "kind": "gossip", "reference": "x"}, "kind"),
    ):
        bad = client.post(decide, json=body, headers=operator.headers)
        assert (bad.status_code, field in bad.json["fields"]) == (422, True), bad.json
    rejected = client.post(
        decide, json={"verified": False, "note": "No such license."}, headers=operator.headers
    )
    assert rejected.json["verification"] == "rejected"
    body = {"verified": True, "kind": "npi_registry", "reference": "1234567893"}
    assert client.post(decide, json=body, headers=operator.headers).status_code == 200
    late = client.post(decide, json=body, headers=people.make("operator").headers)
    assert (late.status_code, late.json["code"]) == (409, "site_decided")
    assert late.json["decided_by"] == str(operator.id)
    steps = client.get(route, headers=owner.headers).json["items"]
    assert [step["step"] for step in steps] == ["submitted", "rejected", "verified"]
    assert client.get(queue, headers=operator.headers).json["items"] == []
    run_jobs()
    subjects = [message.subject for message in mail.to(owner.email)]
    assert subjects == ["Not verified: Prairie Clinic", "Verified: Prairie Clinic"]
    assert "No such license." in mail.to(owner.email)[0].text


def test_a_queue_of_any_length_costs_the_same(client, people, host, market, count_queries):
    operator = people.make("operator")
    for listing in market.values():
        client.post(
            f"{API}/sites/{listing.site_id}/verification", json=EVIDENCE, headers=host.headers
        )
    with count_queries() as one:
        client.get(f"{API}/operator/sites?limit=1", headers=operator.headers)
    with count_queries() as many:
        found = client.get(f"{API}/operator/sites?limit=100", headers=operator.headers)
    assert len(found.json["items"]) == 10
    assert len(many) == len(one) <= 6


def test_preceptors_have_an_npi_that_checks(client, people, clinic):
    route = f"{API}/sites/{clinic['id']}/preceptors"
    headers = clinic["owner"].headers
    made = client.post(
        route, json={**PERSON, "credentials": ["M.D.", "FACP", "md"]}, headers=headers
    )
    assert made.status_code == 201, made.json
    assert made.json["name"] == "Grace Okonkwo, MD"
    assert made.json["specialty"] == "internal_medicine"
    assert made.json["credentials"] == ["MD", "FACP"]
    for changes, field, says in (
        ({"npi": "1234567890"}, "npi", "check digit"),
        ({"npi": "12"}, "npi", "ten digits"),
        ({"specialty": "Astrology"}, "specialty", "ABMS"),
        ({"credentials": ["MD", "KGB"]}, "credentials.1", "MBBS"),
        ({"name": ""}, "name", "between 1 and 200"),
    ):
        bad = client.post(route, json={**PERSON, **changes}, headers=headers)
        assert bad.status_code == 422, bad.json
        assert says in " ".join(bad.json["fields"][field]), bad.json
    twice = client.post(route, json=PERSON, headers=headers)
    assert (twice.status_code, twice.json["code"]) == (409, "duplicate_preceptor")
    path = f"/sites/{clinic['id']}/preceptors/{made.json['id']}"
    first = patch(client, path, {"credentials": ["MD"]}, clinic["owner"], made.headers["ETag"])
    assert (first.json["credentials"], first.json["version"]) == (["MD"], 2)
    stale = patch(client, path, {"specialty": None}, clinic["owner"], made.headers["ETag"])
    assert (stale.status_code, stale.json["changed_by"]["name"]) == (412, "Ola Owner")
    history = client.get(f"{API}{path}/changes", headers=headers).json["items"]
    assert history[0]["difference"] == {"credentials": [["MD", "FACP"], ["MD"]]}
    assert len(client.get(route, headers=headers).json["items"]) == 1


def test_another_site_s_people_see_nothing_of_it(client, people, clinic, market):
    foreign = people.make("coordinator", site_id=market["CHI-IM-01"].site_id)
    preceptor = people.make("preceptor", site_id=clinic["id"])
    base = f"{API}/sites/{clinic['id']}"
    for method, path, body in (
        ("get", base, None),
        ("patch", base, {"city": "Peoria"}),
        ("get", f"{base}/verification", None),
        ("post", f"{base}/verification", EVIDENCE),
        ("get", f"{base}/preceptors", None),
        ("post", f"{base}/preceptors", PERSON),
        ("get", f"{base}/changes", None),
    ):
        answer = getattr(client, method)(path, json=body, headers=foreign.headers)
        assert answer.status_code == 404, path
    assert client.get(base, headers=preceptor.headers).status_code == 200
    assert client.patch(base, json={"city": "x"}, headers=preceptor.headers).status_code == 403
    elsewhere = f"{API}/sites/{market['CHI-IM-01'].site_id}/preceptors"
    person = client.post(f"{base}/preceptors", json=PERSON, headers=clinic["owner"].headers).json
    assert client.get(f"{elsewhere}/{person['id']}", headers=foreign.headers).status_code == 404


def test_the_list_of_specialties_is_for_everybody(client):
    answer = client.get(f"{API}/specialties")
    by_code = {row["code"]: row for row in answer.json["items"]}
    assert "cardiology" in by_code["cardiovascular_disease"]["spellings"]
    assert by_code["cardiovascular_disease"]["parents"] == ["internal_medicine"]
    names = [row["name"] for row in answer.json["items"]]
    assert names == sorted(names)
    again = client.get(f"{API}/specialties", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
