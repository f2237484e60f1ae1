"""An operator reads a booking's whole story; replaying finds what was tampered with."""

from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from marketplace.booking import queries
from marketplace.booking.service import applications, replaying
from marketplace.cli.system import check
from marketplace.payments.queries import money_of
from tests.integration.booking.test_rescheduling import move
from tests.integration.booking.test_routes import API, VISA


def agrees(stage, *booking_ids):
    with stage.transaction() as session:
        found = replaying.verdicts(session, [queries.find(session, one) for one in booking_ids])
    return {one.booking_id: list(one.disagreements) for one in found}


@pytest.fixture
def cancelled(stage):
    """Confirmed, then cancelled by its trainee."""
    place = stage.place()
    booking_id = stage.confirmed(place, whole=True)
    stage.cancel(booking_id, "Visa.")
    return booking_id


def test_the_whole_story_in_its_order(stage, people, client, cancelled):
    operator = people.make("operator", name="Olga Ivanova")
    answer = client.get(f"{API}/operator/bookings/{cancelled}/story", headers=operator.headers)
    assert answer.status_code == 200, answer.json
    events = answer.json["events"]
    assert [one["at"] for one in events] == sorted(one["at"] for one in events)
    kinds = [one["kind"] for one in events]
    assert kinds.count("step") == 4
    assert kinds.count("seat_taken") == kinds.count("seat_given_up") == 4
    assert {
        "payment_asked", "payment_settled", "refund_asked", "posting", "cancellation_agreed",
    } <= set(kinds)  # fmt: skip
    posted = [one["detail"]["amount"]["amount"] for one in events if one["kind"] == "posting"]
    assert sum(posted) == 0
    assert answer.json["replay"] == {
        "agrees": True,
        "state": "cancelled_by_trainee",
        "kept_until": None,
        "weeks_in_use": [],
        "disagreements": [],
    }
    with stage.transaction() as session:
        read = session.execute(
            text("SELECT count(*) FROM audit_entry WHERE action = 'booking.story_read'")
        )
        assert read.scalar_one() == 1


def test_an_operator_finds_the_booking_to_read(stage, people, client, count_queries):
    place, other = stage.place(seats_per_week=2), stage.place()
    asha, ben = stage.trainee("Asha Rao"), stage.trainee("Ben Osei")
    mine, theirs = stage.confirmed(place, asha), stage.hold(ben, place)
    elsewhere = stage.hold(asha, other, date(2027, 5, 3))
    operator = people.make("operator")

    def found(**wanted):
        with count_queries() as seen:
            answer = client.get(
                f"{API}/operator/bookings", query_string=wanted, headers=operator.headers
            )
        assert answer.status_code == 200, answer.json
        assert len(seen) <= 6
        return [one["id"] for one in answer.json["items"]]

    mine, theirs, elsewhere = str(mine), str(theirs), str(elsewhere)
    assert found() == [elsewhere, theirs, mine]
    assert found(trainee_id=asha) == [elsewhere, mine]
    assert found(site_id=place.site_id) == [theirs, mine]
    assert found(listing_id=place.listing_id, state="held") == [theirs]
    assert found(first_day_from="2027-04-01", first_day_to="2027-06-01") == [elsewhere]
    assert found(overdue="true") == []
    stage.clock.at = datetime(2027, 2, 20, 12, 0, tzinfo=UTC)
    assert found(overdue="true") == [mine]
    host = people.make("coordinator", site_id=place.site_id)
    assert client.get(f"{API}/operator/bookings", headers=host.headers).status_code == 403


def test_what_was_paid_for_a_booking_is_listed(stage, people, client):
    place = stage.place()
    trainee = people.trainee(**VISA)
    booking_id = stage.confirmed(place, trainee.id)
    deposit = stage.pay(booking_id)
    assert stage.settle(deposit) == "settled"
    path = f"{API}/bookings/{booking_id}/payments"
    answer = client.get(path, headers=trainee.headers)
    assert answer.status_code == 200, answer.json
    items = answer.json["items"]
    assert [(one["purpose"], one["state"]) for one in items] == [
        ("deposit", "settled"), ("balance", "settled"),
    ]  # fmt: skip
    total = client.get(f"{API}/bookings/{booking_id}", headers=trainee.headers).json["total"]
    assert sum(one["amount"]["amount"] for one in items) == total["amount"]
    for one in items:
        read = client.get(f"{API}/payments/{one['payment_id']}", headers=trainee.headers)
        assert read.json["amount"] == one["amount"]
    assert client.get(path, headers=people.trainee(**VISA).headers).status_code == 404


def test_what_was_said_is_in_the_story(stage, people, client):
    place = stage.place(approval="request")
    host = stage.member(place.site_id, name="Cora Diaz")
    booking_id = stage.submitted(place)
    with stage.transaction() as session:
        booking = queries.find(session, booking_id)
        applications.ask_for_more(session, booking, text="When?", actor_id=host, now=stage.now)
    operator = people.make("operator")
    path = f"{API}/operator/bookings/{booking_id}/story"
    events = client.get(path, headers=operator.headers).json["events"]
    (said,) = (one for one in events if one["kind"] == "said_more_asked")
    assert (said["text"], said["actor_name"]) == ("When?", "Cora Diaz")


