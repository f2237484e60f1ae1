"""Force majeure: a dry run with a code, and a run that does exactly that, in whatever order it dies."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from marketplace.booking import queries
from marketplace.booking.errors import CodeWrong, DryRunOld, NothingTouched, SetChanged
from marketplace.booking.service import force_majeure
from marketplace.core.errors import Conflict
from tests.factories.rotations import FIRST_DAY

API = "/api/v1"
LAST = FIRST_DAY + timedelta(days=13)


def plan(stage, actor_id, states=("IL",), first=FIRST_DAY, last=LAST, site_ids=()):
    with stage.transaction() as session:
        return force_majeure.dry_run(
            session,
            first_day=first,
            last_day=last,
            states=states,
            site_ids=site_ids,
            reason="The hospital is closed after the flood.",
            actor_id=actor_id,
            now=stage.now,
        )


def run(stage, planned, code=None):
    with stage.transaction() as session:
        return force_majeure.run(
            session,
            planned.id,
            code=code or planned.code,
            actor_id=planned.planned_by,
            now=stage.now,
        )


def progress(stage, planned):
    with stage.transaction() as session:
        return queries.force_majeure_counts(session, planned.id)


def finish(stage, planned):
    with stage.transaction() as session:
        return force_majeure.finish(session, planned.id, stage.now)


def call_off(stage, planned, booking_id):
    with stage.transaction() as session:
        force_majeure.call_off(session, planned.id, booking_id, stage.now)


@pytest.fixture
def operator(stage):
    return stage.account("Otto Operator")


@pytest.fixture
def scene(stage):
    """At one place a paid booking, a held one and a later one; in another state a paid one."""
    place = stage.place(seats_per_week=3)
    elsewhere = stage.place(
        site_name="Bayou Clinic", city="New Orleans", state="LA", address="1 Canal St"
    )
    paid = stage.confirmed(place, whole=True)
    held = stage.hold(stage.trainee(), place)
    later = stage.confirmed(place, first_day=FIRST_DAY + timedelta(days=56))
    spared = stage.confirmed(elsewhere)
    return place, elsewhere, paid, held, later, spared


def test_the_dry_run_says_what_would_happen_and_changes_nothing(stage, operator, scene):
    place, _, paid, held, later, spared = scene
    found = plan(stage, operator)
    assert (found.bookings, found.refunds) == (2, [{"amount": 224000, "currency": "USD"}])
    # A notice to each trainee, and one to the site's owner for each booking.
    assert found.notices == 4
    assert len(found.code) == 10
    assert [stage.state(one) for one in (paid, held, later, spared)] == [
        "confirmed",
        "held",
        "confirmed",
        "confirmed",
    ]
    with pytest.raises(NothingTouched):
        plan(stage, operator, first=date(2027, 11, 1), last=date(2027, 11, 2))
    assert plan(stage, operator, states=("IL", "LA")).bookings == 3
    assert plan(stage, operator, states=(), site_ids=(place.site_id,)).bookings == 2


def test_the_run_needs_the_code_and_the_set_as_it_was(stage, operator, scene):
    place = scene[0]
    planned = plan(stage, operator)
    with pytest.raises(CodeWrong):
        run(stage, planned, "0000000000")
    stage.confirmed(place)
    with pytest.raises(SetChanged) as refused:
        run(stage, planned)
    assert refused.value.extra["bookings"] == 3
    again = plan(stage, operator)
    assert again.code != planned.code
    stage.clock.advance(timedelta(hours=24))
    with pytest.raises((DryRunOld, SetChanged)):
        run(stage, again)


def test_each_booking_is_ended_once_wherever_the_job_stopped(stage, operator, scene):
    place, _, paid, held, later, spared = scene
    trainee = stage.booking(paid).trainee_id
    planned = plan(stage, operator)
    assert run(stage, planned).state == "running"
    assert run(stage, planned).state == "running"
    call_off(stage, planned, paid)
    call_off(stage, planned, paid)
    assert not finish(stage, planned)
    assert progress(stage, planned) == {"done": 1, "pending": 1}
    assert stage.refunded(stage.booking(paid).payment_id) == 224000
    call_off(stage, planned, held)
    assert finish(stage, planned)
    assert finish(stage, planned)
    assert run(stage, planned).state == "done"
    assert [stage.state(one) for one in (paid, held, later, spared)] == [
        "cancelled_by_operator",
        "cancelled_by_operator",
        "confirmed",
        "confirmed",
    ]
    assert stage.told(trainee).count("force_majeure") == 1
    assert min(stage.taken(place)) == FIRST_DAY + timedelta(days=56)
    assert stage.findings() == []


def test_what_ended_meanwhile_is_left_as_it_is(stage, operator, scene):
    _, _, paid, held, *_ = scene
    planned = plan(stage, operator)
    run(stage, planned)
    stage.clock.advance(timedelta(hours=1))
    stage.expire_due()
    call_off(stage, planned, held)
    call_off(stage, planned, paid)
    assert stage.state(held) == "expired"
    assert progress(stage, planned) == {"done": 1, "skipped": 1}


def test_two_workers_at_once_refund_once(live_stage):
    place = live_stage.place(seats_per_week=2)
    bookings = [live_stage.confirmed(place, whole=True) for _ in range(2)]
    planned = plan(live_stage, place.owner_id)
    run(live_stage, planned)
    gate = threading.Barrier(4)

    def work(_):
        gate.wait()
        for booking_id in bookings:
            try:
                call_off(live_stage, planned, booking_id)
            except Conflict as refused:
                return refused
        return None

    with ThreadPoolExecutor(4) as hands:
        assert list(hands.map(work, range(4))) == [None] * 4
    for booking_id in bookings:
        assert live_stage.refunded(live_stage.booking(booking_id).payment_id) == 224000
    assert progress(live_stage, planned) == {"done": 2}
    assert live_stage.findings() == []


def test_over_http_by_operators_only_and_as_a_job(stage, client, people, run_jobs):
    place = stage.place(seats_per_week=2)
    first, second = (stage.hold(stage.trainee(), place) for _ in range(2))
    operator, host = people.make("operator"), people.make("site_owner", site_id=place.site_id)
    wish = {
        "first_day": FIRST_DAY.isoformat(),
        "last_day": LAST.isoformat(),
        "states": ["IL"],
        "reason": "Flood.",
    }

    def call(person, method, path="", json=None):
        return client.open(
            f"{API}/operator/force-majeure{path}", method=method, json=json, headers=person.headers
        )

    assert call(host, "POST", json=wish).status_code == 403
    nowhere = call(operator, "POST", json={**wish, "states": []})
    assert nowhere.status_code == 422
    planned = call(operator, "POST", json=wish)
    assert planned.status_code == 201, planned.json
    where = f"/{planned.json['id']}"
    listed = call(operator, "GET", f"{where}/bookings").json["items"]
    assert {one["booking_id"] for one in listed} == {str(first), str(second)}
    assert {one["state"] for one in listed} == {"pending"}
    wrong = call(operator, "POST", f"{where}/run", {"code": "1234567890"})
    assert (wrong.status_code, wrong.json["code"]) == (422, "code_wrong")
    begun = call(operator, "POST", f"{where}/run", {"code": planned.json["code"]})
    assert (begun.status_code, begun.json["state"]) == (202, "running")
    run_jobs()
    done = call(operator, "GET", where).json
    assert (done["state"], done["progress"]) == ("done", {"done": 2})
    assert (done["planned_by"], done["run_by"]) == (operator.name, operator.name)
    assert stage.state(first) == "cancelled_by_operator"
    assert call(operator, "GET", f"{where}/bookings?state=failed").json["items"] == []


def test_runs_are_listed_and_summed_up_at_a_fixed_cost(stage, client, people, count_queries, scene):
    place, _, paid, held, _, spared = scene
    operator = people.make("operator", name="Olga Staff")
    host = people.make("coordinator", site_id=place.site_id)

    def get(path, person=operator):
        return client.get(f"{API}/operator/force-majeure{path}", headers=person.headers)

    counts, made = [], []
    for states in (("IL",), ("LA",), ("IL", "LA")):
        made.append(plan(stage, operator.id, states=states))
        with count_queries() as seen:
            listed = get("").json["items"]
        counts.append(len(seen))
    assert counts[1] == counts[2] <= 6
    assert [one["id"] for one in listed] == [str(one.id) for one in reversed(made)]
    assert "code" not in listed[0]
    run(stage, made[2])
    call_off(stage, made[2], paid)
    call_off(stage, made[2], held)
    with stage.transaction() as session:
        force_majeure.give_up(session, made[2].id, spared, "No answer.", stage.now)
    first = get("?limit=2").json
    rest = get(f"?limit=2&cursor={first['next_cursor']}").json
    assert [one["state"] for one in (*first["items"], *rest["items"])] == [
        "running",
        "planned",
        "planned",
    ]
    (running,) = get("?state=running").json["items"]
    assert running["progress"] == {"done": 2, "failed": 1}
    assert (running["planned_by"], get("?state=done").json["items"]) == ("Olga Staff", [])
    with count_queries() as seen:
        report = get(f"/{made[2].id}/report").json
    assert len(seen) <= 6
    assert (report["run"]["id"], report["to_do"], report["failed"]) == (running["id"], 0, 1)
    back = [{"amount": 224000, "currency": "USD"}]
    assert report["refunded"] == back
    assert [(one["site_name"], one["bookings"], one["refunded"]) for one in report["sites"]] == [
        ("Bayou Clinic", 1, []),
        ("Lakeview Community Hospital", 2, back),
    ]
    failed = get(f"/{made[2].id}/bookings?state=failed").json["items"]
    assert [(one["booking_id"], one["note"]) for one in failed] == [(str(spared), "No answer.")]
    for path in ("", f"/{made[2].id}/report"):
        assert get(path, host).status_code == 403
    assert get("/0198c0de-0000-7000-8000-000000000001/report").status_code == 404
    assert get("?state=over").status_code == 422


def test_the_cost_of_a_dry_run_does_not_grow_with_the_set(stage, operator, count_queries):
    place = stage.place(seats_per_week=9)
    counts = []
    for _ in range(2):
        for _ in range(4):
            stage.confirmed(place)
        with count_queries() as seen:
            plan(stage, operator)
        counts.append(len(seen))
    assert counts[0] == counts[1]
