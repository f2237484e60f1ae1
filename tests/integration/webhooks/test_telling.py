"""From what happens to the call that tells of it, its retries, its owners and its end."""

import json
import re
from datetime import date, timedelta
from uuid import uuid4

import jsonschema
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.booking import events as booking
from marketplace.compliance.events import AgreementInForce, DocumentsChanged
from marketplace.core.events import publish
from marketplace.core.money import Money
from marketplace.payments.events import HostPayout, InvoiceMoved, Payable, TransferSettled
from marketplace.webhooks.gateway import WebhookSender
from marketplace.webhooks.rules import catalogue
from marketplace.webhooks.rules.owners import Side
from marketplace.webhooks.service import replaying, sending
from marketplace.webhooks.service.telling import tell
from tests.factories.schools import a_school
from tests.integration.webhooks.receiving import SITE, Host, Receiver, verified


@pytest.fixture
def receiver(parts):
    made = Receiver()
    parts.add(WebhookSender, made)
    return made


@pytest.fixture
def place(stage):
    return stage.place(approval="request", seats_per_week=3)


@pytest.fixture
def host(client, people, place):
    owner = people.make("site_owner", site_id=place.site_id)
    return Host(client, owner, SITE.format(place.site_id))


@pytest.fixture
def again(stage, run_jobs):
    """Let the minute's job ask for what is due, and run what it asks for."""

    def ask():
        with stage.transaction() as session:
            asked = sending.ask_all(session, stage.now)
        run_jobs()
        return asked

    return ask


def test_an_application_is_told_signed_and_once(stage, host, place, receiver, run_jobs):
    made = host.make("booking.submitted", "booking.cancelled")
    booking_id = stage.submitted(place)
    run_jobs()
    ((url, headers, body),) = receiver.got
    assert url == made["url"]
    assert headers["Content-Type"] == "application/json"
    assert int(headers["webhook-timestamp"]) == int(stage.now.timestamp())
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
    stage, host, place, receiver, run_jobs, again, clock
):
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
    (letter,) = mail.to(host.person.email)
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
    host.call("PATCH", f"/{made['id']}", 428, json={"enabled": False})
    etag = host.call("GET", f"/{made['id']}").headers["ETag"]
    changed = host.change(made, types=["booking.cancelled"], description="Ours", enabled=False)
    assert (changed["types"], changed["disabled_for"]) == (["booking.cancelled"], "owner")
    host.call("PATCH", f"/{made['id']}", 412, json={}, headers={"If-Match": etag})
    for _ in range(19):
        host.make("booking.confirmed")
    full = {"url": "https://ehr.example/", "types": ["booking.confirmed"]}
    assert host.call("POST", status=409, json=full).get_json()["code"] == "too_many_webhooks"
    assert len(host.call("GET", "?limit=100").get_json()["items"]) == 20


def events(site_id, school_id, at):
    """One of every event that is told of; ids are those of nothing."""
    one = uuid4()
    about = {
        "booking_id": one, "trainee_id": one, "listing_id": one, "site_id": site_id,
        "first_day": date(2027, 3, 1), "weeks": 4, "at": at,
    }  # fmt: skip
    states = {
        booking.BookingSubmitted: "submitted", booking.BookingConfirmed: "confirmed",
        booking.BookingStarted: "in_progress", booking.BookingCompleted: "completed",
        booking.BookingNoShow: "no_show", booking.BookingCancelled: "cancelled_by_host",
        booking.BookingReleased: "declined",
    }  # fmt: skip
    for kind, state in states.items():
        yield kind(**about, state=state, before="submitted", cohort_id=one, school_id=school_id)
        yield kind(**about, state=state, before="held")
    yield booking.BookingChanged(one, site_id, one, site_id, "reschedule", date(2027, 3, 1), 4, at)
    yield booking.BookingChanged(one, site_id, one, uuid4(), "rescue", date(2027, 3, 1), 4, at)
    for state in ("waiting", "approved", "declined"):
        yield booking.SchoolAsked(one, school_id, state, at, at)
    for cause in ("released", "taken_back", "accepted", "rejected"):
        yield DocumentsChanged(site_id, one, cause, at)
    amount = Money(42500, "USD")
    yield TransferSettled(one, site_id, Payable("booking", one), 1, amount, at)
    yield HostPayout(site_id, at)
    yield HostPayout(site_id, at, "account_closed")
    for state in ("open", "overdue", "paid", "void"):
        yield InvoiceMoved(one, school_id, state, amount, date(2027, 3, 1), at)
    yield AgreementInForce(one, school_id, site_id, date(2027, 1, 1), date(2027, 12, 31), at)


