"""A document from the address it is sent to, through review and reading, to its deletion."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.core.ports import ObjectStore
from tests.integration.compliance.conftest import API, PDF, SECRET


def told(session, person):
    rows = session.execute(
        text("SELECT template FROM notice WHERE account_id = :who ORDER BY id"),
        {"who": person.id},
    )
    return [name for name in rows.scalars() if "document" in name]


def test_from_the_upload_to_the_decision(desk, booked, session):
    document = desk.upload()
    assert desk.state_of(booked) == "missing"
    shown = desk.call(desk.trainee, "GET", f"/documents/{document}").get_json()
    assert (shown["state"], shown["facts"]["issued_on"]) == ("uploaded", "2026-11-01")
    cleared = desk.release(booked, document).get_json()
    assert [item["state"] for item in cleared["items"]] == ["uploaded"]
    assert told(session, desk.coordinator) == ["documents_to_review"]
    waiting = desk.call(desk.coordinator, "GET", f"{desk.site}/documents").get_json()["items"]
    assert [(one["document_id"], one["holder_name"]) for one in waiting] == [(document, "Asha Rao")]
    assert desk.read(desk.coordinator, document) == PDF
    facts = {"issued_on": "2026-10-30"}
    decided = desk.decide(desk.coordinator, document, facts=facts).get_json()
    assert (decided["state"], decided["seen"]) == ("accepted", 1)
    assert desk.call(desk.coordinator, "GET", f"{desk.site}/documents").get_json()["items"] == []
    assert told(session, desk.trainee) == ["document_decided"]
    found = desk.clearance(booked)
    assert (found["complete"], found["items"][0]["state"]) == (True, "accepted")
    shown = desk.call(desk.trainee, "GET", f"/documents/{document}").get_json()
    assert (shown["state"], shown["facts"]["issued_on"]) == ("accepted", "2026-10-30")


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"issued_on": "2026-11-24"}, "facts.issued_on"),
        ({"issued_on": "2026-11-01", "expires_on": "2026-10-31"}, "facts.expires_on"),
        ({"dose_dates": ["2020-01-01", "2027-01-01"]}, "facts.dose_dates"),
    ],
)
def test_dates_that_no_document_can_have_are_named(desk, booked, facts, field):
    refused = desk.address(status=422, facts=facts).get_json()
    assert (refused["code"], list(refused["fields"])) == ("facts_unfit", [field])
    document = desk.upload()
    desk.release(booked, document)
    refused = desk.decide(desk.coordinator, document, status=422, facts=facts).get_json()
    assert list(refused["fields"]) == [field]
    # It is tomorrow already where some documents are written.
    desk.address(facts={"issued_on": "2026-11-23"})


def test_who_has_decided_is_not_asked_to_decide_again(desk, booked, session):
    document = desk.upload()
    desk.release(booked, document)
    desk.decide(desk.coordinator, document)
    desk.call(desk.trainee, "DELETE", f"/bookings/{booked}/documents/{document}", 204)
    desk.release(booked, document)
    assert told(session, desk.coordinator) == ["documents_to_review"]
    assert desk.clearance(booked)["complete"]


def test_a_document_is_named_once_however_many_of_its_versions_count(desk, booked):
    document = desk.upload()
    desk.release(booked, document)
    desk.decide(desk.coordinator, document)
    desk.upload(document_id=document, facts={"issued_on": "2026-11-15"})
    assert desk.clearance(booked)["items"][0]["document_ids"] == [document]


def test_a_rejection_has_a_reason_that_the_trainee_reads(desk, booked):
    document = desk.upload()
    desk.release(booked, document)
    refused = desk.decide(desk.coordinator, document, "rejected", 422)
    assert refused.get_json()["code"] == "reason_needed"
    desk.decide(desk.coordinator, document, "rejected", reason="The date can't be read.")
    shown = desk.call(desk.trainee, "GET", f"/documents/{document}").get_json()
    assert (shown["state"], shown["reason"]) == ("rejected", "The date can't be read.")
    item = desk.clearance(booked)["items"][0]
    assert (item["state"], item["reason"]) == ("rejected", "The date can't be read.")


def test_a_newer_version_takes_its_place_and_the_accepted_one_counts_meanwhile(desk, booked):
    document = desk.upload()
    desk.release(booked, document)
    desk.decide(desk.coordinator, document)
    assert desk.upload(document_id=document, facts={"issued_on": "2026-11-15"}) == document
    assert desk.clearance(booked)["complete"]
    stale = desk.decide(desk.coordinator, document, "rejected", 409, reason="Old.", seen=1)
    assert (stale.get_json()["code"], stale.get_json()["version"]) == ("newer_version", 2)
    desk.decide(desk.coordinator, document, "rejected", reason="Unreadable.", version=2)
    assert desk.state_of(booked) == "rejected"
    shown = desk.call(desk.trainee, "GET", f"/documents/{document}").get_json()
    assert [one["number"] for one in shown["versions"]] == [1, 2]
    assert [one["decisions"][0]["decision"] for one in shown["versions"]] == [
        "accepted",
        "rejected",
    ]
    other = desk.address(kind="cv", document_id=document, status=422).get_json()
    assert other["code"] == "other_kind"


def test_one_document_serves_several_bookings_and_each_site_decides_for_itself(desk, booked):
    desk.call(
        desk.neighbour,
        "POST",
        f"/sites/{desk.elsewhere.site_id}/requirements/adoption",
        json={"keys": ["tb_test"]},
        headers={"If-Match": "*"},
    )
    second = desk.stage.confirmed(
        desk.elsewhere, desk.trainee.id, desk.stage.booking(booked).first_day + timedelta(weeks=4)
    )
    document = desk.upload()
    desk.release(booked, document)
    desk.release(second, document)
    desk.decide(desk.coordinator, document)
    assert (desk.state_of(booked), desk.state_of(second)) == ("accepted", "uploaded")
    other = f"/sites/{desk.elsewhere.site_id}/documents"
    (waiting,) = desk.call(desk.neighbour, "GET", other).get_json()["items"]
    # Where else somebody applies, and what was decided there, is nobody's business here.
    assert waiting["decisions"] == []
    desk.decide(desk.operator, document)
    assert (desk.state_of(booked), desk.state_of(second)) == ("accepted", "accepted")
    desk.decide(desk.operator, document, "rejected", reason="Forged.", seen=1)
    assert (desk.state_of(booked), desk.state_of(second)) == ("accepted", "rejected")


def test_the_second_reviewer_is_told_who_was_faster(desk, booked):
    document = desk.upload()
    desk.release(booked, document)
    desk.decide(desk.coordinator, document)
    late = desk.decide(desk.colleague, document, "rejected", 409, reason="No.").get_json()
    assert (late["code"], late["decided_by"], late["decision"]) == (
        "decided_already",
        "Cora Diaz",
        "accepted",
    )
    desk.decide(desk.colleague, document, "rejected", reason="A copy.", seen=late["seen"])
    assert desk.state_of(booked) == "rejected"


def test_a_link_reads_once_soon_and_for_the_trail(desk, booked):
    document = desk.upload()
    desk.release(booked, document)
    url = desk.link(desk.coordinator, document).get_json()["url"]
    path = urlsplit(url).path.removeprefix(API)
    looked = desk.call(None, "HEAD", path)
    assert looked.headers["Content-Length"] == str(len(PDF))
    answer = desk.call(None, "GET", path)
    assert answer.get_data() == PDF
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''tb-test.pdf"
    used = desk.call(None, "GET", path, 410).get_json()
    assert (used["code"], "Ask for another" in used["title"]) == ("link_used", True)
    assert desk.call(None, "HEAD", path, 410).get_data() == b""
    late = desk.link(desk.coordinator, document).get_json()["url"]
    desk.stage.clock.advance(timedelta(minutes=2))
    over = urlsplit(late).path.removeprefix(API)
    assert desk.call(None, "GET", over, 410).get_json()["code"] == "link_expired"
    # A forged one is told nothing, used or not.
    for forged in (path, over):
        assert desk.call(None, "GET", forged[:-3] + "AAA", 404).get_json()["code"] == "not_found"
    desk.link(desk.operator, document, 422)
    assert desk.read(desk.operator, document, reason="Complaint 4711") == PDF
    assert desk.read(desk.trainee, document) == PDF
    trail = desk.call(desk.trainee, "GET", f"/documents/{document}/trail").get_json()["items"]
    seen = [(one["actor_name"], one["detail"]["as"]) for one in trail if "read" in one["action"]]
    assert seen == [("Asha Rao", "holder"), ("Olga Staff", "operator"), ("Cora Diaz", "site")]
    assert trail[1]["detail"]["reason"] == "Complaint 4711"


def test_what_was_taken_back_is_read_no_more_even_by_a_link_made_before(desk, booked):
    document = desk.upload()
    desk.release(booked, document)
    url = desk.link(desk.coordinator, document).get_json()["url"]
    desk.call(desk.trainee, "DELETE", f"/bookings/{booked}/documents/{document}", 204)
    desk.call(None, "GET", urlsplit(url).path.removeprefix(API), 404)
    desk.link(desk.coordinator, document, 404)
    desk.decide(desk.coordinator, document, status=404)
    assert desk.state_of(booked) == "missing"
    desk.release(booked, document)
    assert desk.state_of(booked) == "uploaded"


def test_a_cancelled_booking_ends_what_was_released_for_it(desk, booked):
    document = desk.upload()
    desk.release(booked, document)
    quote = desk.call(
        desk.trainee, "POST", f"/bookings/{booked}/cancellation-quote", json={}
    ).get_json()["quote"]
    desk.call(desk.trainee, "POST", f"/bookings/{booked}/cancel", json={"quote": quote})
    desk.link(desk.coordinator, document, 404)
    desk.release(booked, document, status=409)
    desk.call(desk.trainee, "DELETE", f"/documents/{document}", 204)


def test_deleting_takes_the_content_and_keeps_what_happened(desk, booked, parts, session, run_jobs):
    document = desk.upload()
    desk.release(booked, document)
    in_use = desk.call(desk.trainee, "DELETE", f"/documents/{document}", 409).get_json()
    assert (in_use["code"], in_use["references"]) == ("document_in_use", [str(booked)])
    desk.call(desk.trainee, "DELETE", f"/bookings/{booked}/documents/{document}", 204)
    (key,) = session.execute(text("SELECT object_key FROM document_content")).scalars()
    session.rollback()
    for _ in range(2):
        desk.call(desk.trainee, "DELETE", f"/documents/{document}", 204)
    run_jobs()
    assert not parts.get(ObjectStore).exists(key)
    assert session.execute(text("SELECT count(*) FROM document_content")).scalar_one() == 0
    shown = desk.call(desk.trainee, "GET", f"/documents/{document}").get_json()
    assert (shown["state"], len(shown["versions"])) == ("deleted", 1)
    trail = desk.call(desk.trainee, "GET", f"/documents/{document}/trail").get_json()["items"]
    assert [one["action"] for one in trail] == [
        "document.deleted",
        "document.taken_back",
        "document.released",
        "document.uploaded",
    ]
    assert desk.call(desk.trainee, "GET", "/documents").get_json()["items"] == []
    desk.link(desk.trainee, document, 409)
    desk.address(document_id=document, status=409)


def test_a_holder_is_told_once_of_what_expires(desk, session, jobs):
    desk.ask([])
    document = desk.upload(kind="bls", facts={"expires_on": "2027-01-15"})
    desk.upload(kind="passport", facts={"expires_on": "2031-01-15"})
    jobs.remind()
    assert told(session, desk.trainee) == []
    session.rollback()
    desk.stage.clock.advance(timedelta(days=25))
    for _ in range(2):
        jobs.remind()
    assert told(session, desk.trainee) == ["document_expires"]
    desk.decide(desk.operator, document)
    shown = desk.call(desk.trainee, "GET", f"/documents/{document}").get_json()
    assert shown["state"] == "expiring"
    desk.stage.clock.advance(timedelta(days=30))
    shown = desk.call(desk.trainee, "GET", f"/documents/{document}").get_json()
    assert shown["state"] == "expired"


@pytest.mark.parametrize("table", ["document_version", "document_decision"])
def test_versions_and_decisions_are_never_changed(desk, booked, session, table):
    document = desk.upload()
    desk.release(booked, document)
    desk.decide(desk.coordinator, document)
    for change in (f"UPDATE {table} SET facts = '{{}}'", f"DELETE FROM {table}"):
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(text(change))


def test_lists_take_as_many_queries_for_many_as_for_few(desk, booked, count_queries):
    def count(who, path):
        with count_queries() as statements:
            items = desk.call(who, "GET", path).get_json()["items"]
        return len(items), len([s for s in statements.texts if not s.startswith("SET")])

    paths = [
        (desk.trainee, "/documents"),
        (desk.coordinator, f"{desk.site}/documents?waiting=false"),
        (desk.operator, "/operator/documents"),
        (desk.coordinator, f"{desk.site}/clearances?from=2027-01-04&to=2027-12-31"),
    ]
    desk.release(booked, desk.upload())
    few = [count(*path) for path in paths]
    for _ in range(4):
        desk.release(booked, desk.upload())
    desk.stage.confirmed(
        desk.place, desk.rival.id, desk.stage.booking(booked).first_day + timedelta(weeks=4)
    )
    many = [count(*path) for path in paths]
    assert [found for found, _ in few] == [1, 1, 1, 1]
    assert [found for found, _ in many] == [5, 5, 5, 2]
    assert [queries for _, queries in few] == [queries for _, queries in many]


def test_what_is_stored_is_sealed_and_named_by_nobody(desk, parts, session):
    desk.upload(filename="Asha Rao passport.pdf")
    (key,) = session.execute(text("SELECT object_key FROM document_content")).scalars()
    stored = parts.get(ObjectStore).get(key)
    assert SECRET not in stored
    assert not stored.startswith(b"%PDF")
    assert "asha" not in key.lower()
