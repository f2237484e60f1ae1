"""Hours, incident notes, safety reports, teaching certificates: who writes and who may read."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.core.ids import new_id
from tests.factories.rotations import FIRST_DAY
from tests.integration.outcomes.conftest import Done
from tests.integration.outcomes.test_papers import read

DAY = FIRST_DAY.isoformat()
NEXT_WEEK = (FIRST_DAY + timedelta(days=7)).isoformat()
INCIDENT = {"happened_on": DAY, "body": "A needle was left in the sink."}


@pytest.fixture
def preceptor(done):
    return done.people.make("preceptor", name="Dr. Amara Okafor", site_id=done.place.site_id)


def log(done, *days, status=200):
    sent = {"days": [{"day": day, "minutes": minutes} for day, minutes in days]}
    path = f"/bookings/{done.booking_id}/hours"
    return done.call(done.trainee, "POST", path, status, json=sent).get_json()


def sign(done, who, entries, status=200):
    path = f"/bookings/{done.booking_id}/hours/signatures"
    return done.call(who, "POST", path, status, json={"entries": entries}).get_json()


def test_hours_are_logged_signed_and_added_up_by_week(done, preceptor):
    logged = log(done, (DAY, 480), (NEXT_WEEK, 450))
    assert [one["minutes"] for one in logged["days"]] == [480, 450]
    signed = sign(done, preceptor, [logged["days"][0]["id"]])
    assert (signed["minutes"], signed["signed_minutes"]) == (930, 480)
    assert signed["weeks"] == [
        {"week": DAY, "minutes": 480, "signed_minutes": 480},
        {"week": NEXT_WEEK, "minutes": 450, "signed_minutes": 0},
    ]
    assert sign(done, preceptor, [logged["days"][0]["id"]]) == signed
    for who in (done.coordinator, done.operator, preceptor, done.trainee):
        found = done.call(who, "GET", f"/bookings/{done.booking_id}/hours")
        assert found.get_json() == signed


def test_a_signed_day_is_corrected_by_a_new_row_that_waits_for_a_signature(
    done, preceptor, session
):
    (first,) = log(done, (DAY, 480))["days"]
    sign(done, preceptor, [first["id"]])
    corrected = log(done, (DAY, 420))
    assert (corrected["minutes"], corrected["signed_minutes"]) == (420, 0)
    assert corrected["days"][0]["revision"] == 2
    stale = sign(done, preceptor, [first["id"]], 409)
    assert (stale["code"], stale["entries"]) == ("hours_changed", [first["id"]])
    kept = session.execute(text("SELECT minutes FROM hour_entry ORDER BY revision")).scalars()
    assert list(kept) == [480, 420]


@pytest.mark.parametrize("minutes", [-15, 975, 20, "480", 1e9])
def test_hours_have_bounds(done, minutes):
    assert "days" in str(log(done, (DAY, minutes), status=422)["fields"])


@pytest.mark.parametrize("day", ["2027-02-28", "2027-03-29", "2027-03-01T00:00"])
def test_a_day_is_one_of_the_rotations(done, day):
    log(done, (day, 60), status=422)


def test_hours_wait_for_the_rotation(done, stage, people, clock):
    trainee = people.trainee(visa_type="b1_b2")
    booking_id = stage.confirmed(done.place, trainee.id, date(2027, 6, 7))
    early = Done(done.client, booking_id, done.place, trainee, done.coordinator, people)
    assert log(early, ("2027-06-07", 60), status=409)["state"] == "confirmed"


def test_only_the_trainee_logs_and_only_the_site_signs(done, preceptor, stage):
    logged = log(done, (DAY, 480))
    entries = [logged["days"][0]["id"]]
    path = f"/bookings/{done.booking_id}/hours"
    sent = {"days": [{"day": DAY, "minutes": 60}]}
    for who in (preceptor, done.coordinator, done.operator, done.stranger):
        done.call(who, "POST", path, 404, json=sent)
    sign(done, done.trainee, entries, 404)
    sign(done, done.stranger, entries, 404)
    sign(done, done.operator, entries, 404)
    done.people.grant(done.trainee, "preceptor", site_id=done.place.site_id)
    sign(done, done.trainee, entries, 403)
    sign(done, preceptor, entries)
    assert sign(done, done.coordinator, entries, 409)["code"] == "signed_by_another"
    elsewhere = done.people.make("preceptor", site_id=stage.place().site_id)
    for found in (path, f"{path}.csv"):
        done.call(done.stranger, "GET", found, 404)
        done.call(elsewhere, "GET", found, 404)


def withdraw(done, who, entries, status=200):
    path = f"/bookings/{done.booking_id}/hours/signatures/withdrawal"
    sent = {"entries": entries, "reason": "You were at a conference."}
    return done.call(who, "POST", path, status, json=sent).get_json()


def mark(done, day, how, status=200):
    path = f"/bookings/{done.booking_id}/attendance"
    sent = {"days": [{"day": day, "mark": how}]}
    return done.call(done.coordinator, "POST", path, status, json=sent).get_json()


def test_hours_are_signed_or_the_day_is_marked_absent(done, preceptor, run_jobs, mail):
    colleague = done.people.make("preceptor", site_id=done.place.site_id)
    mark(done, DAY, "absent")
    (first,) = log(done, (DAY, 480))["days"]
    refused = sign(done, preceptor, [first["id"]], 409)
    assert (refused["code"], refused["days"]) == ("absent_that_day", [DAY])
    # That nobody worked is no contradiction.
    (none,) = log(done, (DAY, 0))["days"]
    sign(done, preceptor, [none["id"]])
    (second,) = log(done, (DAY, 420))["days"]
    mark(done, DAY, "present")
    assert sign(done, preceptor, [second["id"]])["signed_minutes"] == 420
    refused = mark(done, DAY, "absent", 409)
    assert (refused["code"], refused["days"]) == ("hours_signed", [DAY])
    assert refused["entries"] == [second["id"]]

    assert withdraw(done, colleague, [second["id"]], 409)["code"] == "signed_by_another"
    withdraw(done, done.trainee, [second["id"]], 404)
    assert withdraw(done, done.coordinator, [first["id"]], 409)["code"] == "hours_changed"
    left = withdraw(done, done.coordinator, [second["id"]])
    assert (left["minutes"], left["signed_minutes"]) == (420, 0)
    assert left["days"][0]["withdrawn_at"] is not None
    assert withdraw(done, done.coordinator, [second["id"]]) == left
    assert sign(done, preceptor, [second["id"]], 409)["code"] == "hours_withdrawn"
    mark(done, DAY, "absent")
    run_jobs()
    (told,) = [one for one in mail.to(done.trainee.email) if "withdrawn" in one.subject]
    assert "at a conference" in told.text
    taught = {"from": "2027-01-01", "to": "2027-04-05"}
    path = f"/sites/{done.place.site_id}/teaching-certificates"
    assert done.call(preceptor, "POST", path, 422, json=taught).get_json()["code"] == (
        "nothing_taught"
    )
    mark(done, DAY, "present")
    (third,) = log(done, (DAY, 465))["days"]
    assert sign(done, preceptor, [third["id"]])["signed_minutes"] == 465
    before = done.call(preceptor, "POST", path, json=taught).get_json()
    withdraw(done, preceptor, [third["id"]])
    (fourth,) = log(done, (DAY, 240))["days"]
    sign(done, preceptor, [fourth["id"]])
    done.call(preceptor, "POST", path, json={**taught, "to": "2027-04-04"})
    checked = before["check_address"].partition("/check/")[2]
    assert done.call(None, "GET", f"/public/papers/{checked}").get_json()["standing"] == "stands"
    done.call(preceptor, "POST", path, json=taught)
    assert done.call(None, "GET", f"/public/papers/{checked}").get_json()["standing"] == "replaced"
    listed = done.call(preceptor, "GET", path).get_json()["items"]
    assert [one["standing"] for one in listed] == ["stands", "stands", "replaced"]


def test_who_has_signed_hours_is_no_no_show(done, preceptor, stage, people, clock):
    """And whoever is said not to have come has no hours signed."""
    trainee, place = people.trainee(visa_type="b1_b2"), stage.place()
    booking_id = stage.confirmed(place, trainee.id, date(2027, 6, 7))
    host = people.make("coordinator", "preceptor", site_id=place.site_id)
    begun = Done(done.client, booking_id, place, trainee, host, people)
    clock.at = datetime(2027, 6, 9, 15, 0, tzinfo=UTC)
    # It begins by it, if the hourly job has not been.
    (first,) = log(begun, ("2027-06-07", 480))["days"]
    sign(begun, host, [first["id"]])
    path = f"/bookings/{booking_id}/no-show"
    refused = begun.call(host, "POST", path, 409, json={"reason": "Did not come."}).get_json()
    assert (refused["code"], refused["days"]) == ("hours_signed", ["2027-06-07"])
    withdraw(begun, host, [first["id"]])
    (second,) = log(begun, ("2027-06-07", 240))["days"]
    assert begun.call(host, "POST", path, json={}).get_json()["state"] == "no_show"
    assert sign(begun, host, [second["id"]], 409)["state"] == "no_show"


def test_a_signature_and_an_absence_at_once_are_one_of_the_two(live_stage):
    """The database decides by itself: neither way of writing has asked before."""
    booking_id = live_stage.confirmed(live_stage.place())
    trainee, host = live_stage.booking(booking_id).trainee_id, live_stage.account("Cora Diaz")
    site_id, entry = live_stage.booking(booking_id).site_id, new_id()
    given = {"entry": entry, "booking": booking_id, "by": host, "day": FIRST_DAY, "mark": new_id()}
    absent = (
        "INSERT INTO attendance_mark (id, booking_id, day, revision, mark, marked_by, marked_at)"
        " VALUES (:mark, :booking, :day, 1, 'absent', :by, now())"
    )
    signed = (
        "INSERT INTO hour_signature (entry_id, signed_by, signed_at) VALUES (:entry, :by, now())"
    )
    with live_stage.transaction() as session:
        session.execute(
            text(
                "INSERT INTO hour_entry (id, booking_id, trainee_id, site_id, day, revision,"
                " minutes, activity, logged_at)"
                " VALUES (:entry, :booking, :trainee, :site, :day, 1, 480, '', now())"
            ),
            {**given, "trainee": trainee, "site": site_id},
        )
    begun = threading.Event()

    def mark_absent():
        with live_stage.transaction() as session:
            begun.set()
            session.execute(text(absent), given)

    with ThreadPoolExecutor(1) as hand:
        with live_stage.transaction() as session:
            session.execute(text(signed), given)
            marking = hand.submit(mark_absent)
            begun.wait()
        with pytest.raises(IntegrityError, match="hours of this day are signed"):
            marking.result()
    with live_stage.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM attendance_mark")).scalar_one() == 0


def test_the_table_of_hours_holds_no_formula(done):
    sent = {"days": [{"day": DAY, "minutes": 90, "activity": "=HYPERLINK(1)"}]}
    done.call(done.trainee, "POST", f"/bookings/{done.booking_id}/hours", json=sent)
    table = done.call(done.trainee, "GET", f"/bookings/{done.booking_id}/hours.csv")
    assert table.get_data(as_text=True).splitlines() == [
        "day,hours,activity,signed_at",
        f"{DAY},1.50,'=HYPERLINK(1),",
    ]


@pytest.mark.parametrize(
    "table",
    ["hour_entry", "hour_signature", "hour_withdrawal", "incident_note", "safety_report"],
)
def test_what_was_written_down_is_never_changed(done, preceptor, session, table):
    logged = log(done, (DAY, 480))
    sign(done, preceptor, [logged["days"][0]["id"]])
    withdraw(done, preceptor, [logged["days"][0]["id"]])
    done.call(preceptor, "POST", f"/bookings/{done.booking_id}/incidents", 201, json=INCIDENT)
    path = f"/bookings/{done.booking_id}/safety-reports"
    done.call(done.trainee, "POST", path, 201, json=INCIDENT)
    column = {"hour_signature": "signed_by", "hour_withdrawal": "reason"}.get(table, "booking_id")
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {column} = {column}"):
        with pytest.raises(IntegrityError, match="history"), session.begin_nested():
            session.execute(text(statement))


def test_an_incident_note_is_the_sites_and_the_operators(done, preceptor, stage):
    path = f"/bookings/{done.booking_id}/incidents"
    made = done.call(preceptor, "POST", path, 201, json=INCIDENT).get_json()
    for who in (preceptor, done.coordinator, done.operator):
        assert done.call(who, "GET", path).get_json()["items"] == [made]
    elsewhere = done.people.make("coordinator", site_id=stage.place().site_id)
    done.people.grant(done.trainee, "coordinator", site_id=done.place.site_id)
    for who in (done.trainee, done.stranger, elsewhere):
        done.call(who, "GET", path, 404)
    for who in (done.stranger, elsewhere, done.operator):
        done.call(who, "POST", path, 404, json=INCIDENT)
    late = {**INCIDENT, "happened_on": "2030-01-01"}
    assert "happened_on" in done.call(preceptor, "POST", path, 422, json=late).get_json()["fields"]


def test_a_safety_report_is_out_of_the_hosts_reach(done, preceptor, mail, run_jobs, session):
    operator = done.operator
    host_too = done.people.make("operator")
    done.people.grant(host_too, "coordinator", site_id=done.place.site_id)
    path = f"/bookings/{done.booking_id}/safety-reports"
    made = done.call(done.trainee, "POST", path, 201, json=INCIDENT).get_json()
    assert done.call(done.trainee, "GET", path).get_json()["items"] == [made]
    assert done.call(operator, "GET", path).get_json()["items"] == [made]
    for who in (preceptor, done.coordinator, host_too, done.stranger):
        done.call(who, "GET", path, 404)
        done.call(who, "POST", path, 404, json=INCIDENT)
    every = "/operator/safety-reports"
    assert done.call(operator, "GET", every).get_json()["items"] == [made]
    assert done.call(host_too, "GET", every).get_json()["items"] == []
    done.call(done.coordinator, "GET", every, 403)
    notes = done.call(done.coordinator, "GET", f"/bookings/{done.booking_id}/incidents")
    assert notes.get_json()["items"] == []
    run_jobs()
    assert any("not safe" in one.subject for one in mail.to(operator.email))
    assert not any("needle" in one.text for one in mail.to(operator.email))
    for who in (host_too, done.coordinator, preceptor):
        assert not any("not safe" in one.subject for one in mail.to(who.email))
    seen = session.execute(
        text("SELECT actor_id FROM audit_entry WHERE action LIKE 'safety_reports.%'")
    ).scalars()
    assert set(seen) == {operator.id, host_too.id}


def test_a_teaching_certificate_counts_what_was_signed_without_names(
    done, preceptor, run_jobs, session, mail
):
    path = f"/sites/{done.place.site_id}/teaching-certificates"
    period = {"from": "2027-01-01", "to": "2027-04-05"}
    refused = done.call(preceptor, "POST", path, 422, json=period).get_json()
    assert refused["code"] == "nothing_taught"
    logged = log(done, (DAY, 480), (NEXT_WEEK, 450))
    sign(done, preceptor, [one["id"] for one in logged["days"]])
    log(done, (NEXT_WEEK, 465))
    paper = done.call(preceptor, "POST", path, json=period).get_json()
    assert done.call(preceptor, "POST", path, json=period).get_json() == paper
    run_jobs()
    content = session.execute(
        text("SELECT content FROM paper WHERE id = :id"), {"id": paper["id"]}
    ).scalar_one()
    rows = dict(content["rows"])
    assert (rows["Trainees taught"], rows["Hours signed"]) == ("1", "8")
    assert rows["Preceptor"] == "Dr. Amara Okafor"
    assert done.trainee.name not in str(content)
    assert read(done, paper, preceptor).data.startswith(b"%PDF-")
    listed = done.call(preceptor, "GET", path).get_json()["items"]
    assert [one["number"] for one in listed] == [paper["number"]]
    assert done.call(done.coordinator, "GET", path).get_json()["items"] == []
    done.call(done.trainee, "POST", f"/papers/{paper['id']}/links", 404)
    done.call(done.trainee, "POST", path, 404, json=period)
    backwards = {"from": "2027-04-05", "to": "2027-01-01"}
    done.call(preceptor, "POST", path, 422, json=backwards)
    back, why = f"{path}/{paper['id']}/revocation", {"reason": "Of another site."}
    done.call(done.trainee, "POST", back, 404, json=why)
    assert done.call(done.coordinator, "POST", back, json=why).get_json()["standing"] == "revoked"
    told = {"actor_id": done.coordinator.id, "subject_id": paper["id"]}
    written = text(
        "SELECT count(*) FROM audit_entry WHERE action = 'paper.revoked'"
        " AND actor_id = :actor_id AND subject_id = :subject_id"
    )
    assert session.execute(written, told).scalar_one() == 1
    run_jobs()
    assert any("counts no more" in one.subject for one in mail.to(preceptor.email))
    assert done.call(preceptor, "POST", back, 409, json=why).get_json()["code"] == "paper_changed"
    assert done.call(preceptor, "POST", path, json=period).get_json()["id"] != paper["id"]
