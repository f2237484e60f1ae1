"""Live availability: told at once, resumed where it was, bounded, and never in the way."""

import json
import threading
import time
from contextlib import contextmanager

import pytest

from marketplace.catalog.queries import locks
from marketplace.catalog.service import publishing
from marketplace.catalog.states import ListingState, Waiting
from marketplace.web import streams

FROM = "from=2027-03-01&weeks=2"


class Heard:
    """A client of a stream: reads events as they come."""

    def __init__(self, response) -> None:
        assert response.status_code == 200, response.text
        self.response = response
        self._pieces = iter(response.response)
        self.events: list[tuple[str, dict, str | None]] = []
        self.notes: list[str] = []
        self.ended = False

    def until(self, name: str):
        """Read on until an event of this name, and return its data."""
        while not self.ended:
            for kind, data, _ in self._read():
                if kind == name:
                    return data
        raise AssertionError(f"the stream ended without {name}: {self.events} {self.notes}")

    def to_end(self) -> None:
        while not self.ended:
            self._read()

    @property
    def mark(self) -> str:
        return [event_id for _, _, event_id in self.events if event_id][-1]

    def _read(self):
        try:
            piece = next(self._pieces)
        except StopIteration:
            self.ended = True
            return []
        found = []
        for block in filter(None, piece.decode().split("\n\n")):
            lines = dict(line.split(": ", 1) for line in block.split("\n") if line[0] != ":")
            if "event" in lines:
                found.append((lines["event"], json.loads(lines["data"]), lines.get("id")))
            else:
                self.notes.append(block)
        self.events += found
        return found


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(streams, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(streams, "GATHER_SECONDS", 0.05)
    monkeypatch.setattr(streams, "LENGTH_SECONDS", 20.0)


@pytest.fixture
def watch(cached):
    """Open a stream of one listing or several; all are closed at the end."""
    opened = []

    def ask(*places, last=None, query=FROM):
        path = f"/api/v1/listings/{places[0].listing_id}/availability/events?{query}"
        if len(places) > 1:
            several = "".join(f"&listing={place.listing_id}" for place in places)
            path = f"/api/v1/listings/availability/events?{query}{several}"
        headers = {"Last-Event-ID": last} if last else {}
        opened.append(cached.app.test_client().get(path, headers=headers, buffered=False))
        return opened[-1]

    yield ask
    for response in opened:
        response.close()
    assert _open_streams(cached) == 0, "a closed stream leaves its place"


def test_the_seats_are_told_at_first_and_whenever_they_change(cached, watch):
    place = cached.stage.place(seats_per_week=3)
    heard = Heard(watch(place))
    assert heard.response.headers["Content-Type"].startswith("text/event-stream")
    first = heard.until("availability")
    assert first["listing_id"] == str(place.listing_id)
    assert [week["free"] for week in first["weeks"]] == [3, 3]
    assert first == cached.get(f"/listings/{place.listing_id}/availability?{FROM}").json
    with _meanwhile(lambda: cached.stage.hold(cached.stage.trainee(), place)):
        assert [week["free"] for week in heard.until("availability")["weeks"]] == [2, 2]
    with _meanwhile(lambda: cached.stage.set_seats(place, 5)):
        assert [week["free"] for week in heard.until("availability")["weeks"]] == [4, 4]


def test_several_listings_come_in_one_stream_and_others_are_not_heard(cached, watch):
    one, other, foreign = (cached.stage.place(seats_per_week=n) for n in (2, 4, 6))
    heard = Heard(watch(one, other))
    told = {heard.until("availability")["listing_id"] for _ in range(2)}
    assert told == {str(one.listing_id), str(other.listing_id)}

    def both() -> None:
        cached.stage.hold(cached.stage.trainee(), foreign)
        cached.stage.hold(cached.stage.trainee(), other)

    with _meanwhile(both):
        assert heard.until("availability")["listing_id"] == str(other.listing_id)


def test_who_comes_again_is_told_only_what_it_does_not_know(cached, watch):
    one, other = cached.stage.place(seats_per_week=2), cached.stage.place(seats_per_week=4)
    first = Heard(watch(one, other))
    for _ in range(2):
        first.until("availability")
    first.response.close()
    cached.stage.hold(cached.stage.trainee(), other)
    again = Heard(watch(one, other, last=first.mark))
    assert again.until("availability")["listing_id"] == str(other.listing_id)
    again.response.close()
    third = Heard(watch(one, other, last=again.mark))
    with _meanwhile(lambda: cached.stage.hold(cached.stage.trainee(), one)):
        assert third.until("availability")["listing_id"] == str(one.listing_id)
    assert len(third.events) == 1
    lost = Heard(watch(one, other, last="something else"))
    assert {lost.until("availability")["listing_id"] for _ in range(2)}


def test_a_listing_that_leaves_the_show_is_gone_and_a_draft_can_t_be_watched(cached, watch):
    place = cached.stage.place()
    heard = Heard(watch(place))
    heard.until("availability")
    with _meanwhile(lambda: _hide(cached, place)):
        assert heard.until("gone") == {"listing_id": str(place.listing_id)}
    refused = watch(place)
    assert (refused.status_code, refused.json["code"]) == (404, "listing_not_found")


def test_a_stream_that_is_long_enough_ends_by_itself_and_keeps_awake_until_then(
    cached, watch, monkeypatch
):
    monkeypatch.setattr(streams, "LENGTH_SECONDS", 1.5)
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.1)
    heard = Heard(watch(cached.stage.place()))
    heard.to_end()
    assert heard.notes[0].startswith("retry: ")
    assert heard.notes.count(": nothing new") >= 2
    assert heard.notes[-1] == ": come again"


