"""A booking, from the wish to the payment's page, takes at most twelve statements, keys and all."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Date, bindparam, text

from marketplace.catalog.errors import SeatTaken
from tests.factories.rotations import FIRST_DAY
from tests.integration.booking.test_routes import API, asked

MOST = 12


@pytest.fixture
def ready(stage, people):
    place = stage.place()
    return place, people.trainee(visa_type="b1_b2")


def book(client, place, trainee, key):
    held = client.post(
        f"{API}/bookings",
        json=asked(place),
        headers={**trainee.headers, "Idempotency-Key": f"hold-{key}"},
    )
    assert held.status_code == 201, held.json
    paying = client.post(
        f"{API}/bookings/{held.json['id']}/payments",
        json={},
        headers={**trainee.headers, "Idempotency-Key": f"pay-{key}"},
    )
    assert paying.status_code == 201, paying.json
    return held, paying


def test_a_booking_takes_at_most_twelve_statements(client, ready, count_queries):
    with count_queries() as seen:
        book(client, *ready, "one")
    assert len(seen) <= MOST, "\n".join(" ".join(text.split())[:120] for text in seen.texts)


def test_a_repeated_request_takes_two_statements(client, ready, count_queries):
    first = book(client, *ready, "one")
    with count_queries() as seen:
        again = book(client, *ready, "one")
    assert len(seen) == 4
    assert [answer.json for answer in again] == [answer.json for answer in first]
    assert {answer.headers["Idempotent-Replayed"] for answer in again} == {"true"}


def test_asking_to_pay_twice_is_the_same_payment(client, ready, count_queries):
    _, trainee = ready
    held, paying = book(client, *ready, "one")
    with count_queries() as seen:
        again = client.post(
            f"{API}/bookings/{held.json['id']}/payments", json={}, headers=trainee.headers
        )
    assert again.json["payment_id"] == paying.json["payment_id"]
    assert len(seen) <= 3


def test_what_was_written_is_what_is_read(client, ready):
    """Rows written by statements of ours hold what the answer says, defaults and all."""
    _, trainee = ready
    held, paying = book(client, *ready, "one")
    read = client.get(f"{API}/bookings/{held.json['id']}", headers=trainee.headers).json
    assert read == paying.json["booking"]
    changed = {"state", "version", "hold_expires_at", "payment_id"}
    assert {k: v for k, v in read.items() if k not in changed} == {
        k: v for k, v in held.json.items() if k not in changed
    }
    payment = client.get(
        f"{API}/payments/{paying.json['payment_id']}", headers=trainee.headers
    ).json
    assert payment["amount"] == read["deposit"]
    assert sum(line["amount"]["amount"] for line in payment["lines"]) == payment["amount"]["amount"]
    assert payment["status"] == "requested"


def test_nobody_locks_the_money_of_anothers_booking(client, ready, people, count_queries):
    held, _ = book(client, *ready, "one")
    stranger = people.trainee()
    with count_queries() as seen:
        answer = client.post(
            f"{API}/bookings/{held.json['id']}/payments", json={}, headers=stranger.headers
        )
    assert answer.status_code == 404
    assert len(seen) == 2


def test_a_hold_that_began_before_its_weeks_were_closed_sees_them_closed(live_stage):
    """The listing is held by the key of the new booking's row: whoever changes it goes first."""
    place = live_stage.place()
    trainee = live_stage.trainee()

    def waits():
        with live_stage.transaction() as other:
            return other.execute(
                text(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
            ).scalar()

    with ThreadPoolExecutor(1) as pool:
        with live_stage.transaction() as host:
            host.execute(
                text("SELECT id FROM listing WHERE id = :id FOR UPDATE"), {"id": place.listing_id}
            )
            hold = pool.submit(live_stage.hold, trainee, place)
            while not waits():
                assert not hold.done(), hold.exception()
            host.execute(
                text("UPDATE listing SET blackout_weeks = ARRAY[:week] WHERE id = :id").bindparams(
                    bindparam("week", type_=Date)
                ),
                {"week": FIRST_DAY, "id": place.listing_id},
            )
        with pytest.raises(SeatTaken, match=str(FIRST_DAY)):
            hold.result(10)
    assert live_stage.findings() == []
