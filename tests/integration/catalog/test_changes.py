"""The change feed lists every change that the public sees, and nothing turns up behind a reader."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date, timedelta

import pytest
from sqlalchemy import event, text

from marketplace.catalog.queries import changes, locks
from marketplace.catalog.service import publishing, seats
from marketplace.catalog.states import ListingState
from marketplace.catalog.tasks import forget_changes
from marketplace.core.db import EDGE
from tests.conftest import maintenance_engine

MONDAY = date(2027, 3, 1)


class Partner:
    """Follows the feed by its cursor and remembers what it read."""

    def __init__(self, live) -> None:
        self.live = live
        self.http = live.app.test_client()
        self.cursor = self.http.get("/api/v1/listings/changes").json["next_cursor"]

    def ask(self, limit=200, **headers):
        query = {"after": self.cursor, "limit": limit}
        return self.http.get("/api/v1/listings/changes", query_string=query, headers=headers)

    def follow(self, limit=200, *, at_once=False):
        """What is new, as (listing, kind); `at_once`: of what is settled by now.

        Else it waits for whatever runs in this database, such as its own upkeep.
        """
        if not at_once:
            self.live.settle()
        found = []
        while True:
            answer = self.ask(limit)
            assert answer.status_code == 200, answer.text
            found += [(item["listing_id"], item["kind"]) for item in answer.json["items"]]
            self.cursor = answer.json["next_cursor"]
            if not answer.json["more"]:
                return found


@pytest.fixture
def partner(live):
    return Partner(live)


def test_a_listing_s_whole_life_is_told_and_a_draft_s_is_not(live, live_stage, partner):
    place = live_stage.place(seats_per_week=2)
    name, who = str(place.listing_id), place.owner_id
    assert partner.follow() == [(name, "published")]
    with live.transaction() as session:
        locks.listing(session, place.listing_id).version += 1
    assert partner.follow() == [(name, "changed")]
    with live.transaction() as session:
        publishing.take_off(
            session, place.listing_id, ListingState.PAUSED, who, "Holidays.", live.clock.now()
        )
    assert partner.follow() == [(name, "paused")]
    with live.transaction() as session:
        publishing.request(session, place.listing_id, who, live.clock.now())
        publishing.take_off(
            session, place.listing_id, ListingState.RETIRED, who, "Closed.", live.clock.now()
        )
    assert {kind for _, kind in partner.follow()} <= {"published", "retired"}
    with live.transaction() as session:
        session.execute(text("UPDATE listing SET drift_at = NULL, notes = 'unseen'"))
    assert partner.follow() == []


def test_what_was_never_published_is_told_to_nobody(live, live_stage, partner):
    place = live_stage.place()
    partner.follow()
    with live.transaction() as session:
        session.execute(
            text("UPDATE listing SET first_published_at = NULL, state = 'draft', version = 2")
        )
    partner.follow()
    with live.transaction() as session:
        session.execute(text("UPDATE listing SET version = version + 1, city = 'Elsewhere'"))
        session.execute(text("UPDATE site SET version = version + 1"))
        session.execute(text("UPDATE preceptor SET name = 'Dr. Else'"))
        session.execute(text("UPDATE seat_pool SET version = version + 1"))
        session.execute(text("UPDATE seat_week SET taken = capacity"))
    assert partner.follow() == []
    assert place


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE site SET version = version + 1, address = '1 New Street'",
        "UPDATE site SET verification = 'rejected'",
        "UPDATE preceptor SET name = 'Dr. Married Name'",
        "UPDATE listing SET city = 'Evanston'",
        "UPDATE listing SET drift_at = now()",
    ],
)
def test_what_a_listing_shows_of_its_site_preceptor_and_flag_counts(
    live, live_stage, partner, statement
):
    place = live_stage.place()
    partner.follow()
    with live.transaction() as session:
        session.execute(text(statement))
    assert partner.follow() == [(str(place.listing_id), "changed")]
    with live.transaction() as session:
        session.execute(text("UPDATE site SET verification = verification, name = name"))
        session.execute(text("UPDATE listing SET city = city"))
    assert partner.follow() == []


def test_seats_are_told_when_a_week_fills_or_opens_and_not_for_each_booking(
    live, live_stage, partner
):
    place = live_stage.place(seats_per_week=2)
    seat = [(str(place.listing_id), "seats")]
    partner.follow()
    live_stage.hold(live_stage.trainee(), place)
    assert partner.follow() == []
    live_stage.hold(live_stage.trainee(), place)
    assert partner.follow() == seat, "four weeks filled at once are one change"
    with live.transaction() as session:
        seats.release(session, place.listing_id, [MONDAY])
    assert partner.follow() == seat
    live_stage.set_seats(place, 7)
    assert partner.follow() == seat


def test_who_shares_seats_is_told_with_who_sells_them(live, live_stage, partner):
    one, other = live_stage.place(), live_stage.place()
    with live.transaction() as session:
        session.execute(
            text("UPDATE listing_pool SET pool_id = :pool WHERE listing_id = :listing"),
            {"pool": one.pool_id, "listing": other.listing_id},
        )
    partner.follow()
    live_stage.hold(live_stage.trainee(), other)
    both = sorted((str(place.listing_id), "seats") for place in (one, other))
    assert sorted(partner.follow()) == both


def test_a_transaction_that_commits_late_is_not_passed_by(live, live_stage, partner):
    """It writes first and commits last; a cursor that had gone past it would never see it."""
    slow, fast = live_stage.place(), live_stage.place()
    partner.follow()
    with live.sessions() as late:
        late.execute(_bump(slow))
        with live.transaction() as session:
            session.execute(_bump(fast))
        early = partner.follow(at_once=True)
        assert early == [], "what is above a running transaction is not settled"
        _commit(late)
    assert sorted(partner.follow()) == sorted(
        (str(place.listing_id), "changed") for place in (slow, fast)
    )
    assert partner.follow() == []


def test_one_that_got_its_number_early_and_writes_late_is_not_passed_by(live, live_stage, partner):
    slow, fast = live_stage.place(), live_stage.place()
    partner.follow()
    with live.sessions() as late:
        late.execute(text("SELECT pg_current_xact_id()"))
        with live.transaction() as session:
            session.execute(_bump(fast))
        assert partner.follow(at_once=True) == []
        late.execute(_bump(slow))
        _commit(late)
    assert [kind for _, kind in partner.follow()] == ["changed", "changed"]


def test_one_that_rolls_back_leaves_nothing_and_holds_up_nobody(live, live_stage, partner):
    slow, fast = live_stage.place(), live_stage.place()
    partner.follow()
    with live.sessions() as late:
        late.execute(_bump(slow))
        with live.transaction() as session:
            session.execute(_bump(fast))
        late.rollback()
    assert partner.follow() == [(str(fast.listing_id), "changed")]


def test_another_database_of_the_server_holds_up_nobody(live, live_stage, partner):
    place = live_stage.place()
    partner.follow()
    elsewhere = maintenance_engine(f"{live.url.rpartition('/')[0]}/postgres")
    with elsewhere.connect() as other:
        other.execute(text("SELECT pg_current_xact_id()"))
        with live.transaction() as session:
            session.execute(_bump(place))
        assert partner.follow() == [(str(place.listing_id), "changed")]


ELSEWHERE = """
DO $$ BEGIN
  FOR each IN 1..10000 LOOP
    PERFORM pg_current_xact_id(), pg_sleep(0.03 * random());
    COMMIT;
  END LOOP;
