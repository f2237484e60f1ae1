"""From what happens to the call that tells of it, its retries, its owners and its end."""

import json
import re
import time
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.identity.service import memberships
from marketplace.webhooks.rules import catalogue
from marketplace.webhooks.rules.owners import Side
from marketplace.webhooks.service import sending
from marketplace.webhooks.service.telling import tell
from tests.factories.cohorts import Desk
from tests.integration.webhooks.receiving import SITE, Host, verified


def test_an_application_is_told_signed_and_once(stage, host, place, receiver, run_jobs):
    made = host.make("booking.submitted", "booking.cancelled")
    booking_id = stage.submitted(place)
    began = int(time.time())
    run_jobs()
    ((url, headers, body),) = receiver.got
    assert url == made["url"]
    assert headers["Content-Type"] == "application/json"
    # Real time, wherever the clock of the domain stands: others verify it by theirs.
    assert began <= int(headers["webhook-timestamp"]) <= time.time()
    assert verified(made["secret"], headers, body)
    assert not verified(made["secret"], headers, body + b" ")
    told = json.loads(body)
    assert told["type"] == "booking.submitted"
    assert told["data"]["booking_id"] == str(booking_id)
    assert told["data"]["state"] == "submitted"
    assert "trainee" not in body.decode()
    (delivery,) = host.deliveries(made)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)
    whole = host.delivery(made, delivery["id"])
    assert whole["webhook_id"] == headers["webhook-id"]
    assert whole["payload"] == told
    assert [(one["status"], one["took_ms"], one["excerpt"]) for one in whole["tried"]] == [
        (200, 12, "thanks")
    ]
    assert run_jobs() == 0


def test_what_was_not_taken_is_tried_again_under_the_same_id(
    stage, host, place, receiver, run_jobs, again, clock, monkeypatch
):
    monkeypatch.setattr(sending, "SystemClock", lambda: clock)
    made = host.make("booking.submitted")
    receiver.status = 500
    stage.submitted(place)
    run_jobs()
    assert again() == 0
    clock.advance(timedelta(minutes=2))
    receiver.status, receiver.retry_after = 503, timedelta(hours=3)
    assert again() == 1
    clock.advance(timedelta(hours=2))
    assert again() == 0
    clock.advance(timedelta(hours=2))
    receiver.status = None
    again()
    clock.advance(timedelta(days=1))
    receiver.status = 302
    again()
    clock.advance(timedelta(days=1))
    receiver.status = 204
    again()
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
    assert len({headers["webhook-timestamp"] for _, headers, _ in receiver.got}) == 5
    (delivery,) = host.deliveries(made, "?state=delivered&type=booking.submitted")
    tried = host.delivery(made, delivery["id"])["tried"]
    assert [one["number"] for one in tried] == [1, 2, 3, 4, 5]
    assert [one["status"] for one in tried] == [500, 503, None, 302, 204]
    assert "refused" in tried[2]["error"]
    assert "redirects are not followed" in tried[3]["error"]
    assert tried[4]["error"] is None
    assert host.deliveries(made, "?state=pending") == []


def test_after_three_days_it_is_given_up_and_can_be_replayed(
    stage, host, place, receiver, run_jobs, again, clock
):
    made = host.make("booking.submitted")
    receiver.status = 404
    stage.submitted(place)
    run_jobs()
    for _ in range(9):
        clock.advance(timedelta(hours=29))
        # Taken once in between, by another, so that the endpoint is not disabled for days of failures.
        with stage.transaction() as session:
            session.execute(text("UPDATE webhook_endpoint SET failing_since = NULL"))
        again()
    (delivery,) = host.deliveries(made, "?state=failed")
    assert delivery["attempts"] == 10
    clock.advance(timedelta(days=1))
    assert again() == 0
    receiver.status = 200
    replayed = host.call("POST", f"/{made['id']}/deliveries/{delivery['id']}/replay", 202)
    assert replayed.get_json()["state"] == "pending"
    run_jobs()
    whole = host.delivery(made, delivery["id"])
    assert (whole["state"], whole["attempts"], len(whole["tried"])) == ("delivered", 11, 11)
    since = {"since": (stage.now - timedelta(days=30)).isoformat()}
    done = host.call("POST", f"/{made['id']}/replays", 202, json=since).get_json()
    assert done == {"deliveries": 0, "more": False}


