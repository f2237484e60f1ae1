"""What a booking does to its host's share: released as it is attended, kept back while it is open."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.adapters.queue import Context
from marketplace.booking import queries
from marketplace.booking.service import no_shows, rotations
from marketplace.payments import queries as payments
from marketplace.payments.tasks import hosts as jobs
from tests.factories.rotations import FIRST_DAY


@pytest.fixture
def share(stage, sessions, parts):
    """What is deferred and due of a host's share, after all releases that are due."""

    def look(place):
        jobs.release_shares(Context(parts, sessions))
        with stage.transaction() as session:
            return tuple(
                -payments.balance_of(session, kind, "USD", place.site_id).minor
                for kind in ("deferred_host_share", "host_payable")
            )

    return look


@pytest.fixture
def begun(stage, clock):
    """A wholly paid rotation of four weeks that began an hour ago, and its place."""
    place = stage.place()
    booking_id = stage.confirmed(place, whole=True)
    clock.at = clock.at.replace(year=2027, month=3, day=1, hour=12)
    assert stage.start_due() == 1
    return place, booking_id


def change(stage, booking_id, work):
    with stage.transaction() as session:
        return work(session, queries.find(session, booking_id))


def test_a_share_is_released_a_week_after_the_start_and_at_the_end(stage, clock, begun, share):
    place, booking_id = begun
    assert share(place) == (200_000, 0)
    clock.advance(timedelta(days=7))
    assert share(place) == (100_000, 100_000)
    clock.advance(timedelta(days=19))
    change(
        stage,
        booking_id,
        lambda session, booking: rotations.complete(
            session, booking, actor_id=place.owner_id, now=stage.now
        ),
    )
    assert share(place) == (0, 200_000)


def test_what_a_cancellation_leaves_is_the_hosts(stage, clock, share):
    place = stage.place()
    booking_id = stage.confirmed(place, whole=True)
    clock.at = clock.at.replace(year=2027, month=2, day=10)

    quote = stage.cancel(booking_id)
    assert quote.kept
    assert quote.refund
    deferred, due = share(place)
    assert deferred == 0
    assert 0 < due < 200_000
    with stage.transaction() as session:
        owed = -payments.balance_of(session, "refunds_payable", "USD").minor
    assert owed == quote.refund.minor


def test_nothing_is_released_while_a_no_show_is_open(stage, clock, begun, share):
    place, booking_id = begun
    clock.advance(timedelta(days=1))
    change(
        stage,
        booking_id,
        lambda session, booking: no_shows.mark(
            session, booking, actor_id=place.owner_id, reason="", now=stage.now
        ),
    )
    clock.advance(timedelta(days=6))
    assert share(place) == (200_000, 0)
    clock.advance(timedelta(days=3))
    change(
        stage,
        booking_id,
        lambda session, booking: no_shows.settle(session, booking.id, stage.now),
    )
    deferred, due = share(place)
    assert deferred == 0
    assert due > 0


def test_a_balance_after_the_end_is_released_too(stage, clock, share):
    place = stage.place()
    booking_id = stage.confirmed(place)
    clock.at = clock.at.replace(year=2027, month=3, day=1, hour=12)
    assert stage.start_due() == 1
    payment_id = stage.pay(booking_id)
    clock.advance(timedelta(days=26))
    change(
        stage,
        booking_id,
        lambda session, booking: rotations.complete(
            session, booking, actor_id=place.owner_id, now=stage.now
        ),
    )
    _, first = share(place)
    stage.settle(payment_id)
    assert share(place) == (0, 200_000)
    assert 0 < first < 200_000


def test_starting_many_tells_in_one_statement(stage, clock, count_queries):
    place = stage.place(seats_per_week=6)
    for _ in range(2):
        stage.confirmed(place, first_day=FIRST_DAY)
    clock.at = clock.at.replace(year=2027, month=3, day=1, hour=12)
    with count_queries() as two:
        assert stage.start_due() == 2
    later = FIRST_DAY + timedelta(weeks=4)
    for _ in range(5):
        stage.confirmed(place, first_day=later)
    clock.advance(timedelta(weeks=4))
    with count_queries() as five:
        assert stage.start_due() == 5
    assert len(five) == len(two)
    with stage.transaction() as session:
        told = session.execute(text("SELECT count(*) FROM share_release")).scalar_one()
    assert told == 7
