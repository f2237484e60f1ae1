"""Exports on schedule: made when they are due, delivered whole, tried again, logged."""

import hashlib
import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from marketplace.adapters.object_store import FileStore
from marketplace.adapters.queue import Context
from marketplace.core.ports import ObjectStore
from marketplace.reporting.gateway import DeliveryStore
from marketplace.reporting.service import deliveries, export_build
from tests.integration.reporting.conftest import YEAR
from tests.integration.reporting.exporting import API

PLAN = {
    "name": "weekly",
    "cron": "0 6 * * 1",
    "time_zone": "America/Chicago",
    "match_year": YEAR,
    "formats": ["jsonl"],
}
MONDAY = "2026-11-23T12:00:00+00:00"


@pytest.fixture
def elsewhere(parts):
    """The store of whoever takes the deliveries away."""
    ours = parts.get(DeliveryStore)
    theirs = FileStore("memory://")
    parts.add(DeliveryStore, theirs)
    yield theirs
    parts.add(DeliveryStore, ours)


@pytest.fixture
def job(parts, sessions):
    return Context(parts, sessions)


def plan(client, who, **changes):
    answer = client.post(f"{API}/schedules", json={**PLAN, **changes}, headers=who.headers)
    assert answer.status_code == 201, answer.get_data()
    return answer.get_json()


def log(client, who):
    listed = client.get(f"{API}/deliveries", headers=who.headers).get_json()["items"]
    return [
        client.get(f"{API}/deliveries/{one['id']}", headers=who.headers).get_json()
        for one in listed
    ]


def at(clock, moment):
    clock.at = datetime.fromisoformat(moment)


def test_what_is_due_is_delivered_whole_and_once(
    panel, client, analyst, clock, job, run_jobs, elsewhere
):
    made = plan(client, analyst)
    assert made["next_at"] == MONDAY
    deliveries.start_due(job)
    assert log(client, analyst) == []
    at(clock, "2026-11-23T12:00:30+00:00")
    deliveries.start_due(job)
    deliveries.start_due(job)
    run_jobs()
    (one,) = log(client, analyst)
    assert (one["state"], one["due_at"], one["folder"]) == (
        "delivered",
        MONDAY,
        "deliveries/weekly/2026-11-23T1200Z",
    )
    assert [tried["failure"] for tried in one["attempts"]] == [None]
    manifest = json.loads(elsewhere.get(f"{one['folder']}/manifest.json"))
    names = [file["name"] for file in manifest["files"]]
    assert names[:2] == [f"outcomes-{YEAR}.csv", f"outcomes-{YEAR}.jsonl"]
    for file in manifest["files"]:
        content = elsewhere.get(f"{one['folder']}/{file['name']}")
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
    (again,) = client.get(f"{API}/schedules", headers=analyst.headers).get_json()["items"]
    assert again["next_at"] == "2026-11-30T12:00:00+00:00"


def test_the_next_one_says_what_has_changed_and_missed_times_come_as_one(
    panel, client, analyst, clock, job, run_jobs, elsewhere
):
    plan(client, analyst)
    for moment in ("2026-11-23T12:00:30+00:00", "2026-12-22T12:00:00+00:00"):
        at(clock, moment)
        deliveries.start_due(job)
        run_jobs()
    last, first = log(client, analyst)
    assert (first["due_at"], last["due_at"]) == (MONDAY, "2026-11-30T12:00:00+00:00")
    summary = json.loads(elsewhere.get(f"{last['folder']}/changes.json"))
    assert summary["compared_with"] == first["export_id"]
    assert (summary["unchanged"], summary["changed"]) == (300, 0)
    assert not elsewhere.exists(f"{first['folder']}/changes.json")


def test_a_store_that_fails_gets_no_manifest_is_tried_again_and_logged(
    panel, client, analyst, clock, job, parts, elsewhere, session, run_jobs, mail
):
    plan(client, analyst)
    at(clock, "2026-11-23T12:00:30+00:00")
    deliveries.start_due(job)

    class Full:
        written = []

        def put_stream(self, key, pieces):
            list(pieces)
            if key.endswith(".jsonl"):
                raise OSError("no space")
            self.written.append(key)

    parts.add(DeliveryStore, Full())
    with pytest.raises(OSError, match="no space"):
        run_jobs()
    assert [key.rpartition("/")[2] for key in Full.written] == [f"outcomes-{YEAR}.csv"]
    (one,) = log(client, analyst)
    assert (one["state"], [a["failure"] for a in one["attempts"]]) == ("sending", ["OSError"])
    early = client.post(f"{API}/deliveries/{one['id']}/retry", headers=analyst.headers)
    assert (early.status_code, early.get_json()["code"]) == (409, "nothing_to_retry")
    # The queue gives up at the last attempt; the next look says so.
    session.execute(
        text(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status)"
            " VALUES ('reports', :task, jsonb_build_object('delivery_id', CAST(:id AS text)), 'failed')"
        ),
        {"task": deliveries.SEND, "id": one["id"]},
    )
    deliveries.start_due(job)
    (one,) = log(client, analyst)
    assert (one["state"], one["failure"]) == ("failed", "not_sent")
    parts.add(DeliveryStore, elsewhere)
    assert (
        client.post(f"{API}/deliveries/{one['id']}/retry", headers=analyst.headers).status_code
        == 202
    )
    run_jobs()
    (one,) = log(client, analyst)
    assert (one["state"], one["failure"]) == ("delivered", None)
    assert [a["failure"] for a in one["attempts"]] == ["OSError", "not_sent", None]
    (told,) = [m for m in mail.to(analyst.email) if "weekly" in m.subject]
    assert "ten times over some seven hours" in told.text
    assert one["id"] in told.text