def test_who_is_gone_or_takes_nothing_for_days_is_sent_nothing_and_told_so(
    stage, host, place, receiver, run_jobs, again, clock, mail
):
    made = host.make("booking.submitted")
    receiver.status = 410
    stage.submitted(place)
    run_jobs()
    seen = host.call("GET", f"/{made['id']}").get_json()
    assert (seen["state"], seen["disabled_for"], seen["changed_by"]) == ("disabled", "gone", None)
    letter = mail.to(host.person.email)[-1]
    assert "410" in letter.text
    assert f"/webhooks/sites/{place.site_id}/{made['id']}" in letter.text
    assert host.deliveries(made)[0]["state"] == "failed"
    refused = host.call("POST", f"/{made['id']}/ping", 409).get_json()
    assert refused["code"] == "webhook_disabled"
    # What happens meanwhile is not kept for it.
    with stage.transaction() as session:
        tell(session, place.site_id, "payout.paid", {"site_id": str(place.site_id)}, stage.now)
    assert len(host.deliveries(made)) == 1

    assert host.change(made, enabled=True)["disabled_for"] is None
    receiver.status = None
    for _ in range(2):
        host.call("POST", f"/{made['id']}/ping", 202)
        run_jobs()
        clock.advance(timedelta(days=5, minutes=1))
    seen = host.call("GET", f"/{made['id']}").get_json()
    assert (seen["state"], seen["disabled_for"]) == ("disabled", "failures")
    assert "5 days" in mail.to(host.person.email)[-1].text
    since = {"since": (stage.now - timedelta(days=20)).isoformat()}
    host.call("POST", f"/{made['id']}/replays", 409, json=since)
    host.change(made, enabled=True)
    receiver.status = 200
    done = host.call("POST", f"/{made['id']}/replays", 202, json=since).get_json()
    assert done == {"deliveries": 3, "more": False}
    run_jobs()
    assert {one["state"] for one in host.deliveries(made)} == {"delivered"}


def test_an_endpoint_in_trouble_holds_up_itself_alone(stage, host, place, receiver, run_jobs):
    """What is not there is asked once and not for each message; the rest waits for the next minute."""
    made = host.make("payout.paid")
    receiver.status = None
    for _ in range(3):
        with stage.transaction() as session:
            tell(session, place.site_id, "payout.paid", {"site_id": str(place.site_id)}, stage.now)
    with stage.transaction() as session:
        session.execute(text("DELETE FROM procrastinate_jobs"))
        sending.ask_all(session, stage.now)
    run_jobs()
    assert len(receiver.got) == 1
    assert {one["state"] for one in host.deliveries(made)} == {"pending"}


def test_nobody_is_told_of_another(client, people, stage, host, place, receiver, run_jobs):
    """Not by an event, not by a path, and not by a row that somebody writes by hand."""
    made = host.make(*catalogue.chosen(Side.SITE))
    other = stage.place(approval="request", site_name="Another Hospital")
    owner = people.make("site_owner", site_id=other.site_id)
    theirs = Host(client, owner, SITE.format(other.site_id))
    their = theirs.make(*catalogue.chosen(Side.SITE), url="https://other.example/")
    stage.submitted(other)
    run_jobs()
    assert {url for url, _, _ in receiver.got} == {"https://other.example/"}
    assert host.deliveries(made) == []
    (delivery,) = theirs.deliveries(their)
    for path in ("", "/deliveries", f"/deliveries/{delivery['id']}", "/secrets"):
        host.call("GET", f"/{their['id']}{path}", 404)
    host.call("POST", f"/{their['id']}/deliveries/{delivery['id']}/replay", 404)
    host.call("POST", f"/{made['id']}/deliveries/{delivery['id']}/replay", 404)
    Host(client, owner, host.base).call("GET", "", 404)
    coordinator = people.make("coordinator", site_id=place.site_id)
    looks = Host(client, coordinator, host.base)
    assert len(looks.call("GET").get_json()["items"]) == 1
    looks.call("DELETE", f"/{made['id']}", 403)
    with pytest.raises(IntegrityError, match="fk_webhook_delivery"), stage.transaction() as session:
        session.execute(
            text(
                "INSERT INTO webhook_delivery SELECT :mine, message_id, owner_id, type, 'pending',"
                " 0, 0, created_at, NULL, created_at, NULL FROM webhook_delivery"
            ),
            {"mine": made["id"]},
        )