END $$
"""


def test_what_ends_elsewhere_while_one_asks_holds_up_nobody(live, live_stage, partner):
    """A transaction of another database that began before a change, and ends while one asks."""
    place = live_stage.place()
    partner.follow()
    elsewhere = maintenance_engine(f"{live.url.rpartition('/')[0]}/postgres")
    elsewhere = elsewhere.execution_options(isolation_level="AUTOCOMMIT")
    with ExitStack() as stack:
        others = [stack.enter_context(elsewhere.connect()) for _ in range(8)]
        busy = stack.enter_context(ThreadPoolExecutor(len(others)))
        for other in others:
            busy.submit(other.execute, text(ELSEWHERE))
        try:
            for _ in range(100):
                with live.transaction() as session:
                    session.execute(_bump(place))
                assert partner.follow() == [(str(place.listing_id), "changed")]
        finally:
            for other in others:
                other.connection.driver_connection.cancel()


def test_readers_beside_many_writers_read_each_change_once(live, live_stage, partner):
    places = [live_stage.place() for _ in range(6)]
    partner.follow()
    over, read = threading.Event(), []

    def write(place) -> None:
        for _ in range(8):
            with live.transaction() as session:
                session.execute(text("SELECT pg_current_xact_id()"))
                session.execute(text("SELECT pg_sleep(0.003 * random())"))
                session.execute(_bump(place))

    def follow() -> None:
        while not over.is_set():
            read.extend(partner.follow(limit=3, at_once=True))

    writers = [threading.Thread(target=write, args=(place,)) for place in places]
    reader = threading.Thread(target=follow)
    for thread in (reader, *writers):
        thread.start()
    for writer in writers:
        writer.join()
    over.set()
    reader.join()
    read.extend(partner.follow())
    assert sorted(read) == sorted((str(place.listing_id), "changed") for place in places * 8)


def test_a_page_is_two_queries_and_one_that_is_full_never_changes(live, live_stage, partner):
    places = [live_stage.place() for _ in range(5)]
    statements = []
    with live.app.app_context():
        engine = live.app.extensions["sqlalchemy"].engine
    event.listen(engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    page = partner.ask(limit=2)
    assert len(statements) == 2
    assert (len(page.json["items"]), page.json["more"]) == (2, True)
    assert "immutable" in page.headers["Cache-Control"]
    found = partner.follow(limit=2)
    assert sorted(found) == sorted((str(place.listing_id), "published") for place in places)
    tail = partner.ask()
    assert (tail.json["items"], tail.headers["Cache-Control"]) == ([], "no-cache")
    assert tail.json["next_cursor"] == partner.cursor
    assert partner.ask(**{"If-None-Match": tail.headers["ETag"]}).status_code == 304


def test_old_changes_are_forgotten_and_an_older_cursor_is_told_so(live, live_stage, partner):
    live_stage.place()
    lagging = partner.cursor
    partner.follow()
    _age(live, 31)
    recent = live_stage.place()
    assert _forget(live) == 1
    assert partner.follow() == [(str(recent.listing_id), "published")]
    partner.cursor = lagging
    gone = partner.ask()
    assert (gone.status_code, gone.json["code"]) == (410, "feed_gone")
    fresh = Partner(live)
    assert fresh.follow() == []


def test_who_polls_without_news_keeps_its_place_for_ever(live, live_stage, partner):
    live_stage.place()
    partner.follow()
    for _ in range(3):
        _age(live, 31)
        _forget(live)
        assert partner.follow() == []
    place = live_stage.place()
    assert partner.follow() == [(str(place.listing_id), "published")]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        changes.encode([1]),
        changes.encode(["one", uuid.UUID(int=0), ""]),
        changes.encode([1, "no id", ""]),
        changes.encode([-1, uuid.UUID(int=0), ""]),
        changes.encode([2**63, uuid.UUID(int=0), ""]),
    ],
)
def test_what_is_no_cursor_of_ours_is_refused(partner, cursor):
    partner.cursor = cursor
    answer = partner.ask()
    assert (answer.status_code, answer.json["code"]) == (422, "bad_cursor")


def test_a_cursor_of_a_server_further_on_is_gone(partner):
    partner.cursor = changes.encode([2**62, uuid.UUID(int=0), ""])
    assert partner.ask().status_code == 410


def test_the_history_is_not_rewritten(live, live_stage):
    live_stage.place()
    with pytest.raises(Exception, match="history"), live.transaction() as session:
        session.execute(text("UPDATE listing_change SET kind = 'seats'"))


def _bump(place):
    statement = text("UPDATE listing SET version = version + 1 WHERE id = :id")
    return statement.bindparams(id=place.listing_id)


def _commit(session) -> None:
    session.info[EDGE] = True
    session.commit()


def _age(live, days) -> None:
    """Let every change that there is be so many days older."""
    with live.transaction() as session:
        session.execute(text("ALTER TABLE listing_change DISABLE TRIGGER history"))
        session.execute(
            text("UPDATE listing_change SET at = at - CAST(:age AS interval)"),
            {"age": timedelta(days=days)},
        )
        session.execute(text("ALTER TABLE listing_change ENABLE TRIGGER history"))


def _forget(live) -> int:
    def count() -> int:
        with live.sessions() as session:
            return session.scalar(text("SELECT count(*) FROM listing_change"))

    before = count()
    forget_changes(live)
    return before - count()