def test_a_story_takes_as_many_queries_however_long(
    stage, people, client, cancelled, count_queries
):
    operator = people.make("operator")
    counts = []
    for booking_id in (cancelled, stage.hold(stage.trainee(), stage.place())):
        with count_queries() as seen:
            client.get(f"{API}/operator/bookings/{booking_id}/story", headers=operator.headers)
        counts.append(len(seen))
    assert max(counts) <= 26


def test_only_operators_read_it(people, client, cancelled):
    trainee = people.trainee(**VISA)
    path = f"{API}/operator/bookings/{cancelled}/story"
    assert client.get(path, headers=trainee.headers).status_code == 403


def test_every_way_through_replays(stage, cancelled):
    place = stage.place(approval="request")
    applied, host = stage.submitted(place), stage.member(place.site_id)
    with stage.transaction() as session:
        booking = queries.find(session, applied)
        applications.approve(session, booking, actor_id=host, now=stage.now)
    late = stage.hold(stage.trainee(), stage.place())
    payment = stage.pay(late)
    stage.clock.advance(timedelta(hours=1))
    stage.expire_due()
    assert stage.settle(payment) in {"settled", "late"}
    lost_place = stage.place()
    lost = stage.hold(stage.trainee(), lost_place)
    payment = stage.pay(lost)
    stage.clock.advance(timedelta(hours=1))
    stage.expire_due()
    stage.confirmed(lost_place)
    stage.settle(payment)
    assert (stage.state(late), stage.state(lost)) == ("confirmed", "expired")
    assert set(map(len, agrees(stage, cancelled, applied, late, lost).values())) == {0}


@pytest.mark.parametrize(
    ("tampering", "words"),
    [
        ("UPDATE booking SET paid_minor = paid_minor + 1 WHERE id = :id", "should be"),
        (
            "DELETE FROM booking_week WHERE booking_id = :id AND week = '2027-03-08'",
            "the week of 2027-03-08 has no seat",
        ),
        (
            "UPDATE payment SET refunded_minor = 1 WHERE payable_id = :id",
            "was granted back",
        ),
    ],
)
def test_tampering_is_found(stage, tampering, words):
    booking_id = stage.confirmed(stage.place())
    assert agrees(stage, booking_id) == {booking_id: []}
    with stage.transaction() as session:
        session.execute(text(tampering), {"id": booking_id})
        session.expire_all()
    assert any(words in line for line in agrees(stage, booking_id)[booking_id])


def test_the_command_replays_all_and_names_what_disagrees(live_stage, live, monkeypatch):
    good, bad = (live_stage.confirmed(live_stage.place()) for _ in range(2))
    for _ in range(5):
        live_stage.hold(live_stage.trainee(), live_stage.place())
    monkeypatch.setattr(replaying, "BATCH", 3)

    def run():
        with live.app.app_context():
            return CliRunner().invoke(check, ["bookings"])

    first = run()
    assert (first.exit_code, first.stdout) == (0, ""), first.output
    assert "7 booking(s) replayed, 0 disagree" in first.stderr
    with live_stage.transaction() as session:
        session.execute(text("UPDATE booking SET paid_minor = 1 WHERE id = :id"), {"id": bad})
    second = run()
    assert second.exit_code == 1
    assert str(bad) in second.stdout
    assert str(good) not in second.stdout


def test_what_was_carried_to_other_weeks_replays_on_both_sides(stage):
    place = stage.place()
    before = stage.confirmed(place, whole=True)
    once = move(stage, before, weeks=3)
    stage.clock.advance(timedelta(minutes=1))
    twice = move(stage, once, weeks=2)
    assert agrees(stage, before, once, twice) == {before: [], once: [], twice: []}
    with stage.transaction() as session:
        kept = money_of(session, "booking", [before, once, twice])
    assert [sum(one.carried_on.minor for one in kept[each]) > 0 for each in kept] == [
        True,
        True,
        False,
    ]
    granted = sum(one.granted.minor for some in kept.values() for one in some)
    assert granted == stage.refunded(stage.booking(before).payment_id)


def test_the_history_names_what_it_took_over_from_and_what_from_it(stage, people, client):
    first = stage.confirmed(stage.place(), whole=True)
    second = move(stage, first, weeks=3)
    third = move(stage, second, weeks=2)
    operator = people.make("operator")

    def read(what):
        path = f"{API}/operator/bookings/{second}/{what}"
        answer = client.get(path, headers=operator.headers)
        assert answer.status_code == 200, answer.json
        return answer.json

    changes = read("history")["changes"]
    assert [(one["kind"], one["replaced_id"], one["booking_id"]) for one in changes] == [
        ("reschedule", str(first), str(second)),
        ("reschedule", str(second), str(third)),
    ]
    assert changes[0]["carried"]["amount"] + changes[0]["refund"]["amount"] == 224000
    assert all(one["actor_name"] and len(one["quote"]) == 64 for one in changes)
    told = {one["kind"]: one["detail"] for one in read("story")["events"]}
    assert told["took_over"]["other_booking_id"] == str(first)
    assert told["taken_over"]["other_booking_id"] == str(third)