def test_a_school_is_told_of_its_cohort_and_its_invoice(
    client, people, stage, host, receiver, run_jobs
):
    desk, place = Desk(stage, 2), stage.place(seats_per_week=2, site_name="Harbor Clinic")
    person = people.make("trainee", name="Sara Khan")
    with stage.transaction() as session:
        memberships.grant_role(
            session, person.id, "school_coordinator", school_id=desk.school, now=stage.now
        )
    school = Host(client, person, f"/schools/{desk.school}/webhooks")
    school.make(*catalogue.chosen(Side.SCHOOL), url="https://school.example/")
    host.make(*catalogue.chosen(Side.SITE))
    cohort_id = desk.hold(place)
    desk.answer(cohort_id)
    invoice_id = desk.invoice(cohort_id)
    desk.transfer(invoice_id)
    run_jobs()
    told = receiver.messages()
    assert {url for url, _, _ in receiver.got} == {"https://school.example/"}
    assert sorted(receiver.types()) == [
        "booking.confirmed", "booking.confirmed", "invoice.issued", "invoice.paid",
    ]  # fmt: skip
    (paid,) = [one["data"] for one in told if one["type"] == "invoice.paid"]
    assert (paid["invoice_id"], paid["state"]) == (str(invoice_id), "paid")
    assert {one["data"].get("cohort_id", str(cohort_id)) for one in told} == {str(cohort_id)}
    Host(client, person, host.base).call("GET", status=404)
    Host(client, host.person, school.base).call("GET", status=404)


def test_secrets_rotate_with_both_signatures_and_are_shown_once(
    stage, host, place, receiver, run_jobs, clock
):
    made = host.make("booking.submitted")
    path = f"/{made['id']}"
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", made["secret"])
    assert "secret" not in host.call("GET", path).get_json()

    def ping():
        host.call("POST", f"{path}/ping", 202)
        run_jobs()
        return receiver.got[-1][1:]

    rotated = host.call("POST", f"{path}/secrets", 201, json={"overlap_hours": 24})
    assert rotated.headers["Cache-Control"] == "no-store"
    new = rotated.get_json()["secret"]
    sent = ping()
    assert verified(made["secret"], *sent)
    assert verified(new, *sent)
    stays, goes = host.call("GET", f"{path}/secrets").get_json()["items"]
    assert (stays["ends_at"], goes["ends_at"] is None) == (None, False)
    refused = host.call("DELETE", f"{path}/secrets/{stays['id']}", 409).get_json()
    assert refused["code"] == "last_webhook_secret"
    host.call("DELETE", f"{path}/secrets/{goes['id']}", 204)
    sent = ping()
    assert (verified(made["secret"], *sent), verified(new, *sent)) == (False, True)
    newer = host.call("POST", f"{path}/secrets", 201, json={}).get_json()["secret"]
    clock.advance(timedelta(hours=24))
    sent = ping()
    assert (verified(new, *sent), verified(newer, *sent)) == (False, True)
    now = host.call("POST", f"{path}/secrets", 201, json={"overlap_hours": 0}).get_json()["secret"]
    sent = ping()
    assert (verified(newer, *sent), verified(now, *sent)) == (False, True)
    host.call("DELETE", path, 204)
    host.call("GET", path, 404)
    with stage.transaction() as session:
        assert session.execute(text("SELECT count(sealed) FROM webhook_secret")).scalar() == 0
        trail = session.execute(
            text(
                "SELECT action, detail::text FROM audit_entry WHERE subject_kind = 'webhook_endpoint'"
            )
        ).all()
    assert [action for action, _ in trail] == [
        "webhook.created", "webhook.secret_rotated", "webhook.secret_revoked",
        "webhook.secret_rotated", "webhook.secret_rotated", "webhook.deleted",
    ]  # fmt: skip
    assert "whsec" not in str(trail)


def test_what_an_endpoint_may_not_be(host, place):
    def refused(**wish):
        given = {"url": "https://ehr.example/", "types": ["booking.confirmed"], **wish}
        return host.call("POST", status=422, json=given).get_json()

    assert "url" in refused(url="http://ehr.example/")["fields"]
    assert "url" in refused(url="https://169.254.169.254/")["fields"]
    assert refused(types=["invoice.issued"])["code"] == "webhook_types_refused"
    assert "types" in refused(types=[])["fields"]
    made = host.make("booking.confirmed")
    twice = {"url": made["url"], "types": ["booking.cancelled"]}
    assert host.call("POST", status=409, json=twice).get_json()["code"] == "webhook_exists"
    host.call("PATCH", f"/{made['id']}", 428, json={"enabled": False})
    etag = host.call("GET", f"/{made['id']}").headers["ETag"]
    changed = host.change(made, types=["booking.cancelled"], description="Ours", enabled=False)
    assert (changed["types"], changed["disabled_for"]) == (["booking.cancelled"], "owner")
    host.call("PATCH", f"/{made['id']}", 412, json={}, headers={"If-Match": etag})
    for number in range(19):
        host.make("booking.confirmed", url=f"https://ehr.example/{number}")
    full = {"url": "https://ehr.example/", "types": ["booking.confirmed"]}
    assert host.call("POST", status=409, json=full).get_json()["code"] == "too_many_webhooks"
    assert len(host.call("GET", "?limit=100").get_json()["items"]) == 20
