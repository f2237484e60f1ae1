"""Bookings over HTTP: who may do what, what is answered, and what a hold costs in statements."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from marketplace.booking.service import rescues
from tests.factories.people import People
from tests.factories.rotations import FIRST_DAY

API = "/api/v1"
VISA = {"visa_type": "b1_b2"}


@pytest.fixture
def place(stage):
    return stage.place()


@pytest.fixture
def trainee(people):
    return people.trainee(**VISA)


@pytest.fixture
def host(people, place):
    return people.make("coordinator", site_id=place.site_id, name="Cora Diaz")


@pytest.fixture
def call(client):
    def send(person, method, path, json=None, **headers):
        return client.open(
            API + path, method=method, json=json, headers={**person.headers, **headers}
        )

    return send


def asked(place, first_day=FIRST_DAY, weeks=4):
    return {
        "listing_id": str(place.listing_id),
        "first_day": first_day.isoformat(),
        "weeks": weeks,
    }


def test_hold_pay_and_read(stage, call, place, trainee):
    held = call(trainee, "POST", "/bookings", asked(place))
    assert held.status_code == 201, held.json
    assert held.json["state"] == "held"
    assert held.json["total"] == {"amount": 224000, "currency": "USD"}
    assert held.json["price_lines"][1]["kind"] == "platform_fee"
    assert held.json["policy"] == "tiered_days"
    where = held.headers["Location"].removeprefix(API)
    paying = call(trainee, "POST", f"{where}/payments", {})
    assert paying.status_code == 201
    assert paying.json["booking"]["state"] == "awaiting_payment"
    stage.settle(stage.booking(held.json["id"]).payment_id)
    read = call(trainee, "GET", where)
    assert read.json["state"] == "confirmed"
    assert read.json["paid"] == {"amount": 44800, "currency": "USD"}
    assert read.headers["ETag"] == f'"{held.json["id"]}.{read.json["version"]}"'
    listed = call(trainee, "GET", "/bookings?state=confirmed")
    assert [row["id"] for row in listed.json["items"]] == [held.json["id"]]
    assert call(trainee, "GET", "/bookings?state=held").json["items"] == []


def test_the_last_seat_is_sold_once(people, call, place, trainee):
    call(trainee, "POST", "/bookings", asked(place))
    second = call(people.trainee(**VISA), "POST", "/bookings", asked(place))
    assert second.status_code == 409
    assert second.json["code"] == "seat_taken"
    assert second.json["weeks"][0] == "2027-03-01"


def test_one_trainee_one_seat_a_week(stage, call, place, trainee):
    first = call(trainee, "POST", "/bookings", asked(place))
    second = call(trainee, "POST", "/bookings", asked(stage.place()))
    assert (second.status_code, second.json["code"]) == (409, "already_booked_then")
    assert second.json["booking_id"] == first.json["id"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"first_day": "2027-03-03"}, 409, "not_bookable"),
        ({"weeks": 0}, 422, "invalid"),
        ({"weeks": "4"}, 422, "invalid"),
        ({"first_day": "2027-02-30"}, 422, "invalid"),
        ({"first_day": "9999-12-27"}, 422, "invalid"),
        ({"price": 1}, 422, "invalid"),
        ({"listing_id": str(uuid4())}, 404, "listing_not_found"),
        ({"weeks": 30}, 409, "not_eligible"),
    ],
)
def test_what_cannot_be_held_is_said_clearly(call, place, trainee, change, status, code):
    answer = call(trainee, "POST", "/bookings", {**asked(place), **change})
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_another_trainee_sees_nothing(people, call, place, trainee):
    booking = call(trainee, "POST", "/bookings", asked(place)).json["id"]
    other = people.trainee(**VISA)
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/payments", {}),
        ("POST", "/withdraw", {}),
        ("POST", "/submit", {}),
        ("POST", "/cancellation-quote", {}),
        ("POST", "/cancel", {"quote": "0" * 64}),
        ("POST", "/approve", None),
        ("GET", "/attendance", None),
    ):
        answer = call(other, method, f"/bookings/{booking}{path}", body)
        assert answer.status_code == 404, (path, answer.json)
    assert call(other, "GET", "/bookings").json["items"] == []
    refused = call(other, "GET", f"/operator/bookings/{booking}/history")
    assert refused.status_code == 403


def test_a_trainee_cannot_decide_on_their_own_application(stage, call, trainee):
    place = stage.place(approval="request")
    booking = call(trainee, "POST", "/bookings", asked(place)).json["id"]
    call(trainee, "POST", f"/bookings/{booking}/submit", {"message": "Please."})
    assert call(trainee, "POST", f"/bookings/{booking}/approve").status_code == 404


def test_the_host_decides(stage, people, call, trainee):
    place = stage.place(approval="request")
    host = people.make("coordinator", site_id=place.site_id, name="Cora Diaz")
    booking = call(trainee, "POST", "/bookings", asked(place)).json["id"]
    call(trainee, "POST", f"/bookings/{booking}/submit", {"message": "Please."})
    waiting = call(host, "GET", f"/sites/{place.site_id}/applications").json["items"]
    assert [(row["booking_id"], row["message"], row["school_country"]) for row in waiting] == [
        (booking, "Please.", "IN")
    ]
    agreed = call(host, "POST", f"/bookings/{booking}/approve")
    assert (agreed.status_code, agreed.json["state"]) == (200, "awaiting_payment")
    late = call(host, "POST", f"/bookings/{booking}/decline", {"reason": "Full."})
    assert (late.status_code, late.json["code"]) == (409, "decided_already")
    assert (late.json["decided_by"], late.json["state"]) == ("Cora Diaz", "awaiting_payment")
    assert call(host, "GET", f"/sites/{place.site_id}/applications").json["items"] == []


def test_a_preceptor_reads_the_roster_but_decides_nothing(stage, people, call, place, trainee):
    preceptor = people.make("preceptor", site_id=place.site_id)
    booking_id = stage.confirmed(place, trainee.id)
    shown = call(preceptor, "GET", f"/sites/{place.site_id}/roster?from=2027-03-01&to=2027-03-31")
    assert [row["booking_id"] for row in shown.json["items"]] == [str(booking_id)]
    assert len(shown.json["weeks"]) == 5
    refused = call(preceptor, "POST", f"/bookings/{booking_id}/complete")
    assert refused.status_code == 403
    stranger = people.make()
    assert (
        call(
            stranger, "GET", f"/sites/{place.site_id}/roster?from=2027-03-01&to=2027-03-31"
        ).status_code
        == 404
    )


def test_attendance_and_completion(stage, call, clock, place, trainee, host):
    booking_id = stage.confirmed(place, trainee.id)
    path = f"/bookings/{booking_id}"
    days = [{"day": "2027-03-01", "mark": "present"}, {"day": "2027-03-02", "mark": "absent"}]
    early = call(host, "POST", f"{path}/attendance", {"days": days})
    assert (early.status_code, early.json["code"]) == (409, "not_open_for_this")
    assert "confirmed (paid, and not begun)" in early.json["detail"]
    assert {"to": "cancelled_by_trainee", "by": "the trainee cancels under the quote"} in (
        early.json["possible"]
    )
    clock.at = datetime(2027, 3, 26, 18, 0, tzinfo=UTC)
    marked = call(host, "POST", f"{path}/attendance", {"days": days})
    assert marked.status_code == 200, marked.json
    assert [row["mark"] for row in marked.json["marks"]] == ["present", "absent"]
    assert call(host, "POST", f"{path}/complete").json["state"] == "completed"
    again = call(host, "POST", f"{path}/complete")
    assert (again.status_code, again.json["code"]) == (409, "illegal_transition")
    assert again.json["detail"].startswith("It is completed (the rotation was done) and can't")
    assert again.json["possible"] == []
    seen = call(trainee, "GET", f"{path}/attendance")
    assert seen.json["state"] == "completed"


def test_cancelling_by_the_quote(stage, call, place, trainee):
    booking_id = stage.confirmed(place, trainee.id, whole=True)
    path = f"/bookings/{booking_id}"
    shown = call(trainee, "POST", f"{path}/cancellation-quote", {})
    assert shown.json["refund"] == {"amount": 199000, "currency": "USD"}
    assert [line["code"] for line in shown.json["lines"]] == [
        "deposit_paid",
        "balance_paid",
        "kept",
        "refund",
    ]
    stale = call(trainee, "POST", f"{path}/cancel", {"quote": "0" * 64})
    assert (stale.status_code, stale.json["code"]) == (409, "quote_changed")
    assert stale.json["quote"]["quote"] == shown.json["quote"]
    done = call(trainee, "POST", f"{path}/cancel", {"quote": shown.json["quote"]})
    assert done.status_code == 200, done.json
    assert done.json["booking"]["state"] == "cancelled_by_trainee"
    assert done.json["quote"]["refund"] == shown.json["refund"]


def test_the_host_calls_off_and_all_goes_back(stage, call, place, trainee, host):
    """Where nothing else is found; what is offered instead is in test_rescues."""
    booking_id = stage.confirmed(place, trainee.id)
    done = call(
        host, "POST", f"/bookings/{booking_id}/host-cancellation", {"reason": "Preceptor ill."}
    )
    assert done.json["state"] == "cancelled_by_host"
    with stage.transaction() as session:
        rescues.search(session, booking_id, terms=stage.terms, now=stage.now)
    assert stage.refunded(stage.booking(booking_id).payment_id) == 44800


def test_an_operator_sees_everything_that_happened(stage, people, call, place, trainee):
    operator = people.make("operator", name="Olga Ivanova")
    booking_id = stage.confirmed(place, trainee.id)
    path = f"/operator/bookings/{booking_id}"
    wish = {"event": "host_withdraws"}
    shown = call(operator, "POST", f"{path}/cancellation-quote", wish).json
    done = call(
        operator,
        "POST",
        f"{path}/cancel",
        {**wish, "quote": shown["quote"], "reason": "Site closed."},
    )
    assert done.status_code == 200, done.json
    history = call(operator, "GET", f"{path}/history").json
    assert [step["to_state"] for step in history["steps"]] == [
        "held",
        "awaiting_payment",
        "confirmed",
        "cancelled_by_operator",
    ]
    assert history["steps"][-1]["actor_name"] == "Olga Ivanova"
    assert history["cancellation"]["refund"] == {"amount": 44800, "currency": "USD"}
    trail = call(operator, "GET", f"/operator/audit?subject_id={booking_id}").json["items"]
    assert [entry["action"] for entry in trail] == [
        "booking.history_read",
        "booking.cancelled",
    ]
    unknown = call(operator, "GET", f"/operator/bookings/{uuid4()}/history")
    assert unknown.status_code == 404


def test_an_operator_frees_a_seat(stage, people, call, place, trainee):
    operator = people.make("operator")
    booking_id = stage.hold(trainee.id, place)
    done = call(
        operator, "POST", f"/operator/bookings/{booking_id}/release", {"reason": "A mistake."}
    )
    assert done.json["state"] == "cancelled_by_operator"
    assert stage.taken(place) == {}


def test_a_hold_takes_at_most_twelve_statements(call, count_queries, place, trainee):
    with count_queries() as statements:
        held = call(trainee, "POST", "/bookings", asked(place), **{"Idempotency-Key": "one"})
    assert held.status_code == 201
    own = [text for text in statements.texts if not text.startswith("SET CONSTRAINTS")]
    assert len(own) <= 12, own


@pytest.mark.fault(2)
@pytest.mark.fault(3)
def test_the_same_request_again_is_the_same_booking(stage, call, place, trainee):
    key = {"Idempotency-Key": "hold-1"}
    first = call(trainee, "POST", "/bookings", asked(place), **key)
    again = call(trainee, "POST", "/bookings", asked(place), **key)
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    other = call(trainee, "POST", "/bookings", asked(place, weeks=2), **key)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")
    assert set(stage.taken(place).values()) == {1}


@pytest.mark.fault(2)
@pytest.mark.fault(4)
def test_the_same_request_many_times_at_once_is_one_booking(live, live_stage):
    place = live_stage.place(seats_per_week=8)
    people = People(live.app)
    trainee = people.trainee(**VISA)
    gate = threading.Barrier(8)

    def send(_):
        gate.wait()
        with live.app.test_client() as client:
            return client.post(
                f"{API}/bookings",
                json=asked(place),
                headers={**trainee.headers, "Idempotency-Key": "same"},
            )

    with ThreadPoolExecutor(8) as hands:
        answers = list(hands.map(send, range(8)))
    made = {answer.json["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert set(live_stage.taken(place).values()) == {1}
    people.close()


def test_consents_are_given_withdrawn_and_kept(call, trainee):
    path = "/me/consents/research"
    given = call(trainee, "PUT", path, {"given": True, "wording": "2026-01"})
    assert (given.status_code, given.json["number"]) == (200, 1)
    assert call(trainee, "PUT", path, {"given": True, "wording": "2026-01"}).json["number"] == 1
    assert call(trainee, "PUT", path, {"given": False, "wording": "2026-01"}).json["number"] == 2
    listed = call(trainee, "GET", "/me/consents").json
    assert [(row["purpose"], row["given"]) for row in listed] == [
        ("research", True),
        ("research", False),
    ]
    unknown = call(trainee, "PUT", "/me/consents/selling", {"given": True, "wording": "1"})
    assert unknown.status_code == 404


def test_pages_follow_each_other(stage, call, trainee):
    place = stage.place()
    ids = [
        str(stage.hold(trainee.id, place, FIRST_DAY + timedelta(days=7 * n), 1)) for n in range(5)
    ]
    seen, cursor = [], ""
    while cursor is not None:
        page = call(trainee, "GET", f"/bookings?limit=2{cursor and '&cursor=' + cursor}").json
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ids[::-1]


def test_a_roster_needs_days_in_order(call, place, host):
    path = f"/sites/{place.site_id}/roster"
    for query in ("", "?from=2027-03-08&to=2027-03-01", "?from=2027-01-01&to=2030-01-01"):
        assert call(host, "GET", path + query).status_code == 422
