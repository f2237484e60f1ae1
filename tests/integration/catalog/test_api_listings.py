"""Listings through HTTP: written one by one, changed by several people, and their life."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from marketplace.catalog.models import Listing
from marketplace.catalog.service import seats
from marketplace.catalog.service.importing import import_listings
from marketplace.core.db import edge
from tests.conftest import NOW
from tests.factories.people import People
from tests.integration.catalog.conftest import SHEET

API = "/api/v1"
NEW = {
    "external_id": "CHI-IM-09",
    "title": "Outpatient Elective",
    "specialty": "IM",
    "setting": "outpatient",
    "duties": ["history_taking", "physical_examination", "clinical_notes"],
    "audience": "students",
    "weeks_min": 4,
    "weeks_max": 8,
    "price_per_week": {"amount": 45000, "currency": "USD"},
    "seats_per_week": 2,
    "first_start": "2027-01-04",
    "last_start": "2027-06-28",
    "blackout_weeks": ["2027-05-31"],
    "visa_types": ["J-1", "B1/B2"],
    "step1_required": True,
    "step2_min": None,
    "english": {"native": True, "oet": 350, "ielts": 6.5},
    "documents": ["tb_test", "passport"],
    "deposit": {"kind": "share", "basis_points": 2500},
    "letter_policy": "on_merit",
    "cancellation_policy": "tiered_days",
    "approval": "request",
    "lead_days": 30,
    "residency_affiliation": "Lakeview Internal Medicine",
    "claimed_tier": "elective",
    "notes": "Bring a white coat.",
}


@pytest.fixture
def base(market):
    return f"{API}/sites/{market['CHI-IM-01'].site_id}/listings"


@pytest.fixture
def new(market):
    return {**NEW, "preceptor_id": str(market["CHI-IM-01"].preceptor_id)}


def patch(client, path, body, person, tag):
    return client.patch(path, json=body, headers={**person.headers, "If-Match": tag})


def etag(client, path, person):
    return client.get(path, headers=person.headers).headers["ETag"]


def test_a_listing_is_written_changed_and_published(client, host, base, new):
    made = client.post(base, json=new, headers=host.headers)
    assert made.status_code == 201, made.json
    assert (made.json["listing_state"], made.json["version"]) == ("draft", 1)
    assert made.json["specialty"] == "internal_medicine"
    assert made.json["visa_types"] == ["B1/B2", "J-1"]
    # What the host wrote comes back under the same names.
    told = {name: made.json[name] for name in new.keys() & made.json.keys()}
    assert new.keys() - made.json.keys() == {"preceptor_id"}
    assert told["seats_per_week"] == 2
    assert made.json["english"] == {
        "asked": True,
        "native": True,
        "toefl_ibt": None,
        "ielts": 6.5,
        "oet": 350,
    }
    assert made.json["deposit"] == {"kind": "share", "basis_points": 2500, "amount": None}
    assert made.json["tiers"] == {"student": "elective", "graduate": None}
    path = f"{base}/{made.json['id']}"
    changed = patch(
        client,
        path,
        {"price_per_week": {"amount": 50000, "currency": "USD"}, "claimed_tier": None},
        host,
        made.headers["ETag"],
    )
    assert changed.status_code == 200, changed.json
    assert (changed.json["version"], changed.json["price_per_week"]["amount"]) == (2, 50000)
    assert client.post(f"{path}/publish", headers=host.headers).json["listing_state"] == "published"
    versions = client.get(f"{path}/versions", headers=host.headers).json["items"]
    assert [(row["source"], row["account_id"]) for row in versions] == [("edit", str(host.id))] * 2
    assert versions[1]["difference"] == {
        "price_per_week": ["450.00", "500.00"],
        "claimed_tier": ["elective", ""],
    }
    weeks = client.get(f"{API}/listings/{made.json['id']}/availability?from=2027-01-04").json
    assert weeks["weeks"][0]["free"] == 2
    same = patch(client, path, {"lead_days": 30}, host, changed.headers["ETag"])
    assert same.json["version"] == 2


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"specialty": "Astrology"}, "specialty", "ABMS"),
        ({"duties": ["history_taking", "surgery"]}, "duties.1", "shadowing"),
        ({"duties": []}, "duties", "at least one duty"),
        ({"weeks_min": 9}, "weeks_min", "at most weeks_max, which is 8"),
        ({"weeks_max": 53}, "weeks_max", "52"),
        ({"first_start": "2027-01-05"}, "first_start", "Monday"),
        ({"last_start": "2026-12-28"}, "last_start", "from first_start"),
        ({"blackout_weeks": ["2027-06-01"]}, "blackout_weeks", "Monday"),
        ({"price_per_week": {"amount": 0, "currency": "USD"}}, "price_per_week", "above 0"),
        ({"price_per_week": {"amount": 1, "currency": "XXX"}}, "price_per_week.currency", "USD"),
        ({"seats_per_week": 501}, "seats_per_week", "500"),
        ({"visa_types": ["any", "J-1"]}, "visa_types", "any by itself"),
        ({"step2_min": 301}, "step2_min", "300"),
        ({"english": {"ielts": 6.3}}, "english.ielts", "multiple of 0.5"),
        ({"english": {"toefl_ibt": 500}}, "english.toefl_ibt", "120"),
        ({"documents": ["horoscope"]}, "documents.0", "passport"),
        ({"deposit": {"kind": "share"}}, "deposit.basis_points", "Needed"),
        ({"deposit": {"kind": "whole", "basis_points": 5}}, "deposit.basis_points", "Only"),
        (
            {"deposit": {"kind": "amount", "amount": {"amount": 100, "currency": "EUR"}}},
            "deposit",
            "USD",
        ),
        ({"cancellation_policy": "none"}, "cancellation_policy", "tiered_days"),
        ({"letter_policy": "always"}, "letter_policy", "on_merit"),
        ({"title": "=1+1"}, "title", "begin"),
        ({"preceptor_id": str(uuid4())}, "preceptor_id", "of this site"),
        ({"lead_days": 366}, "lead_days", "365"),
        ({"claimed_tier": "gold"}, "claimed_tier", "externship"),
        ({"step1_required": "yes"}, "step1_required", "true or false"),
        ({"colour": "red"}, "colour", "Unknown"),
    ],
)
def test_each_field_that_can_not_be_is_named_with_what_can(
    client, host, base, new, changes, field, says
):
    answer = client.post(base, json={**new, **changes}, headers=host.headers)
    assert answer.status_code == 422, answer.json
    assert says in " ".join(answer.json["fields"][field]), answer.json


def test_all_that_is_wrong_is_told_at_once(client, host, base, new):
    bad = {**new, "weeks_min": 9, "first_start": "2027-01-05", "title": "=1"}
    answer = client.post(base, json=bad, headers=host.headers)
    assert set(answer.json["fields"]) == {"weeks_min", "first_start", "title"}
    empty = client.post(base, json={}, headers=host.headers)
    assert {"title", "preceptor_id", "price_per_week"} <= set(empty.json["fields"])
    assert "notes" not in empty.json["fields"]


def test_a_fee_in_another_currency_is_refused(client, host, base, new, market):
    euros = {"price_per_week": {"amount": 45000, "currency": "EUR"}}
    refused = client.post(base, json={**new, **euros}, headers=host.headers)
    (said,) = refused.json["fields"]["cancellation_policy"]
    assert "are in USD, the price is in EUR" in said
    assert "deposit_forfeit" in said
    path = f"{base}/{market['CHI-IM-01'].id}"
    tag = etag(client, path, host)
    assert patch(client, path, euros, host, tag).status_code == 422
    fitting = {**euros, "cancellation_policy": "deposit_forfeit"}
    assert patch(client, path, fitting, host, tag).status_code == 200


def test_an_id_of_ones_own_is_one_of_a_kind(client, host, base, new):
    twice = client.post(base, json={**new, "external_id": "CHI-IM-01"}, headers=host.headers)
    assert (twice.status_code, twice.json["code"]) == (409, "duplicate_listing")
    assert list(twice.json["fields"]) == ["external_id"]
    same = client.post(base, json={**new, "external_id": "NYC-NEU-01"}, headers=host.headers)
    assert (same.status_code, same.json["code"]) == (409, "duplicate_listing")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"seats_per_week": 0}, "seats_per_week"),
        ({"first_start": "2027-02-01"}, "first_start"),
        ({"blackout_weeks": ["2027-01-11"]}, "blackout_weeks"),
    ],
)
def test_what_would_break_a_booking_is_not_saved(
    client, session, host, market, base, change, field
):
    listing = market["CHI-IM-01"]
    with edge(session):
        seats.take(session, listing.id, [date(2027, 1, 4), date(2027, 1, 11)])
    path = f"{base}/{listing.id}"
    refused = patch(client, path, change, host, etag(client, path, host))
    assert (refused.status_code, refused.json["code"]) == (409, "listing_in_use"), refused.json
    assert list(refused.json["fields"]) == [field]
    assert "2027-01-11" in refused.json["weeks"]
    assert client.get(path, headers=host.headers).json["version"] == 1


def test_two_editors_are_told_of_each_other(client, people, host, market, base):
    path = f"{base}/{market['CHI-IM-01'].id}"
    cora = people.make("coordinator", site_id=market["CHI-IM-01"].site_id, name="Cora Diaz")
    tag = etag(client, path, host)
    assert patch(client, path, {"lead_days": 21}, cora, tag).status_code == 200
    late = patch(client, path, {"lead_days": 28}, host, tag)
    assert late.status_code == 412
    assert late.json["changed_by"] == {"id": str(cora.id), "name": "Cora Diaz"}
    assert late.json["changed_at"] == NOW.isoformat()
    assert late.json["difference"] == {"lead_days": ["14", "21"]}
    assert client.patch(path, json={"lead_days": 1}, headers=host.headers).status_code == 428


def test_of_two_editors_at_once_one_is_refused(live, live_stage):
    """Real transactions: both have read version 1, and each sends its own change."""
    place = live_stage.place()
    host = People(live.app).make("coordinator", site_id=place.site_id)
    path = f"{API}/sites/{place.site_id}/listings/{place.listing_id}"
    tag = live.app.test_client().get(path, headers=host.headers).headers["ETag"]
    together = threading.Barrier(4)

    def send(days):
        client = live.app.test_client()
        together.wait()
        return patch(client, path, {"lead_days": days}, host, tag).status_code

    with ThreadPoolExecutor() as pool:
        answers = sorted(pool.map(send, [20, 21, 22, 23]))
    assert answers == [200, 412, 412, 412]


def test_a_public_listing_that_contradicts_itself_waits_again(client, host, market, base):
    listing = market["NYC-NEU-01"]
    path = f"{API}/sites/{listing.site_id}/listings/{listing.id}"
    worse = patch(client, path, {"title": "Neurology Observership"}, host, etag(client, path, host))
    assert worse.json["listing_state"] == "in_review"
    assert [reason["code"] for reason in worse.json["waits_for"]] == ["words_under_review"]
    mended = patch(client, path, {"title": "Neurology Elective"}, host, worse.headers["ETag"])
    assert (mended.json["listing_state"], mended.json["waits_for"]) == ("published", [])


def test_the_life_of_a_listing_and_its_history(client, host, market, base):
    path = f"{base}/{market['CHI-IM-01'].id}"
    for step, body in (
        ("pause", {"why": "Summer."}),
        ("publish", None),
        ("retire", {"why": "Closed."}),
    ):
        done = client.post(f"{path}/{step}", json=body, headers=host.headers)
        assert done.status_code == 200, done.json
    refused = patch(client, path, {"lead_days": 1}, host, etag(client, path, host))
    assert (refused.status_code, refused.json["code"]) == (409, "listing_in_use")
    assert "retired" in refused.json["detail"]
    steps = client.get(f"{path}/history", headers=host.headers).json["items"]
    assert [(step["to_state"], step["why"]) for step in steps] == [
        ("draft", "Imported."),
        ("published", "Publication asked for."),
        ("paused", "Summer."),
        ("published", "Publication asked for."),
        ("retired", "Closed."),
    ]
    waiting = market["HOU-FM-01"]
    elsewhere = f"{API}/sites/{waiting.site_id}/listings/{waiting.id}"
    back = client.post(f"{elsewhere}/withdraw", json={"why": "Not yet."}, headers=host.headers)
    assert (back.json["listing_state"], back.json["waits_for"]) == ("draft", [])
    public = client.post(f"{path}/withdraw", json={"why": "No."}, headers=host.headers)
    assert (public.status_code, public.json["code"]) == (409, "illegal_transition")


def test_another_site_s_coordinator_finds_nothing(client, people, market, base, new):
    foreign = people.make("coordinator", site_id=market["NYC-NEU-01"].site_id)
    preceptor = people.make("preceptor", site_id=market["CHI-IM-01"].site_id)
    path = f"{base}/{market['CHI-IM-01'].id}"
    assert client.post(base, json=new, headers=foreign.headers).status_code == 404
    for method, where in (("get", path), ("patch", path), ("get", f"{path}/history")):
        body = {"lead_days": 1} if method == "patch" else None
        answer = getattr(client, method)(where, json=body, headers=foreign.headers)
        assert answer.status_code == 404, where
    theirs = f"{API}/sites/{market['NYC-NEU-01'].site_id}/listings/{market['CHI-IM-01'].id}"
    assert patch(client, theirs, {"lead_days": 1}, foreign, '"x"').status_code == 404
    assert client.post(base, json=new, headers=preceptor.headers).status_code == 403


def test_reading_and_changing_cost_a_constant_number_of_queries(
    client, host, market, base, count_queries
):
    path = f"{base}/{market['CHI-IM-01'].id}"
    with count_queries() as reading:
        client.get(path, headers=host.headers)
    assert len(reading) <= 6
    with count_queries() as history:
        client.get(f"{path}/history", headers=host.headers)
    assert len(history) <= 6


def test_a_booking_shows_the_terms_that_it_was_made_on(live, live_stage):
    place, trainee = live_stage.place(deposit="25%"), live_stage.trainee()
    booking_id = live_stage.hold(trainee, place)
    crowd = People(live.app)
    host = crowd.make("coordinator", site_id=place.site_id)
    client = live.app.test_client()
    path = f"{API}/sites/{place.site_id}/listings/{place.listing_id}"
    tag = etag(client, path, host)
    body = {"price_per_week": {"amount": 99900, "currency": "USD"}, "deposit": {"kind": "whole"}}
    assert patch(client, path, body, host, tag).json["version"] == 2
    shown = client.get(f"{API}/bookings/{booking_id}/terms", headers=host.headers).json
    assert shown["listing_version"] == 1
    assert shown["terms"]["price_per_week"] == "500.00"
    assert shown["deposit_rule"] == shown["terms"]["deposit"] == "25%"
    booking = live_stage.booking(booking_id)
    assert (booking.total.minor, booking.deposit.minor) == (224000, 56000)
    stranger = crowd.make()
    hidden = client.get(f"{API}/bookings/{booking_id}/terms", headers=stranger.headers)
    assert hidden.status_code == 404
    assert UUID(shown["booking_id"]) == booking_id


def test_an_edit_an_import_and_a_verification_at_once_all_end(live):
    """They hold the same rows: in one order, so that none waits for another for ever."""
    crowd = People(live.app)
    owner, operator = crowd.make(name="Hosts Inc."), crowd.make("operator")
    with live.transaction() as session:
        import_listings(session, SHEET, owner.id, True, NOW)
        listing = session.execute(
            select(Listing).where(Listing.external_id == "CHI-IM-01")
        ).scalar_one()
        path = f"{API}/sites/{listing.site_id}"
        where = f"{path}/listings/{listing.id}"
    together = threading.Barrier(3)

    def edit():
        client = live.app.test_client()
        together.wait()
        tag = etag(client, where, owner)
        return patch(client, where, {"notes": "Bring a coat."}, owner, tag).status_code

    def bring():
        together.wait()
        changed = SHEET.replace(b"425.00", b"435.00").replace(
            b"Chicago Medical Way", b"Clark Street"
        )
        with live.transaction() as session:
            import_listings(session, changed, owner.id, True, NOW)
        return 200

    def verify():
        client = live.app.test_client()
        body = {"verified": True, "kind": "visit", "reference": "3 May"}
        together.wait()
        decision = f"{API}/operator{path.removeprefix(API)}/verification"
        return client.post(decision, json=body, headers=operator.headers).status_code

    with ThreadPoolExecutor() as pool:
        answers = [one.result() for one in [pool.submit(f) for f in (edit, bring, verify)]]
    assert answers[0] in {200, 412}
    assert answers[1:] == [200, 200]