def test_a_file_that_is_not_what_was_noted_is_not_delivered(
    panel, client, analyst, clock, job, parts, elsewhere, run_jobs, session
):
    plan(client, analyst)
    at(clock, "2026-11-23T12:00:30+00:00")
    deliveries.start_due(job)
    store = parts.get(ObjectStore)

    # Built, and then spoiled where it stands, before it is sent.
    export_id = session.execute(text("SELECT export_id FROM export_delivery")).scalar_one()
    export_build.build(job, export_id)
    (key,) = [key for key in store.keys(f"exports/{export_id}") if key.endswith(".jsonl")]
    store.put(key, b"something else")
    with pytest.raises(deliveries.Changed, match="jsonl"):
        run_jobs()
    (one,) = log(client, analyst)
    assert one["state"] == "sending"
    assert not elsewhere.exists(f"{one['folder']}/manifest.json")


def test_an_identified_schedule_lasts_as_long_as_the_right(
    panel, client, trusted, operator, clock, job, run_jobs, elsewhere
):
    asked = {"profile": "identified", "name": "ids"}
    bare = client.post(f"{API}/schedules", json={**PLAN, **asked}, headers=trusted.headers)
    assert (bare.status_code, list(bare.get_json()["fields"])) == (422, ["reason"])
    plan(client, trusted, **asked, reason="feeds the registry of the school")
    at(clock, "2026-11-23T12:00:30+00:00")
    deliveries.start_due(job)
    run_jobs()
    clock.advance(timedelta(days=60))
    deliveries.start_due(job)
    run_jobs()
    last, first = log(client, operator)
    assert (first["state"], last["state"]) == ("delivered", "failed")
    assert (last["failure"], last["export_id"]) == ("identified_export_refused", None)
    again = client.post(f"{API}/deliveries/{last['id']}/retry", headers=operator.headers)
    assert (again.status_code, again.get_json()["detail"]) == (409, deliveries.REFUSED_EXPORT)


def test_an_ended_schedule_starts_nothing(panel, client, analyst, operator, clock, job):
    made = plan(client, analyst)
    ended = client.delete(f"{API}/schedules/{made['id']}", headers=operator.headers)
    assert ended.get_json()["ended_at"] is not None
    at(clock, "2026-11-30T12:00:00+00:00")
    deliveries.start_due(job)
    assert log(client, analyst) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cron": "* * * * *"}, "cron"),
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"name": "../up"}, "name"),
        ({"name": "Weekly"}, "name"),
        ({"name": "weekly\n"}, "name"),
        ({"time_zone": "Chicago"}, "time_zone"),
        ({"time_zone": "America"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"time_zone": "UTC\x00"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"formats": ["pdf"]}, "formats"),
    ],
)
def test_what_can_not_be_kept_is_refused_by_field(client, analyst, changes, field):
    answer = client.post(f"{API}/schedules", json={**PLAN, **changes}, headers=analyst.headers)
    assert answer.status_code == 422
    assert field in answer.get_data(as_text=True)


def test_two_of_one_name_would_share_a_folder(client, analyst):
    plan(client, analyst)
    answer = client.post(f"{API}/schedules", json=PLAN, headers=analyst.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "schedule_exists")


def test_only_analysts_plan_and_only_staff_see_the_log(client, people):
    trainee = people.make("trainee")
    assert client.post(f"{API}/schedules", json=PLAN, headers=trainee.headers).status_code == 403
    assert client.get(f"{API}/deliveries", headers=trainee.headers).status_code == 403


def test_the_log_is_only_added_to(panel, client, analyst, clock, job, run_jobs, elsewhere, session):
    plan(client, analyst)
    at(clock, MONDAY)
    deliveries.start_due(job)
    run_jobs()
    with pytest.raises(Exception, match="history"), session.begin_nested():
        session.execute(text("UPDATE delivery_attempt SET failure = 'none'"))
