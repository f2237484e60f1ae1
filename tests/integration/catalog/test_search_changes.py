"""Searches while listings change: pages keep their places, free weeks are those of now."""

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from marketplace.catalog.queries.search import Filters, search
from marketplace.catalog.rules.weeks import run_of_weeks
from marketplace.catalog.service import seats, upkeep
from tests.conftest import NOW
from tests.factories.rotations import FIRST_DAY, live_stage  # noqa: F401 - a fixture

TODAY = NOW.date()
EVERYTHING = Filters(TODAY)
MONTH = Filters(TODAY, weeks=4, start_from=FIRST_DAY, start_to=FIRST_DAY)


def pages(session, filters, between, *, sort, limit=2):
    """The ids of all pages; `between(number, page)` is called after each."""
    found, cursor, number = [], None, 0
    while True:
        page = search(session, filters, sort=sort, limit=limit, cursor=cursor)
        found += [hit.id for hit in page.items]
        if page.next_cursor is None:
            return found
        between(number, page)
        number, cursor = number + 1, page.next_cursor


def ids(session, filters=EVERYTHING, **options):
    return [hit.id for hit in search(session, filters, limit=100, **options).items]


def set_price(session, listing_id, price):
    session.execute(
        text("UPDATE listing SET price_minor = :price WHERE id = :id"),
        {"price": price, "id": listing_id},
    )


@pytest.mark.parametrize("price", [1, 10_000_000])
@pytest.mark.parametrize("which", ["shown", "last shown", "coming"])
def test_a_price_that_changes_between_pages_moves_no_other_listing(session, market, price, which):
    before = ids(session, sort="price")
    changed = []

    def change(number, page):
        if number == 1:
            at = {"shown": 0, "last shown": 3, "coming": 6}[which]
            changed.append(before[at])
            set_price(session, before[at], price)

    seen = pages(session, EVERYTHING, change, sort="price")
    rest = [listing_id for listing_id in seen if listing_id not in changed]
    assert rest == [listing_id for listing_id in before if listing_id not in changed]
    # The one that changed is where it now belongs: behind the place, or before it.
    times = {"shown": 1, "last shown": 1, "coming": 0}[which] + (price > 1)
    assert seen.count(changed[0]) == times


def test_a_listing_that_goes_or_comes_between_pages_moves_no_other(session, market):
    before = ids(session, sort="tier")

    def change(number, page):
        if number == 0:
            for listing_id in (before[0], before[1], before[5]):
                session.execute(
                    text("UPDATE listing SET state = 'paused' WHERE id = :id"), {"id": listing_id}
                )

    assert pages(session, EVERYTHING, change, sort="tier") == [
        listing_id for listing_id in before if listing_id != before[5]
    ]


def test_the_day_of_the_first_page_orders_the_others(session, market):
    filters = Filters(date(2026, 12, 20))
    first = search(session, filters, sort="soonest", limit=3)
    later = Filters(date(2026, 12, 28))
    rest = search(session, later, sort="soonest", limit=100, cursor=first.next_cursor)
    whole = ids(session, filters, sort="soonest")
    assert [hit.id for hit in (*first.items, *rest.items)] == whole


def test_bits_and_seats_tell_the_same(session, market):
    """Whether the job has run, has not, or has run before the last changes."""
    neurology = market["NYC-NEU-01"].id
    assert neurology in ids(session, MONTH)
    assert upkeep.refresh_free_weeks(session, TODAY) > 0
    assert notes(session) == 0
    assert neurology in ids(session, MONTH)
    seats.take(session, neurology, [FIRST_DAY + timedelta(days=7)])
    assert notes(session) == 1
    assert neurology not in ids(session, MONTH)
    upkeep.refresh_free_weeks(session, TODAY)
    assert neurology not in ids(session, MONTH)
    seats.release(session, neurology, [FIRST_DAY + timedelta(days=7)])
    assert neurology in ids(session, MONTH)
    upkeep.refresh_free_weeks(session, TODAY)
    assert (neurology in ids(session, MONTH), notes(session)) == (True, 0)


def test_a_booking_that_fills_no_week_notes_nothing(session, market):
    upkeep.refresh_free_weeks(session, TODAY)
    seats.take(session, market["CHI-IM-01"].id, run_of_weeks(FIRST_DAY, 4))  # of three seats
    assert notes(session) == 0


def notes(session):
    return session.execute(text("SELECT count(*) FROM stale_weeks")).scalar_one()


def test_what_is_not_public_is_not_found(session, market):
    public = {row.id for row in market.values() if row.state == "published"}
    assert set(ids(session)) == public
    session.execute(text("UPDATE listing SET state = 'paused' WHERE id = :id"), {"id": min(public)})
    assert set(ids(session)) == public - {min(public)}
    session.execute(
        text("UPDATE listing SET state = 'published' WHERE id = :id"), {"id": min(public)}
    )
    assert set(ids(session)) == public


def test_two_bookings_of_one_pool_do_not_wait_for_each_other(live_stage):  # noqa: F811
    """Both fill a week, other ones, and both are under way at once."""
    place = live_stage.place(seats_per_week=1)
    with live_stage.transaction() as one:
        seats.take(one, place.listing_id, [FIRST_DAY])
        with live_stage.transaction() as other:
            other.execute(text("SET LOCAL lock_timeout = '2s'"))
            seats.take(other, place.listing_id, [FIRST_DAY + timedelta(days=7)])
    with live_stage.transaction() as session:
        assert notes(session) >= 2


def test_free_weeks_are_right_while_the_job_and_bookings_run_at_once(live_stage):  # noqa: F811
    """Seats are taken and given back all the while; each reader compares bits with seats."""
    places = [live_stage.place(seats_per_week=1) for _ in range(4)]
    weeks = [FIRST_DAY, FIRST_DAY + timedelta(days=7)]
    stop, wrong = threading.Event(), []

    def book(place):
        while not stop.is_set():
            for act in (seats.take, seats.release):
                with live_stage.transaction() as session:
                    act(session, place.listing_id, weeks)

    def refresh():
        while not stop.is_set():
            with live_stage.transaction() as session:
                upkeep.refresh_free_weeks(session, TODAY)

    def read():
        for _ in range(60):
            with live_stage.transaction() as session:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                told = set(ids(session, Filters(TODAY, start_from=weeks[0], start_to=weeks[0])))
                free = session.execute(
                    text(
                        "SELECT lp.listing_id FROM seat_week JOIN listing_pool lp USING (pool_id)"
                        " WHERE week = :week AND taken < capacity"
                    ),
                    {"week": weeks[0]},
                ).scalars()
                if told != (free := set(free)):
                    wrong.append((told, free))

    workers = [threading.Thread(target=book, args=(place,)) for place in places]
    workers += [threading.Thread(target=refresh) for _ in range(2)]
    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in (*workers, *readers):
        thread.start()
    for thread in readers:
        thread.join()
    stop.set()
    for thread in workers:
        thread.join()
    assert wrong == []
