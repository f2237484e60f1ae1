"""A school's word on its students' bookings: asked for, given once, and needed where it is."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.booking import queries
from marketplace.booking.errors import NoSchool, SchoolApprovalNeeded, Superseded
from marketplace.booking.queries import messages as kept
from marketplace.booking.service import applications, messages, payment, schooling
from tests.factories.rotations import FIRST_DAY
from tests.factories.schools import a_coordinator, a_school, link

API = "/api/v1"


def ask(stage, booking_id, message="Please."):
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        schooling.ask(session, booking, message=message, now=stage.now)


def approve(stage, booking_id, school_id, actor_id):
    with stage.transaction() as session:
        schooling.approve(session, booking_id, school_id, actor_id=actor_id, now=stage.now)


def decline(stage, booking_id, school_id, actor_id, reason="You are needed here."):
    with stage.transaction() as session:
        schooling.decline(
            session, booking_id, school_id, reason=reason, actor_id=actor_id, now=stage.now
        )


@pytest.fixture
def school(stage):
    return a_school(stage, approves=True)


@pytest.fixture
def coordinator(stage, school):
    return a_coordinator(stage, school)


@pytest.fixture
def student(stage, school):
    made = stage.trainee("Asha Rao")
    link(stage, school, made)
    return made


def test_nothing_is_paid_before_the_school_has_approved(stage, school, coordinator, student):
    booking_id = stage.hold(student, stage.place())
    with pytest.raises(SchoolApprovalNeeded) as refused:
        stage.pay(booking_id)
    assert refused.value.extra["state"] == "not_asked"
    ask(stage, booking_id)
    assert stage.told(coordinator)[-1] == "school_request"
    kept_until = stage.booking(booking_id).hold_expires_at
    assert kept_until - stage.now > timedelta(days=4)
    with pytest.raises(SchoolApprovalNeeded) as refused:
        stage.pay(booking_id)
    assert refused.value.extra["state"] == "waiting"
    approve(stage, booking_id, school, coordinator)
    assert stage.told(student)[-1] == "school_approved"
    assert stage.settle(stage.pay(booking_id)) == "settled"
    assert stage.state(booking_id) == "confirmed"
    assert stage.findings() == []


def test_the_host_is_asked_after_the_school(stage, school, coordinator, student):
    booking_id = stage.hold(student, stage.place(approval="request"))

    def submit():
        with stage.transaction() as session:
            booking = queries.find(session, booking_id)
            applications.submit(session, booking, message="Please.", now=stage.now)

    with pytest.raises(SchoolApprovalNeeded):
        submit()
    ask(stage, booking_id)
    approve(stage, booking_id, school, coordinator)
    submit()
    assert stage.state(booking_id) == "submitted"


def test_what_the_school_declines_is_given_up_with_its_reason(stage, school, coordinator, student):
    place = stage.place()
    booking_id = stage.hold(student, place)
    ask(stage, booking_id)
    decline(stage, booking_id, school, coordinator)
    assert stage.steps(booking_id) == ["held", "held", "declined"]
    assert stage.told(student)[-1] == "school_declined"
    assert not any(stage.taken(place).values())
    assert stage.findings() == []
    with pytest.raises(Superseded, match="Sara Khan"):
        approve(stage, booking_id, school, coordinator)


def test_a_seat_that_the_school_left_too_long_is_free_again(stage, school, coordinator, student):
    booking_id = stage.hold(student, stage.place())
    ask(stage, booking_id)
    stage.clock.advance(timedelta(days=9))
    stage.expire_due()
    assert stage.state(booking_id) == "expired"
    with pytest.raises(Exception, match="nothing to decide"):
        approve(stage, booking_id, school, coordinator)


def test_a_student_may_ask_where_no_rule_says_so_and_others_can_not(stage):
    school = a_school(stage, "Second College")
    student = stage.trainee()
    link(stage, school, student, sees=[])
    booking_id = stage.hold(student, stage.place())
    assert stage.booking(booking_id).school_id is None
    ask(stage, booking_id)
    assert stage.booking(booking_id).school_id == school
    with pytest.raises(SchoolApprovalNeeded):
        stage.pay(booking_id)
    with pytest.raises(NoSchool):
        ask(stage, stage.hold(stage.trainee(), stage.place()))


def test_the_database_takes_no_confirmation_without_the_schools_word(stage, school, student):
    booking_id = stage.hold(student, stage.place())
    with pytest.raises(IntegrityError, match="school"), stage.transaction() as session:
        session.execute(
            text(
                "WITH step AS (INSERT INTO booking_transition (booking_id, number, from_state,"
                " to_state, at, reason) SELECT id, version + 1, state, 'confirmed', now(), 'x'"
                " FROM booking WHERE id = :id) UPDATE booking SET state = 'confirmed',"
                " version = version + 1, hold_expires_at = NULL WHERE id = :id"
            ),
            {"id": booking_id},
        )


def test_a_decision_stays(stage, school, coordinator, student):
    booking_id = stage.hold(student, stage.place())
    ask(stage, booking_id)
    approve(stage, booking_id, school, coordinator)
    for statement in (
        "UPDATE school_request SET state = 'waiting', decided_at = NULL, decided_by = NULL",
        "DELETE FROM school_request",
    ):
        with pytest.raises(IntegrityError), stage.transaction() as session:
            session.execute(text(statement))


def test_of_two_coordinators_at_once_one_decides_and_the_other_is_told_who(live_stage):
    """Fault 45, at a school: one decision, whoever is at it."""
    stage = live_stage
    school = a_school(stage, approves=True)
    one, other = a_coordinator(stage, school, "Sara Khan"), a_coordinator(stage, school, "Omar Ali")
    student = stage.trainee()
    link(stage, school, student)
    place = stage.place()
    for round_ in range(4):
        booking_id = stage.hold(student, place, FIRST_DAY + timedelta(days=28 * round_))
        ask(stage, booking_id)

        def act(who, booking_id=booking_id):
            try:
                if who == one:
                    approve(stage, booking_id, school, one)
                else:
                    decline(stage, booking_id, school, other)
            except Superseded as told:
                return told.extra["decided_by"]
            return "decided"

        with ThreadPoolExecutor(2) as pool:
            outcomes = list(pool.map(act, (one, other)))
        assert max(outcomes) == "decided"
        winner = "Sara Khan" if outcomes[0] == "decided" else "Omar Ali"
        assert winner in outcomes
        state = "held" if winner == "Sara Khan" else "declined"
        assert stage.state(booking_id) == state
    assert stage.findings() == []


def test_over_http_only_the_schools_own_coordinators_decide(stage, client, people, school):
    student = people.trainee(visa_type="b1_b2", name="Asha Rao")
    link(stage, school, student.id, sees=[])
    mine, stranger = people.make(name="Sara Khan"), people.make(name="Other")
    with stage.transaction() as session:
        for who, where in ((mine, school), (stranger, a_school(stage, "Second College"))):
            session.execute(
                text(
                    "INSERT INTO membership (id, account_id, role, school_id, granted_at)"
                    " VALUES (gen_random_uuid(), :who, 'school_coordinator', :school, now())"
                ),
                {"who": who.id, "school": where},
            )

    def call(who, method, path, status, **sent):
        answer = client.open(API + path, method=method, headers=who.headers, **sent)
        assert answer.status_code == status, (path, answer.status_code, answer.get_data())
        return answer.json

    booking_id = stage.hold(student.id, stage.place())
    waits = f"/bookings/{booking_id}/waiting-for"
    assert [one["code"] for one in call(student, "GET", waits, 200)["items"]] == [
        "school_approval_needed"
    ]
    call(student, "POST", f"/bookings/{booking_id}/school-request", 201, json={"message": "Hi"})
    call(student, "POST", f"/bookings/{booking_id}/school-request", 409, json={})
    call(stranger, "POST", f"/bookings/{booking_id}/school-request", 404, json={})
    path = f"/schools/{school}/requests"
    (row,) = call(mine, "GET", path, 200)["items"]
    assert (row["student_name"], row["request"]["message"]) == ("Asha Rao", "Hi")
    for who in (stranger, student):
        call(who, "GET", path, 404)
        call(who, "POST", f"{path}/{booking_id}/approve", 404)
    other = call(stranger, "GET", "/me/memberships", 200)["items"][0]["school_id"]
    call(stranger, "POST", f"/schools/{other}/requests/{booking_id}/approve", 404)
    call(mine, "POST", f"{path}/{booking_id}/decline", 422, json={"reason": ""})
    done = call(mine, "POST", f"{path}/{booking_id}/approve", 200)
    assert (done["request"]["state"], done["booking_state"]) == ("approved", "held")
    assert call(student, "GET", waits, 200)["items"] == []
    assert call(mine, "GET", path, 200)["items"] == []
    assert len(call(mine, "GET", f"{path}?waiting=false", 200)["items"]) == 1


def test_a_school_sees_of_a_booking_what_its_student_shows(
    stage, client, people, count_queries, run_jobs
):
    school = a_school(stage)
    mine = people.make(name="Sara Khan")
    with stage.transaction() as session:
        session.execute(
            text(
                "INSERT INTO membership (id, account_id, role, school_id, granted_at)"
                " VALUES (gen_random_uuid(), :who, 'school_coordinator', :school, now())"
            ),
            {"who": mine.id, "school": school},
        )
    place = stage.place(seats_per_week=12)
    shows = {
        "All": ["bookings", "dates", "clearance", "messages"],
        "State": ["bookings"],
        "Nothing": [],
        "Only dates": ["dates"],
    }
    made = {}
    for name, sees in shows.items():
        student = stage.trainee(name)
        link(stage, school, student, sees=sees)
        made[name] = stage.confirmed(place, student), student
    stage.confirmed(place, stage.trainee("Stranger"))

    def listed():
        answer = client.get(f"{API}/schools/{school}/bookings", headers=mine.headers)
        assert answer.status_code == 200, answer.json
        return {row["student_name"]: row for row in answer.json["items"]}

    found = listed()
    assert found.keys() == {"All", "State"}
    assert (found["State"]["first_day"], found["State"]["clearance"]) == (None, None)
    assert found["All"]["first_day"] == FIRST_DAY.isoformat()
    assert found["All"]["clearance"] == {"may_start": True, "missing": []}

    booking_id, student = made["All"]
    thread = f"{API}/bookings/{booking_id}/messages"
    wrote = client.post(thread, json={"body": "Hello."}, headers=mine.headers)
    assert (wrote.status_code, wrote.json["role"]) == (201, "school"), wrote.json
    run_jobs()
    hidden = f"{API}/bookings/{made['State'][0]}/messages"
    assert client.get(hidden, headers=mine.headers).status_code == 404
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        assert mine.id in messages.participants(session, booking)
        assert messages.role_in(session, booking, mine.id) == "school"
    threads = client.get(f"{API}/me/messages", headers=mine.headers).json["items"]
    assert [one["booking_id"] for one in threads] == [str(booking_id)]

    with stage.transaction() as session:
        session.execute(
            text("UPDATE school_student SET sees = '{}' WHERE account_id = :id"), {"id": student}
        )
    assert listed().keys() == {"State"}
    assert client.get(thread, headers=mine.headers).status_code == 404
    assert client.get(f"{API}/me/messages", headers=mine.headers).json["items"] == []
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        assert mine.id not in messages.participants(session, booking)
        assert messages.role_in(session, booking, mine.id) is None
        own = kept.Whose(student, frozenset(), frozenset(), operator=False)
        found = kept.threads(session, own, unread=True, limit=5, cursor=None)
        assert [one.booking_id for one in found.items] == [booking_id]

    with count_queries() as few:
        listed()
    for number in range(4):
        more = stage.trainee(f"More {number}")
        link(stage, school, more)
        stage.confirmed(place, more)
    with count_queries() as many:
        assert len(listed()) == 5
    # The first with clearance to show asks for what there is to be cleared by.
    assert len(many) - len(few) <= 3
    last = stage.trainee("One more")
    link(stage, school, last)
    stage.confirmed(place, last)
    with count_queries() as more_still:
        listed()
    assert len(more_still) == len(many)


def test_a_booking_without_a_school_costs_what_it_did(stage, count_queries):
    place, trainee = stage.place(), stage.trainee()
    booking_id = stage.hold(trainee, place)
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        with count_queries() as seen:
            payment.pay(session, booking, terms=stage.terms, now=stage.now)
        assert not [one for one in seen.texts if "school" in one and "INSERT" not in one.upper()]
