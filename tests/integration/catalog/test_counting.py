"""Counts of a search are kept until a listing changes, and the page never."""

import pytest
from sqlalchemy import event, text

from marketplace.app import sessions_of
from marketplace.catalog.models import SavedSearch
from marketplace.catalog.service import publishing
from marketplace.catalog.states import ListingState
from marketplace.core.db import WroteWhileReading, only_read
from marketplace.core.ids import new_id


@pytest.fixture
def counted(cached):
    """Statements of searches that count."""
    seen: list[str] = []
    with cached.app.app_context():
        engine = cached.app.extensions["sqlalchemy"].engine

    def note(_connection, _cursor, statement, *_) -> None:
        if "listing_search" in statement and "group by" in statement.lower():
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    return seen


def ask(cached, query=""):
    answer = cached.get(f"/listings?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json


def test_the_same_search_is_counted_once_in_whatever_order_it_is_asked(cached, counted):
    cached.stage.place(specialty="Cardiology", state="IL")
    cached.stage.place(specialty="Neurology", state="IL")
    first = ask(cached, "specialty=cardiology,neurology&sort=price")
    assert len(counted) == 1
    again = ask(cached, "sort=price&specialty=neurology,cardiology")
    assert len(counted) == 1
    assert again == first
    assert (again["total"], again["facets"]["state"]) == (2, {"IL": 2})
    ask(cached, "specialty=neurology&sort=price")
    assert len(counted) == 2


def test_any_change_of_a_listing_ends_the_counts_at_once(cached):
    stage = cached.stage
    place = stage.place()
    assert ask(cached)["total"] == 1
    other = stage.place()
    assert ask(cached)["total"] == 2
    with stage.transaction() as session:
        publishing.take_off(
            session, place.listing_id, ListingState.PAUSED, place.owner_id, "Holidays.", stage.now
        )
    found = ask(cached)
    assert found["total"] == 1
    assert [item["id"] for item in found["items"]] == [str(other.listing_id)]


def test_a_search_for_free_weeks_is_counted_each_time(cached, counted):
    stage = cached.stage
    place = stage.place(seats_per_week=1)
    query = "start_from=2027-03-01&start_to=2027-03-01&weeks=4"
    assert ask(cached, query)["total"] == 1
    stage.hold(stage.trainee(), place)
    assert ask(cached, query)["total"] == 0
    assert len(counted) == 2


def test_later_pages_count_nothing_and_keep_nothing(cached, counted):
    for _ in range(3):
        cached.stage.place()
    first = ask(cached, "limit=2")
    assert len(counted) == 1
    second = ask(cached, f"limit=2&cursor={first['next_cursor']}")
    assert (len(second["items"]), second["total"]) == (1, None)
    assert len(counted) == 1


@pytest.mark.fault(37)
def test_without_the_cache_every_search_is_counted(cached, counted):
    cached.stage.place()
    cached.kill()
    assert [ask(cached)["total"] for _ in range(3)] == [1, 1, 1]
    assert len(counted) == 3


def test_a_search_begins_no_transaction_and_leaves_its_connection_as_it_was(cached):
    with cached.app.app_context():
        engine = cached.app.extensions["sqlalchemy"].engine
    by_itself = []

    def note(connection, *_) -> None:
        by_itself.append(connection.connection.driver_connection.autocommit)

    event.listen(engine, "before_cursor_execute", note)
    ask(cached, "q=neurology")
    assert set(by_itself) == {True}
    with sessions_of(cached.app)() as session:  # on the connection that was used last
        session.execute(text("SELECT 1"))
        assert not by_itself[-1]


def test_what_only_reads_can_not_write(cached):
    with sessions_of(cached.app)() as session:
        only_read(session)
        session.add(SavedSearch(account_id=new_id(), slot=1, name="Mine", filters={}, anchors=[]))
        with pytest.raises(WroteWhileReading):
            session.flush()