def test_everything_in_the_catalogue_is_told_and_fits_its_schema(
    stage, host, place, receiver, run_jobs
):
    school_id = a_school(stage)
    host.make(*catalogue.chosen(Side.SITE))
    with stage.transaction() as session:
        session.execute(
            text(
                "INSERT INTO webhook_endpoint SELECT gen_random_uuid(), :school, NULL, :school,"
                " 'https://school.example/', :types, '', 'enabled', NULL, NULL, 1, created_by,"
                " created_at, NULL, changed_at, NULL, NULL FROM webhook_endpoint"
            ),
            {"school": school_id, "types": catalogue.chosen(Side.SCHOOL)},
        )
    with stage.transaction() as session:
        for event in events(place.site_id, school_id, stage.now):
            publish(session, event)
    run_jobs()
    by_url = {}
    for (url, _, _), message in zip(receiver.got, receiver.messages(), strict=True):
        schema = catalogue.types()[message["type"]].schema
        jsonschema.validate(message, schema, format_checker=jsonschema.FormatChecker())
        extra = message["data"].keys() - schema["properties"]["data"]["properties"].keys()
        assert extra == set()
        by_url.setdefault(url, []).append(message["type"])
    assert set(by_url["https://ehr.example/hooks"]) == set(catalogue.chosen(Side.SITE))
    assert set(by_url["https://school.example/"]) == set(catalogue.chosen(Side.SCHOOL))
    # A seat that was only held, and a booking of another site, are none of the site's business.
    assert by_url["https://ehr.example/hooks"].count("booking.released") == 1
    assert by_url["https://ehr.example/hooks"].count("booking.changed") == 1
    assert by_url["https://school.example/"].count("booking.released") == 1


def test_telling_costs_a_booking_no_statement(stage, people, client, place, host, count_queries):
    """With an endpoint that listens and without: the row goes with what is written anyway."""

    def submitting():
        trainee = people.trainee(visa_type="b1_b2")
        booking_id = stage.hold(trainee.id, place, date(2027, 3, 1))
        with count_queries() as seen:
            answer = client.post(
                f"/api/v1/bookings/{booking_id}/submit",
                json={"message": "Please."},
                headers=trainee.headers,
            )
        assert answer.status_code == 200, answer.json
        return len(seen)

    before = submitting()
    made = host.make("booking.submitted")
    assert submitting() == before
    assert len(host.deliveries(made)) == 1


def test_old_messages_are_deleted_and_lists_take_one_index(stage, host, place, count_queries):
    made = host.make("payout.paid")
    with stage.transaction() as session:
        session.execute(
            text(
                "INSERT INTO webhook_message (id, owner_id, type, body, at)"
                " SELECT gen_random_uuid(), :site, 'payout.paid', '{}',"
                "        CAST(:now AS timestamptz) - n * interval '10 seconds'"
                "   FROM generate_series(1, 20000) n"
            ),
            {"site": place.site_id, "now": stage.now - timedelta(days=29)},
        )
        session.execute(
            text(
                "INSERT INTO webhook_attempt SELECT endpoint_id, message_id, 1, created_at, 5, 500,"
                " '', 'no' FROM webhook_delivery"
            )
        )
        session.execute(text("UPDATE webhook_delivery SET state = 'failed', next_at = NULL"))
        session.execute(text("ANALYZE webhook_delivery, webhook_message, webhook_attempt"))
        plans = {
            query: "\n".join(session.execute(text(f"EXPLAIN {query}")).scalars())
            for query in (
                (
                    f"SELECT * FROM webhook_delivery WHERE endpoint_id = '{made['id']}'"
                    " AND state = 'delivered' ORDER BY message_id DESC LIMIT 21"
                ),
                (
                    f"SELECT * FROM webhook_delivery WHERE endpoint_id = '{made['id']}'"
                    " ORDER BY message_id DESC LIMIT 21"
                ),
                (
                    "SELECT id FROM webhook_endpoint e WHERE EXISTS (SELECT FROM webhook_delivery d"
                    " WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.next_at <= now())"
                ),
                (
                    f"SELECT id FROM webhook_message WHERE at < '{stage.now - timedelta(days=30)}'"
                    " ORDER BY at LIMIT 100"
                ),
            )
        }
    for query, plan in plans.items():
        assert "Index" in plan, f"{query}\n{plan}"
        assert "Seq Scan on webhook_delivery" not in plan, f"{query}\n{plan}"
        assert "Seq Scan on webhook_message" not in plan, f"{query}\n{plan}"
    sizes = []
    for limit in (1, 100):
        with count_queries() as seen:
            assert len(host.deliveries(made, f"?limit={limit}")) == limit
        sizes.append(len(seen))
    assert sizes[0] == sizes[1] <= 6
    with stage.transaction() as session:
        pruned = replaying.prune(session, stage.now)
        assert pruned == replaying.PRUNED_AT_ONCE
        while replaying.prune(session, stage.now):
            pass
        left = session.execute(
            text(
                "SELECT (SELECT count(*) FROM webhook_message), (SELECT count(*) FROM"
                " webhook_delivery), (SELECT count(*) FROM webhook_attempt)"
            )
        ).one()
    # One each ten seconds of the last day that is kept.
    assert left == (8640, 8640, 8640)
