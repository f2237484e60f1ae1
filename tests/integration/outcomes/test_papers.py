"""Letters of acceptance, letters for visas, certificates, and their check pages."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.booking.queries import find
from marketplace.core.ports import ObjectStore
from marketplace.core.settings import Settings
from marketplace.outcomes.rules.papers import digest_of
from marketplace.outcomes.service.evidence import IssuedCertificates
from marketplace.payments.events import Payable
from tests.factories.rotations import FIRST_DAY
from tests.integration.outcomes.conftest import AFTER, Done

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def before(done, stage, people, clock) -> Done:
    """The same people, and a booking that is confirmed and has not begun."""
    clock.at = NOW
    trainee = people.trainee(visa_type="b1_b2", name="Zoë O'Brien", school_name="St. Ångström")
    booking_id = stage.confirmed(done.place, trainee.id, date(2027, 6, 7))
    return Done(done.client, booking_id, done.place, trainee, done.coordinator, people)


def papers(done, who=None, status=200):
    path = f"/bookings/{done.booking_id}/papers"
    answer = done.call(who or done.trainee, "GET", path, status)
    return answer.get_json().get("items")


def ask(done, kind, who=None, status=200):
    path = f"/bookings/{done.booking_id}/papers"
    return done.call(who or done.trainee, "POST", path, status, json={"kind": kind}).get_json()


def read(done, paper, who=None):
    link = done.call(who or done.trainee, "POST", f"/papers/{paper['id']}/links").get_json()
    path = urlsplit(link["url"]).path.removeprefix("/api/v1")
    return done.call(None, "GET", path)


def code_of(paper):
    return paper["check_address"].rpartition("/")[2]


def check(done, code, status=200):
    return done.call(None, "GET", f"/public/papers/{code}", status).get_json()


def test_a_confirmed_booking_gets_its_letter_and_a_completed_one_its_certificate(
    done, run_jobs, mail
):
    run_jobs()
    certificate, letter = papers(done)
    assert (certificate["kind"], letter["kind"]) == ("completion_certificate", "acceptance_letter")
    assert certificate["ready"]
    assert certificate["has_credential"]
    assert re.fullmatch(r"C-\d{6}", certificate["number"])
    assert re.fullmatch(r"A-\d{6}", letter["number"])
    for paper in (certificate, letter):
        pdf = read(done, paper)
        assert pdf.data.startswith(b"%PDF-")
        assert paper["number"] in pdf.headers["Content-Disposition"]
    (sent,) = [one for one in mail.to(done.trainee.email) if certificate["number"] in one.subject]
    assert certificate["check_address"] in sent.text
    assert sent.attachments[0].content == read(done, certificate).data


def test_a_certificate_that_stands_is_evidence_and_a_revoked_one_is_not(done, run_jobs, session):
    run_jobs()
    what_for = [Payable("booking", done.booking_id), Payable("cohort", done.booking_id)]
    found = IssuedCertificates().certificates(session, what_for)
    kept = "SELECT object_key FROM paper WHERE kind = 'completion_certificate'"
    assert found == [session.execute(text(kept)).scalar_one()]
    certificate, _ = papers(done)
    body = {"reason": "Issued by mistake."}
    done.call(done.operator, "POST", f"/operator/papers/{certificate['id']}/revocation", json=body)
    assert IssuedCertificates().certificates(session, what_for) == []


def test_the_trainee_the_host_and_the_operator_read_and_nobody_else(done, run_jobs, stage):
    run_jobs()
    certificate = papers(done)[0]
    for who in (done.trainee, done.coordinator, done.operator):
        assert papers(done, who)[0] == certificate
        assert read(done, certificate, who).data.startswith(b"%PDF-")
    preceptor = done.people.make("preceptor", site_id=done.place.site_id)
    elsewhere = done.people.make("coordinator", site_id=stage.place().site_id)
    for who, status in ((preceptor, 403), (done.stranger, 404), (elsewhere, 404)):
        papers(done, who, status)
        done.call(who, "POST", f"/papers/{certificate['id']}/links", status)
        ask(done, "completion_certificate", who, status)
    for who in (done.coordinator, done.operator, done.stranger):
        done.call(who, "GET", f"/papers/{certificate['id']}/credential", 404)


def test_a_link_ends_after_minutes_and_who_asked_is_recorded(done, run_jobs, clock, session):
    run_jobs()
    certificate = papers(done)[0]
    path = f"/papers/{certificate['id']}/links"
    link = done.call(done.coordinator, "POST", path).get_json()
    where = urlsplit(link["url"]).path.removeprefix("/api/v1")
    done.call(None, "GET", where)
    clock.advance(timedelta(minutes=6))
    assert done.call(None, "GET", where, 410).get_json()["code"] == "link_expired"
    done.call(None, "GET", where[:-3] + "AAA", 404)
    done.call(None, "GET", where[:-2] + "xx", 404)
    actors = session.execute(
        text("SELECT actor_id FROM audit_entry WHERE action = 'paper.read' AND subject_id = :id"),
        {"id": certificate["id"]},
    ).scalars()
    assert list(actors) == [done.coordinator.id]


def test_a_paper_asked_for_again_is_the_same_until_the_facts_change(done, run_jobs, stage):
    run_jobs()
    first = papers(done)[0]
    assert ask(done, "completion_certificate")["id"] == first["id"]
    with stage.transaction() as session:
        session.execute(
            text("UPDATE account SET name = 'Asha R. Rao' WHERE id = :id"), {"id": done.trainee.id}
        )
    second = ask(done, "completion_certificate")
    run_jobs()
    assert (second["revision"], second["standing"]) == (2, "stands")
    old = next(one for one in papers(done) if one["id"] == first["id"])
    assert old["standing"] == "replaced"
    assert check(done, code_of(first))["standing"] == "replaced"
    assert check(done, code_of(second))["rows"][0] == {"label": "Trainee", "value": "Asha R. Rao"}
    page = done.client.get(urlsplit(first["check_address"]).path).get_data(as_text=True)
    assert "replaced by a later one" in page


def test_a_letter_is_not_issued_before_it_is_due(done, before, stage, people):
    ask(before, "completion_certificate", status=409)
    assert ask(before, "acceptance_letter")["standing"] == "stands"
    assert ask(done, "visa_letter", status=409)["state"] == "completed"
    trainee = people.trainee(visa_type="b1_b2")
    held = stage.hold(trainee.id, done.place, date(2027, 8, 2))
    only_held = Done(done.client, held, done.place, trainee, done.coordinator, people)
    assert ask(only_held, "acceptance_letter", status=409)["code"] == "paper_not_due"


def test_a_cancelled_booking_takes_its_letters_back_at_once(before, run_jobs, session):
    run_jobs()
    (letter,) = papers(before)
    visa = ask(before, "visa_letter")
    path = f"/bookings/{before.booking_id}/host-cancellation"
    before.call(before.coordinator, "POST", path, json={"reason": "The preceptor is ill."})
    for paper in (letter, visa):
        assert check(before, code_of(paper))["standing"] == "revoked"
    assert {one["standing"] for one in papers(before)} == {"revoked"}
    ask(before, "acceptance_letter", status=409)


def test_a_visa_letter_waits_for_the_documents_that_the_site_requires(before, run_jobs, stage):
    place, client = before.place, before.client
    owner = before.people.make("site_owner", site_id=place.site_id)
    passport = {
        "key": "passport",
        "title": "Passport",
        "alternatives": [[{"kind": "passport"}]],
        "due_days": 30,
        "blocks_start": True,
    }
    client_path = f"/sites/{place.site_id}/requirements"
    before.call(
        owner, "PUT", client_path, json={"requirements": [passport]}, headers={"If-Match": "*"}
    )
    trainee = before.people.trainee(visa_type="b1_b2")
    booking_id = stage.confirmed(place, trainee.id, date(2027, 9, 6))
    booked = Done(client, booking_id, place, trainee, before.coordinator, before.people)
    refused = ask(booked, "visa_letter", status=409)
    assert (refused["code"], refused["missing"]) == ("documents_missing", ["Passport"])
    waived = {"requirements": ["passport"], "reason": "Seen at the office."}
    booked.call(before.operator, "POST", f"/operator/bookings/{booking_id}/waivers", json=waived)
    assert ask(booked, "visa_letter")["standing"] == "stands"


def test_a_visa_letter_states_facts_and_promises_nothing(before, run_jobs, session):
    visa = ask(before, "visa_letter")
    content = session.execute(
        text("SELECT content FROM paper WHERE id = :id"), {"id": visa["id"]}
    ).scalar_one()
    rows = dict(content["rows"])
    assert rows["Trainee"] == "Zoë O'Brien"
    assert rows["Dates"] == "7 June 2027 to 4 July 2027"
    assert rows["Weeks"] == "4"
    assert rows["Preceptor"] == "Dr. Amara Okafor"
    assert rows["Visa named by the trainee"] == "B-1/B-2"
    assert rows["Learner"] == "a graduate of St. Ångström"
    assert rows["Paid by"].startswith("Zoë O'Brien: ")
    words = " ".join([*content["paragraphs"], *content["notes"]])
    assert "no promise that a visa is issued" in words
    assert "no salary" in words
    shown = {row["label"] for row in check(before, code_of(visa))["rows"]}
    assert shown == {"Trainee", "Site", "Rotation", "Preceptor", "Tier", "Dates", "Weeks"}


def test_a_wrong_code_gets_the_same_shape_from_the_same_query(done, run_jobs, count_queries):
    run_jobs()
    code = code_of(papers(done)[0])
    with count_queries() as right:
        known = check(done, code)
    with count_queries() as wrong:
        unknown = check(done, "0" * 26)
    assert len(right) == len(wrong) == 1
    assert right.texts == wrong.texts
    assert known.keys() == unknown.keys()
    assert (known["standing"], unknown["standing"]) == ("stands", "unknown")
    assert not any(unknown[name] for name in unknown if name != "standing")
    pages = [done.client.get(f"/check/{one}") for one in (code, "0" * 26)]
    assert [one.status_code for one in pages] == [200, 200]
    own = {"Content-Length", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-ID"}
    kept = [{k: v for k, v in one.headers if k not in own} for one in pages]
    assert kept[0] == kept[1]
    assert "No paper carries this code." in pages[1].get_data(as_text=True)


def test_a_code_is_read_however_it_is_typed(done, run_jobs):
    run_jobs()
    code = code_of(papers(done)[0])
    assert digest_of(code.lower().replace("-", " ")) == digest_of(code)
    assert digest_of("O1l") == digest_of("0I1")
    assert check(done, code.lower())["standing"] == "stands"
    answer = done.client.get("/check", query_string={"code": code})
    assert answer.headers["Location"] == f"/check/{code}"


def test_the_check_page_shows_what_the_certificate_states_and_no_more(done, run_jobs):
    run_jobs()
    certificate = papers(done)[0]
    page = done.client.get(urlsplit(certificate["check_address"]).path)
    words = page.get_data(as_text=True)
    for fact in ("This paper stands", "Asha Rao", "1 March 2027 to 28 March 2027", "Okafor"):
        assert fact in words
    for secret in (done.trainee.email, str(done.booking_id), str(done.trainee.id), "USD"):
        assert secret not in words
    assert page.headers["Cache-Control"] == "no-store"


def test_checks_are_limited_by_address_whatever_token_is_shown(done, parts):
    found = parts.get(Settings)
    parts.add(Settings, replace(found, login_rate_limit="3/minute"))
    seen = [
        done.client.get(
            f"/check/{number}",
            headers={"Authorization": f"Bearer {number}"},
            environ_base={"REMOTE_ADDR": "198.51.100.7"},
        ).status_code
        for number in range(5)
    ]
    assert seen == [200, 200, 200, 429, 429]


def test_an_operator_revokes_for_good(done, run_jobs):
    run_jobs()
    certificate = papers(done)[0]
    path = f"/operator/papers/{certificate['id']}/revocation"
    sent = {"reason": "Issued for the wrong person."}
    done.call(done.coordinator, "POST", path, 403, json=sent)
    assert done.call(done.operator, "POST", path, json=sent).get_json()["standing"] == "revoked"
    done.call(done.operator, "POST", path, 409, json=sent)
    assert check(done, code_of(certificate))["standing"] == "revoked"
    assert "wrong person" not in str(check(done, code_of(certificate)))
    assert ask(done, "completion_certificate", status=409)["code"] == "paper_revoked"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE paper SET content = '{}'",
        "UPDATE paper SET number = number + 100",
        "UPDATE paper SET code_digest = sha256('x')",
        "UPDATE paper SET credential = 'forged' WHERE credential IS NOT NULL",
        "DELETE FROM paper",
    ],
)
def test_no_statement_changes_what_was_issued(done, run_jobs, session, change):
    run_jobs()
    with pytest.raises(IntegrityError, match="stays as it was issued"), session.begin_nested():
        session.execute(text(change))


def test_a_revoked_paper_is_not_reinstated(done, run_jobs, session):
    run_jobs()
    session.execute(text("UPDATE paper SET revoked_at = now(), revocation_reason = 'x'"))
    with pytest.raises(IntegrityError, match="stays"), session.begin_nested():
        session.execute(text("UPDATE paper SET revoked_at = NULL, revocation_reason = NULL"))


def test_numbers_have_no_gaps_and_jobs_may_run_twice(done, run_jobs, stage, session, app):
    run_jobs()
    for kind in ("acceptance_letter", "completion_certificate"):
        ask(done, kind)
    run_jobs()
    numbers = session.execute(
        text("SELECT kind, array_agg(number ORDER BY number) FROM paper GROUP BY kind")
    ).all()
    assert all(found == list(range(1, len(found) + 1)) for _, found in numbers)
    paper = papers(done)[0]
    before = app.extensions["marketplace.parts"].get(ObjectStore)
    booking = find(session, done.booking_id)
    assert booking.first_day == FIRST_DAY
    assert len(before.keys(f"papers/{paper['id']}")) == 1
    assert AFTER > NOW
