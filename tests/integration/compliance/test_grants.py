"""Promise 8: a document by nobody without a grant, by whatever way; and races on decisions and links."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from marketplace.compliance.gateway import DocumentVault, LinkSigner
from marketplace.compliance.models import DocumentContent
from marketplace.compliance.rules.validity import Facts
from marketplace.compliance.service import files, reading, reviews, uploads
from marketplace.core.errors import DomainError
from marketplace.core.ports import ObjectStore
from tests.factories.rotations import live_stage  # noqa: F401 - a fixture
from tests.integration.compliance.conftest import API, PDF, SECRET, TYPE

FACTS = {"issued_on": "2026-11-01"}


def test_nobody_without_a_grant_learns_that_there_is_a_document(desk, booked):
    document = desk.upload()
    analyst = desk.people.make("analyst")
    preceptor = desk.people.make("preceptor", site_id=desk.place.site_id)
    link, verdict = {"version": 1}, {"version": 1, "decision": "accepted"}
    own = [
        ("GET", f"/documents/{document}", None),
        ("DELETE", f"/documents/{document}", None),
        ("POST", f"/documents/{document}/links", link),
        ("GET", f"/documents/{document}/trail", None),
    ]
    at_site = [
        ("GET", f"{desk.site}/documents/{document}", None),
        ("POST", f"{desk.site}/documents/{document}/links", link),
        ("POST", f"{desk.site}/documents/{document}/decisions", verdict),
    ]
    for who in (desk.rival, desk.coordinator, desk.neighbour, desk.operator, analyst):
        for method, path, body in own:
            desk.call(who, method, path, 404, json=body)
    # Not released yet: its own site's people have no grant either.
    for who in (desk.rival, desk.coordinator, desk.neighbour, desk.operator, analyst, desk.trainee):
        for method, path, body in at_site:
            desk.call(who, method, path, 404, json=body)
    desk.release(booked, document)
    for who in (desk.rival, desk.neighbour, analyst, desk.trainee):
        for method, path, body in at_site:
            desk.call(who, method, path, 404, json=body)
    for method, path, body in at_site:
        desk.call(preceptor, method, path, 403, json=body)
    other = at_site[1][1].replace(str(desk.place.site_id), str(desk.elsewhere.site_id))
    desk.call(desk.neighbour, "POST", other, 404, json=link)
    for method, path, body in (*own, *at_site):
        desk.call(None, method, path, 401, json=body)
    for who in (desk.trainee, desk.coordinator, analyst):
        desk.call(who, "GET", "/operator/documents", 403)


def test_others_documents_are_not_handed_over(desk, booked):
    theirs = desk.upload(desk.rival)
    desk.release(booked, theirs, status=404)
    desk.release(booked, str(uuid4()), status=404)
    path, body = f"/bookings/{booked}/documents", {"document_ids": [theirs]}
    for who in (desk.rival, desk.coordinator, desk.operator):
        desk.call(who, "POST", path, 404, json=body)


def test_a_grant_ends_a_month_after_the_rotation(desk, booked):
    document = desk.upload()
    desk.release(booked, document)
    desk.stage.clock.at = desk.stage.clock.at.replace(year=2027, month=4, day=27)
    desk.link(desk.coordinator, document)
    desk.stage.clock.at = desk.stage.clock.at.replace(day=29)
    desk.link(desk.coordinator, document, 404)
    path = f"{desk.site}/documents?waiting=false"
    assert desk.call(desk.coordinator, "GET", path).get_json()["items"] == []


@pytest.fixture
def secrets(desk, booked, session):
    """What must be in no answer, of a document that its site and operators may read."""
    document = desk.upload()
    desk.release(booked, document)
    content = session.execute(select(DocumentContent)).scalar_one()
    found = [
        SECRET,
        content.object_key.encode(),
        content.object_key.split("/")[-1].encode(),
        content.sealed_key.hex().encode(),
    ]
    session.rollback()
    return document, found


def test_no_route_gives_anybody_the_content_or_its_key(app, desk, booked, secrets, session):
    """Walk every reading route, as everybody, with every id that there is."""
    document, forbidden = secrets
    known = {
        "document_id": document,
        "booking_id": str(booked),
        "site_id": str(desk.place.site_id),
        "listing_id": str(desk.place.listing_id),
        "account_id": str(desk.trainee.id),
        "upload_id": str(session.execute(text("SELECT id FROM document_upload")).scalar_one()),
    }
    session.rollback()
    walked = 0
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods or not rule.rule.startswith(API):
            continue
        # A stream of news has no end to wait for.
        if not rule.arguments <= set(known) or rule.rule.endswith("/events"):
            continue
        with app.test_request_context():
            path = rule.build({name: known[name] for name in rule.arguments})[1]
        for who in (desk.trainee, desk.coordinator, desk.neighbour, desk.rival, desk.operator):
            body = desk.client.get(path, headers=who.headers).get_data()
            assert not [one for one in forbidden if one in body], (rule.rule, who.name)
        walked += 1
    assert walked > 30


def test_no_log_notice_or_trail_carries_a_way_in(desk, booked, secrets, session, capsys, run_jobs):
    document, forbidden = secrets
    url = desk.link(desk.coordinator, document).get_json()["url"]
    token = url.rpartition("/")[2]
    desk.call(None, "GET", url.partition(API)[2])
    desk.decide(desk.coordinator, document)
    run_jobs()
    tables = ("notice", "audit_entry", "document_link", "document_upload", "remembered_answer")
    everything = session.execute(
        text(
            "SELECT "
            + " || ".join(
                f"coalesce((SELECT string_agg(t::text, ',') FROM {t} t), '')" for t in tables
            )
        )
    ).scalar_one()
    logged = "".join(capsys.readouterr())
    for text_ in (everything, logged):
        assert token not in text_
        assert not [one for one in forbidden if one.decode() in text_]


def prepared(live, stage, reviewer_count=2):
    """A document that was taken in for real, and those who may decide on it."""
    place = stage.place()
    trainee = stage.trainee()
    reviewers = [stage.member(place.site_id, name=f"Reviewer {n}") for n in range(reviewer_count)]
    parts = live.parts
    store, vault, signer = (parts.get(kind) for kind in (ObjectStore, DocumentVault, LinkSigner))
    wish = uploads.Wish("tb_test", "tb.pdf", TYPE, len(PDF), Facts())
    with stage.transaction() as session:
        asked = uploads.ask(
            session,
            store,
            signer,
            wish,
            holder_id=trainee,
            document_id=None,
            base="",
            now=stage.now,
        )
    return place, trainee, reviewers, asked.upload.id, (store, vault, signer)


def together(count, run):
    meeting = threading.Barrier(count)

    def one(number):
        meeting.wait()
        return run(number)

    with ThreadPoolExecutor(count) as pool:
        tries = [pool.submit(one, number) for number in range(count)]
    return [made.exception() or made.result() for made in tries]


def test_races_are_decided_once(live, live_stage):  # noqa: F811 - a fixture
    """One address, one file; one version, one decision; one link, one reading."""
    stage = live_stage
    place, trainee, reviewers, upload_id, (store, vault, signer) = prepared(live, stage, 4)

    def send(_number):
        stored = files.put_away(store, vault, upload_id, TYPE, [PDF])
        with stage.transaction() as session:
            return uploads.take(session, upload_id, stored, stage.now).document_id

    sent = together(4, send)
    taken = [one for one in sent if isinstance(one, UUID)]
    assert len(taken) == 1
    assert {one.code for one in sent if isinstance(one, DomainError)} == {"upload_used"}
    verdict = reviews.Verdict("accepted", 1)

    def decide(number):
        with stage.transaction() as session:
            reviews.decide(
                session,
                taken[0],
                verdict,
                site_id=place.site_id,
                actor_id=reviewers[number],
                now=stage.now,
            )
        return "decided"

    decided = together(4, decide)
    assert decided.count("decided") == 1
    losers = [one for one in decided if one != "decided"]
    assert {one.code for one in losers} == {"decided_already"}
    assert {one.extra["decided_by"][:9] for one in losers} == {"Reviewer "}
    with stage.transaction() as session:
        reader = reading.Reader(trainee, "holder")
        link = reading.ask(session, signer, taken[0], 1, reader, stage.now)

    def read(_number):
        with stage.transaction() as session:
            return reading.read(session, signer, link.token, stage.now)[0].number

    read_by = together(4, read)
    assert read_by.count(1) == 1
    assert {one.code for one in read_by if one != 1} == {"link_used"}
    with stage.transaction() as session:
        entries = session.execute(
            text("SELECT count(*) FROM audit_entry WHERE action = 'document.read'")
        ).scalar_one()
    assert entries == 1
