"""Cached answers are true, or as old as is promised and no older, whatever becomes of the cache."""

import threading
import time
from datetime import date, timedelta

import pytest
from sqlalchemy import event, text

from marketplace.catalog.queries import locks
from marketplace.catalog.service import availability, publishing, seats
from marketplace.catalog.states import ListingState, Waiting
from marketplace.core import freshness
from marketplace.core.ports import Cache

WEEK = date(2027, 3, 1)
SHORT = timedelta(milliseconds=1200)


@pytest.fixture
def queries(cached):
    """Statements that reach the database."""
    seen: list[str] = []
    with cached.app.app_context():
        engine = cached.app.extensions["sqlalchemy"].engine
    event.listen(engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    return seen


def test_the_second_reader_needs_no_database(cached, queries):
    place = cached.stage.place(seats_per_week=3)
    queries.clear()
    assert cached.free(place) == 3
    assert len(queries) == 1
    assert [cached.free(place) for _ in range(5)] == [3] * 5
    assert len(queries) == 1


def test_the_same_question_in_other_words_is_another_question(cached, queries):
    place = cached.stage.place(seats_per_week=3)
    path = f"/listings/{place.listing_id}/availability"
    long = "&".join(["weeks=1"] * 20)
    for question in ("weeks=2&from=2027-03-01", "from=2027-03-01&weeks=2", "", long):
        queries.clear()
        first, again = (cached.get(f"{path}?{question}") for _ in range(2))
        assert (first.status_code, again.status_code) == (200, 200)
        assert first.data == again.data
        assert len(queries) == 1
    assert cached.get(f"{path}?{long}&x=1").json["fields"] == {"x": ["Unknown field."]}


def test_the_tag_answers_who_has_it_already(cached):
    place = cached.stage.place(seats_per_week=3)
    path = f"/listings/{place.listing_id}/availability"
    first = cached.get(path)
    assert first.headers["Cache-Control"] == "no-cache"
    again = cached.get(path, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    cached.stage.hold(cached.stage.trainee(), place)
    changed = cached.get(path, **{"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_every_change_of_seats_ends_the_old_answer_at_once(cached):
    stage, place = cached.stage, cached.stage.place(seats_per_week=3)
    assert cached.free(place) == 3
    booking = stage.hold(stage.trainee(), place)
    assert cached.free(place) == 2
    stage.set_seats(place, 5)
    assert cached.free(place) == 4
    with stage.transaction() as session:
        seats.release(session, place.listing_id, [WEEK])
    assert cached.free(place) == 5
    assert stage.state(booking) == "held"


def test_listings_that_share_seats_change_together(cached):
    stage = cached.stage
    one, other = stage.place(seats_per_week=2), stage.place(seats_per_week=9)
    _share(cached, one, other)
    assert (cached.free(one), cached.free(other)) == (2, 2)
    stage.hold(stage.trainee(), other)
    assert (cached.free(one), cached.free(other)) == (1, 1)


def test_a_rollback_ends_nothing_and_a_draft_is_kept_for_nobody(cached, queries):
    place = cached.stage.place(seats_per_week=3)
    assert cached.free(place) == 3
    queries.clear()
    with pytest.raises(RuntimeError), cached.stage.transaction() as session:
        seats.take(session, place.listing_id, [WEEK])
        raise RuntimeError("after the seat")
    queries.clear()
    assert cached.free(place) == 3
    assert queries == []
    _hide(cached, place)
    path = f"/listings/{place.listing_id}/availability?from=2027-03-01&weeks=1"
    assert [cached.get(path).status_code for _ in range(2)] == [404, 404]


def test_a_slow_reader_keeps_its_old_answer_in_vain(cached):
    """It reads, the seat is taken and the news of it told, and only then does it keep."""
    place, cache = cached.stage.place(seats_per_week=3), cached.parts.get(Cache)
    ticket = availability.kept(cache, place.listing_id, f"{WEEK}:{WEEK}")
    assert isinstance(ticket, freshness.Ticket)
    with cached.stage.transaction() as session:
        read = availability.read(session, _Nowhere(), {place.listing_id: ticket}, WEEK, WEEK)
        old = read[place.listing_id].answer
    cached.stage.hold(cached.stage.trainee(), place)
    freshness.keep(cache, ticket, old.tag.encode() + old.body, availability.LIFE)
    assert cached.free(place) == 2


@pytest.mark.fault(37)
def test_a_flushed_cache_knows_nothing_and_a_killed_one_is_done_without(cached):
    place = cached.stage.place(seats_per_week=3)
    assert cached.free(place) == 3
    cached.flush()
    assert cached.free(place) == 3
    cached.kill()
    cached.stage.hold(cached.stage.trainee(), place)
    began = time.monotonic()
    assert [cached.free(place) for _ in range(20)] == [2] * 20
    assert time.monotonic() - began < 10
    cached.valkey.revive()
    _await_cache(cached)
    assert cached.free(place) == 2


@pytest.mark.fault(37)
def test_a_hung_cache_costs_little_and_what_it_missed_ends_with_the_bound(cached, monkeypatch):
    """The hard case: it comes back with the old answer, and never heard that a seat was taken."""
    monkeypatch.setattr(availability, "LIFE", SHORT)
    place = cached.stage.place(seats_per_week=3)
    trainee = cached.stage.trainee()
    assert cached.free(place) == 3
    kept_by = time.time()
    with cached.hung():
        began = time.monotonic()
        cached.stage.hold(trainee, place)
        assert cached.free(place) == 2, "without the cache the answer is the database's"
        assert time.monotonic() - began < 5
    cached.parts.get(Cache)._resting_until = 0.0
    stale_until = 0.0
    while time.time() < kept_by + SHORT.total_seconds() + 0.5:
        asked = time.time()
        if cached.free(place) == 3:
            stale_until = asked
        time.sleep(0.02)
    assert stale_until <= kept_by + SHORT.total_seconds() + 0.1
    assert cached.free(place) == 2


@pytest.mark.fault(37)
def test_an_answer_that_arrives_late_at_the_cache_is_not_kept_longer(cached):
    """A hung server executes what was sent to it when it goes on: the end is a moment."""
    cache = cached.parts.get(Cache)
    cache.set("late", b"1", timedelta(minutes=5), since=time.time())
    assert cache.get("late") == b"1"
    with cached.hung():
        cache.set("late", b"2", timedelta(milliseconds=300), since=time.time())
        time.sleep(0.5)
    cache._resting_until = 0.0
    assert cache.get("late") is None


@pytest.mark.fault(37)
def test_under_races_nobody_is_told_of_a_seat_whose_booking_was_answered(cached):
    """Seats are taken one by one while four clients read; each answer knows what was done before."""
    place = cached.stage.place(seats_per_week=12)
    trainees = [cached.stage.trainee() for _ in range(12)]
    told: list[tuple[int, int]] = []
    over, held = threading.Event(), 0

    def look() -> None:
        while not over.is_set():
            before = held
            told.append((before, cached.free(place)))

    readers = [threading.Thread(target=look) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number, trainee in enumerate(trainees):
        cached.stage.hold(trainee, place, weeks=1)
        held = number + 1
        assert cached.free(place) == 12 - held
        if number == 6:
            cached.flush()
    over.set()
    for reader in readers:
        reader.join()
    assert len(told) > len(trainees)
    assert [(before, free) for before, free in told if free > 12 - before] == []


class _Nowhere:
    """A cache that keeps nothing of what the slow reader reads."""

    def set(self, *_: object, **__: object) -> None:
        """Keep nothing."""


def _await_cache(cached) -> None:
    deadline = time.monotonic() + 10
    while not cached.parts.get(Cache).alive():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _share(cached, one, other) -> None:
    """Have `other` draw on the seats of `one` and on no more of its own."""
    with cached.stage.transaction() as session:
        session.execute(
            text("UPDATE listing_pool SET pool_id = :pool WHERE listing_id = :listing"),
            {"pool": one.pool_id, "listing": other.listing_id},
        )


def _hide(cached, place) -> None:
    with cached.stage.transaction() as session:
        listing = locks.listing(session, place.listing_id)
        publishing.move(
            session, listing, ListingState.IN_REVIEW, None, "t", cached.stage.now, [Waiting.WORDS]
        )
