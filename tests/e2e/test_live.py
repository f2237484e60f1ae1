"""Event streams on the real servers: heard across processes, bounded, gone with their clients."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from marketplace.web.streams import LENGTH_SECONDS
from tests.e2e.site import FIRST_DAY, WEB, Site
from tests.factories.rotations import Place
from tests.smoke.clients import until

EACH = 2  # streams of one client in one process
HEARTBEAT = 10.0


@contextmanager
def stream(site: Site, place: Place) -> Iterator[httpx.Response]:
    """Open a stream of the place's first week, on a connection of its own."""
    url = f"{site.base}/api/v1/listings/{place.listing_id}/availability/events"
    query = {"from": FIRST_DAY.isoformat(), "weeks": 1}
    with (
        httpx.Client(timeout=HEARTBEAT + 10) as http,
        http.stream("GET", url, params=query) as answer,
    ):
        yield answer


def free_seats(answer: httpx.Response) -> Iterator[int]:
    for line in answer.iter_lines():
        if line.startswith("data: "):
            yield int(line.split('"free":')[1].split(",")[0])


def test_a_booking_in_one_process_is_heard_in_every_other(site: Site):
    place = site.place(seats=3)
    with ExitStack() as stack:
        opened = [stack.enter_context(stream(site, place)) for _ in range(EACH)]
        heard = [free_seats(answer) for answer in opened]
        assert [next(one) for one in heard] == [3, 3]
        site.hold(site.trainee(), place, weeks=1)
        assert [next(one) for one in heard] == [2, 2]
        site.hold(site.trainee(), place, weeks=1)
        assert [next(one) for one in heard] == [1, 1]


@pytest.mark.fault(44)
def test_clients_that_go_away_leave_their_places_and_starve_nobody(site: Site):
    place = site.place(seats=3)

    def opened(stack: ExitStack) -> list[int]:
        return [stack.enter_context(stream(site, place)).status_code for _ in range(8 * WEB)]

    with ExitStack() as stack:
        statuses = opened(stack)
        assert set(statuses) == {200, 503}
        assert statuses.count(200) <= EACH * WEB
        who, began = site.trainee(), time.monotonic()
        for _ in range(20):
            assert who("GET", f"/listings/{place.listing_id}/availability")["weeks"]
        site.hold(who, place, weeks=1)
        assert time.monotonic() - began < 10
        taken = site.sql("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'")
        assert taken <= 1, "a stream holds no connection while it waits"
    # They are gone without a word; the next heartbeat finds it out.
    deadline = time.monotonic() + HEARTBEAT + 15
    free: list[Any] = []
    while len(free) < EACH:
        assert time.monotonic() < deadline, "the places were not given back"
        time.sleep(1)
        with ExitStack() as stack:
            free = [status for status in opened(stack) if status == 200]


def test_a_server_that_stops_ends_its_streams_in_good_order(site: Site):
    place = site.place(seats=3)
    (server,) = site.children("web")

    def open_one() -> Any:
        with ExitStack() as stack:
            answer = stack.enter_context(stream(site, place))
            return (stack.pop_all(), answer) if answer.status_code == 200 else None

    kept, answer = until("a place", open_one)
    with kept:
        lines = answer.iter_lines()
        next(lines)
        began = time.monotonic()
        os.kill(server, signal.SIGTERM)
        rest = list(lines)  # an answer that is cut off would raise
        assert ": come again" in rest
        assert time.monotonic() - began < LENGTH_SECONDS / 5, "it ended by itself, unasked"
    until("the next server", lambda: site.children("web") not in ([], [server]))
    site.await_ready()
