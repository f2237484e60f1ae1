"""The catalogue through HTTP: what hosts and operators may do."""

from datetime import date
from uuid import uuid4

import pytest

from marketplace.catalog.service import seats
from marketplace.core.db import edge
from tests.integration.catalog.conftest import SHEET, priced_in_euro

API = "/api/v1"


def test_a_host_imports_for_their_site(client, people, host, market):
    site = market["CHI-IM-01"].site_id
    route = f"{API}/sites/{site}/listings/import"
    lines = SHEET.decode().splitlines(keepends=True)
    sheet = "".join(lines[:3]).replace("425.00", "435.00").encode()
    body = {"data": sheet, "content_type": "text/csv", "headers": host.headers}
    dry = client.post(route, **body)
    assert dry.json["committed"] is False
    assert dry.json["counts"]["changed"] == dry.json["counts"]["unchanged"] == 1
    assert dry.json["entries"][0]["difference"] == {"price_per_week": ["425.00", "435.00"]}
    done = client.post(f"{route}?commit=true", **body)
    assert done.json["committed"] is True
    assert client.post(f"{route}?commit=true", **body).json["counts"]["unchanged"] == 2
    assert client.get(f"{API}/listings/{market['CHI-IM-01'].id}").json["version"] == 2
    stranger = client.post(
        route, data=sheet, content_type="text/csv", headers=people.trainee().headers
    )
    assert stranger.status_code == 404


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "text/csv", 422, "sheet_refused"),
        (b"PK\x03\x04", "text/csv", 422, "sheet_refused"),
        (b"a,b\n1,2\n", "text/csv", 422, "sheet_refused"),
        (SHEET, "application/json", 415, "unsupported_media_type"),
    ],
)
def test_files_that_can_not_be_read(client, host, market, content, kind, status, code):
    route = f"{API}/sites/{market['CHI-IM-01'].site_id}/listings/import"
    answer = client.post(route, data=content, content_type=kind, headers=host.headers)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_host_lists_pauses_publishes_and_retires(client, host, market):
    listing = market["CHI-IM-01"]
    base = f"{API}/sites/{listing.site_id}/listings"
    assert len(client.get(base, headers=host.headers).json["items"]) == 2
    paused = client.post(
        f"{base}/{listing.id}/pause", json={"why": "Renovation."}, headers=host.headers
    )
    assert paused.json["listing_state"] == "paused"
    assert client.get(f"{API}/listings/{listing.id}").json["listing_state"] == "paused"
    again = client.post(f"{base}/{listing.id}/publish", headers=host.headers)
    assert again.json["listing_state"] == "published"
    client.post(f"{base}/{listing.id}/retire", json={"why": "Closed."}, headers=host.headers)
    refused = client.post(f"{base}/{listing.id}/publish", headers=host.headers)
    assert (refused.status_code, refused.json["code"]) == (409, "illegal_transition")
    versions = client.get(f"{base}/{listing.id}/versions", headers=host.headers)
    assert [row["version"] for row in versions.json["items"]] == [1]


def test_a_listing_of_another_site_does_not_exist_here(client, host, market):
    other = market["NYC-NEU-01"]
    base = f"{API}/sites/{market['CHI-IM-01'].site_id}/listings/{other.id}"
    assert client.post(f"{base}/publish", headers=host.headers).status_code == 404
    assert client.get(f"{base}/seats", headers=host.headers).status_code == 404


def test_two_coordinators_are_told_of_each_other(client, session, host, market):
    listing = market["CHI-IM-01"]
    route = f"{API}/sites/{listing.site_id}/listings/{listing.id}/seats"
    tag = client.get(route, headers=host.headers).headers["ETag"]
    body = {"first_week": "2027-06-07", "last_week": "2027-08-30", "capacity": 2}
    assert client.put(route, json=body, headers=host.headers).status_code == 428
    first = client.put(route, json=body, headers={**host.headers, "If-Match": tag})
    assert first.status_code == 200
    june = next(week for week in first.json["weeks"] if week["week"] == "2027-06-07")
    assert june["capacity"] == 2
    second = client.put(route, json=body, headers={**host.headers, "If-Match": tag})
    assert second.status_code == 412
    with edge(session):
        for _ in range(2):
            seats.take(session, listing.id, [date(2027, 6, 14)])
    refused = client.put(
        route,
        json={**body, "capacity": 1},
        headers={**host.headers, "If-Match": first.headers["ETag"]},
    )
    assert (refused.status_code, refused.json["code"]) == (409, "capacity_below_taken")
    (week,) = refused.json["weeks"]
    assert (week["week"], week["taken"]) == ("2027-06-14", 2)


@pytest.mark.parametrize(
    "body",
    [
        {"first_week": "2027-06-08", "last_week": "2027-08-30", "capacity": 2},
        {"first_week": "2027-08-30", "last_week": "2027-06-07", "capacity": 2},
        {"first_week": "2027-06-07", "last_week": "9999-12-27", "capacity": 2},
        {"first_week": "2027-06-07", "last_week": "2027-08-30", "capacity": -1},
        {"first_week": "2027-06-07", "last_week": "2027-08-30", "capacity": 10**6},
    ],
)
def test_seats_that_can_not_be(client, host, market, body):
    listing = market["CHI-IM-01"]
    route = f"{API}/sites/{listing.site_id}/listings/{listing.id}/seats"
    tag = client.get(route, headers=host.headers).headers["ETag"]
    answer = client.put(route, json=body, headers={**host.headers, "If-Match": tag})
    assert answer.status_code == 422, answer.json
    assert answer.json["fields"]


def test_operators_work_off_the_queue(client, session, people, host, market):
    operator, other = people.make("operator"), people.make("operator")
    queue = f"{API}/operator/listings/reviews"
    assert client.get(queue, headers=host.headers).status_code == 403
    items = client.get(queue, headers=operator.headers).json["items"]
    assert [item["listing"]["external_id"] for item in items] == ["ATL-ID-01", "HOU-FM-01"]
    route = f"{queue}/{items[1]['id']}/decision"
    approved = client.post(route, json={"approve": True}, headers=operator.headers)
    assert approved.json["listing_state"] == "published"
    late = client.post(route, json={"approve": False, "reason": "No."}, headers=other.headers)
    assert (late.status_code, late.json["code"]) == (409, "review_decided")
    assert late.json["decided_by"] == str(operator.id)
    assert client.get(f"{API}/listings/{items[1]['listing_id']}").status_code == 200
    priced_in_euro(session, "ATL-ID-01")
    other_one = f"{queue}/{items[0]['id']}/decision"
    silent = client.post(other_one, json={"approve": False}, headers=operator.headers)
    assert silent.json["fields"]["reason"]
    held_up = client.post(other_one, json={"approve": True}, headers=operator.headers).json
    assert held_up["listing_state"] == "in_review"
    assert [reason["code"] for reason in held_up["waits_for"]] == ["fee_currency"]
    assert "USD" in held_up["waits_for"][0]["text"]
    missing = client.post(
        f"{queue}/{uuid4()}/decision", json={"approve": True}, headers=operator.headers
    )
    assert missing.status_code == 404


def test_the_document_describes_the_routes(client):
    paths = client.get(f"{API}/openapi.json").json["paths"]
    for path in ("/listings", "/tiers/classify", "/sites/{site_id}/listings/import"):
        assert f"{API}{path}" in paths