def test_a_process_that_is_asked_to_end_ends_its_streams(cached, watch):
    heard = Heard(watch(cached.stage.place()))
    heard.until("availability")
    cached.app.extensions[streams.STREAMS].stopping._asked.set()
    heard.to_end()
    assert heard.notes[-1] == ": come again"


def test_places_are_few_and_whoever_has_none_is_told_to_poll(cached, watch):
    place = cached.stage.place()
    mine = [watch(place) for _ in range(2)]
    assert [response.status_code for response in mine] == [200, 200]
    refused = watch(place)
    assert (refused.status_code, refused.json["code"]) == (503, "too_many_streams")
    assert refused.headers["Retry-After"] == "15"
    polling = refused.headers["Link"].split(">")[0].removeprefix("<")
    assert cached.app.test_client().get(polling).status_code == 200
    mine[0].close()
    assert watch(place).status_code == 200, "a place that was left is free"


def test_one_client_can_t_take_all_places(cached):
    taken = streams.Streams(most=3, most_each=2)
    assert [bool(taken.enter("a")) for _ in range(3)] == [True, True, False]
    assert taken.enter("b")
    assert taken.enter("c") is None


def test_a_stream_that_nobody_ever_read_or_closed_loses_its_place_in_time(monkeypatch):
    monkeypatch.setattr(streams, "LENGTH_SECONDS", 1.0)
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.5)
    taken = streams.Streams(most=1, most_each=1)
    assert taken.enter("a")
    assert taken.enter("a") is None
    time.sleep(1.6)
    assert taken.enter("a")


def test_closing_a_stream_that_never_began_gives_its_place_back(cached, watch):
    response = watch(cached.stage.place())
    assert _open_streams(cached) == 1
    response.close()
    assert _open_streams(cached) == 0


def test_asking_for_the_head_takes_no_place(cached):
    place = cached.stage.place()
    path = f"/api/v1/listings/{place.listing_id}/availability/events"
    assert cached.app.test_client().head(path).status_code == 200
    assert _open_streams(cached) == 0


@pytest.mark.fault(37)
@pytest.mark.parametrize("hurt", ["kill", "hang"])
def test_where_the_news_are_lost_the_stream_says_so_and_ends(cached, watch, hurt, monkeypatch):
    monkeypatch.setattr("marketplace.adapters.news.ASK_AFTER_SECONDS", 0.3)
    monkeypatch.setattr("marketplace.adapters.news.SILENT_SECONDS", 0.8)
    place = cached.stage.place(seats_per_week=3)
    heard = Heard(watch(place))
    heard.until("availability")
    if hurt == "kill":
        cached.kill()
        advice = heard.until("poll")
    else:
        with cached.hung():
            advice = heard.until("poll")
            late = Heard(watch(place))
            assert late.until("availability")["weeks"][0]["free"] == 3
            late.until("poll")
    heard.to_end()
    (polling,) = advice["read"]
    assert cached.app.test_client().get(polling).json["weeks"][0]["free"] == 3
    assert "retry: 15000" in heard.notes


@pytest.mark.fault(37)
def test_after_the_cache_is_back_news_are_heard_again(cached, watch):
    place = cached.stage.place(seats_per_week=3)
    Heard(watch(place)).until("availability")
    cached.kill()
    cached.valkey.revive()
    time.sleep(1.1)
    heard = Heard(watch(place))
    heard.until("availability")
    with _meanwhile(lambda: cached.stage.hold(cached.stage.trainee(), place)):
        assert heard.until("availability")["weeks"][0]["free"] == 2


def test_without_any_news_the_stream_is_a_snapshot_and_advice(live, live_stage):
    place = live_stage.place()
    path = f"/api/v1/listings/{place.listing_id}/availability/events"
    heard = Heard(live.app.test_client().get(path, buffered=False))
    heard.to_end()
    assert [kind for kind, _, _ in heard.events] == ["availability", "poll"]
    heard.response.close()


def test_the_thread_that_listens_ends_with_the_last_stream(cached, watch):
    response = watch(cached.stage.place())
    assert _listening_threads() >= 1
    response.close()
    deadline = time.monotonic() + 5
    while _listening_threads() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _listening_threads() == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "listing"),
        ("listing=x", "listing.0"),
        (
            "&".join(f"listing=01a00000-0000-7000-8000-0000000000{n}" for n in range(10, 31)),
            "listing",
        ),
        ("listing=01a00000-0000-7000-8000-000000000001&" * 2, "listing"),
    ],
)
def test_what_to_watch_is_named_within_bounds(cached, query, field):
    answer = cached.get(f"/listings/availability/events?{query.rstrip('&')}")
    assert answer.status_code == 422
    assert field in answer.json["fields"]


@contextmanager
def _meanwhile(act):
    """Do something while the body waits for the news of it."""
    failures = []

    def run():
        time.sleep(0.1)
        try:
            act()
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()
    assert failures == []


def _open_streams(cached) -> int:
    return cached.app.extensions[streams.STREAMS].open_now()


def _listening_threads() -> int:
    return sum(thread.name == "news" for thread in threading.enumerate())


def _hide(cached, place) -> None:
    with cached.stage.transaction() as session:
        listing = locks.listing(session, place.listing_id)
        publishing.move(
            session, listing, ListingState.IN_REVIEW, None, "t", cached.stage.now, [Waiting.SITE]
        )
