"""What searches read is put in order while it is read and written; killed, it leaves no trace."""

import threading
from datetime import timedelta

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from benchmarks import data
from marketplace.adapters.queue import Context
from marketplace.catalog.queries.search import Filters, search
from marketplace.catalog.service import arranging, upkeep
from marketplace.catalog.tasks import arrange_search
from marketplace.registry import metadata
from tests.conftest import NOW, maintenance_engine
from tests.smoke.clients import until

TODAY = NOW.date()
LISTINGS = 1_500
ROWS = "SELECT s.* FROM listing_search s ORDER BY listing_id"
# What PostgreSQL knows of the table, and whether anything is left beside it.
DEFINED = """
SELECT 'column', attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull
  FROM pg_attribute
 WHERE attrelid = 'listing_search'::regclass AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT 'index', pg_get_indexdef(indexrelid) FROM pg_index
 WHERE indrelid = 'listing_search'::regclass AND indisvalid
UNION ALL SELECT 'constraint', conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
 WHERE conrelid = 'listing_search'::regclass
UNION ALL SELECT 'trigger', pg_get_triggerdef(oid) FROM pg_trigger
 WHERE tgrelid = 'listing_search'::regclass
UNION ALL SELECT 'option', unnest(reloptions) FROM pg_class
 WHERE oid = 'listing_search'::regclass
UNION ALL SELECT 'grant', relacl::text FROM pg_class WHERE oid = 'listing_search'::regclass
UNION ALL SELECT 'beside', nspname FROM pg_namespace WHERE nspname !~ '^pg_'
ORDER BY 1, 2
"""


@pytest.fixture
def catalogue(live):
    data.add_listings(live.url.replace("+psycopg", "", 1), LISTINGS, weeks=4)
    return live


def read(live, written):
    with psycopg.connect(live.url.replace("+psycopg", "", 1)) as connection:
        return connection.execute(written).fetchall()


def arrange(live, wait=lambda seconds: None):
    with live.transaction() as session:
        arranging.arrange(session, wait=wait)


def loose(live):
    with live.transaction() as session:
        return arranging.is_loose(session)


def set_state(live, state, where):
    with live.transaction() as session:
        session.execute(text(f"UPDATE listing SET state = '{state}' WHERE {where}"))


def pages(live, words):
    """How many pages of the table a search for words reads to count."""
    with live.transaction() as session:
        return session.execute(
            text(
                "SELECT count(DISTINCT (ctid::text::point)[0]) FROM listing_search"
                " WHERE words @@ plainto_tsquery('english', :words)"
            ),
            {"words": words},
        ).scalar_one()


def test_it_lies_in_order_and_all_else_is_as_it_was(catalogue):
    with catalogue.transaction() as session:
        session.execute(text("GRANT SELECT ON listing_search TO PUBLIC"))
    rows, defined = read(catalogue, ROWS), read(catalogue, DEFINED)
    before = pages(catalogue, "neurology")
    assert loose(catalogue)
    job = Context(catalogue.parts, catalogue.sessions)
    arrange_search(job)
    assert not loose(catalogue)
    assert read(catalogue, ROWS) == rows
    assert read(catalogue, DEFINED) == defined
    assert 2 * pages(catalogue, "neurology") < before
    with maintenance_engine(catalogue.url).connect() as connection:
        options = {
            "include_object": lambda _o, name, kind, *_: not name.startswith("procrastinate")
        }
        assert (
            compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        )
    assert read(
        catalogue,
        "SELECT vacuum_count FROM pg_stat_all_tables WHERE relid = 'listing_search'::regclass",
    ) == [(1,)]
    # What is in order is left alone.
    lies = read(catalogue, "SELECT pg_relation_filenode('listing_search')")
    arrange_search(job)
    assert read(catalogue, "SELECT pg_relation_filenode('listing_search')") == lies


def test_what_changes_meanwhile_is_not_lost_and_who_reads_for_long_is_waited_for(catalogue):
    reader = catalogue.sessions()
    reader.execute(text("SELECT count(*) FROM listing_search")).all()
    waits = []

    def meanwhile(seconds):
        waits.append(seconds)
        # Neither waits for who arranges, nor he for them.
        with catalogue.transaction() as session:
            session.execute(text("SET LOCAL lock_timeout = '1ms'"))
            session.execute(text("UPDATE listing SET price_minor = 1 WHERE external_id = 'L-1'"))
            session.execute(text("UPDATE listing SET state = 'paused' WHERE external_id = 'L-2'"))
            session.execute(
                text("UPDATE listing_search SET free = B'1' WHERE specialty = 'neurology'")
            )
            assert search(session, Filters(TODAY)).items
        if len(waits) == 2:
            reader.rollback()

    arrange(catalogue, wait=meanwhile)
    reader.close()
    assert len(waits) == 2
    assert not loose(catalogue)
    told = read(
        catalogue,
        "SELECT external_id, s.price_minor FROM listing LEFT JOIN listing_search s"
        " ON s.listing_id = listing.id WHERE external_id IN ('L-1', 'L-2') ORDER BY 1",
    )
    assert told == [("L-1", 1), ("L-2", None)]
    assert read(
        catalogue, "SELECT DISTINCT free::text FROM listing_search WHERE specialty = 'neurology'"
    ) == [("1",)]
    with catalogue.transaction() as session:
        assert search(session, Filters(TODAY), sort="price").items[0].price.minor == 1


def test_who_never_ends_reading_has_it_given_up(catalogue, monkeypatch):
    monkeypatch.setattr(arranging, "ROUNDS", 2)
    defined = read(catalogue, DEFINED)
    with catalogue.sessions() as reader:
        reader.execute(text("SELECT count(*) FROM listing_search")).all()
        with pytest.raises(arranging.Busy):
            arrange(catalogue)
    assert read(catalogue, DEFINED) == defined
    assert loose(catalogue)


def test_one_that_is_killed_leaves_what_was_there(catalogue):
    rows, defined = read(catalogue, ROWS), read(catalogue, DEFINED)

    def killed(_seconds):
        who = "SELECT pid FROM pg_locks WHERE mode = 'ShareUpdateExclusiveLock' AND granted"
        # Databases that were copied from one template have tables of one number.
        here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        table = f"{who} AND relation = 'listing_search'::regclass AND {here}"
        assert read(catalogue, f"SELECT pg_terminate_backend(({table}))") == [(True,)]

    reader = catalogue.sessions()
    reader.execute(text("SELECT count(*) FROM listing_search")).all()
    with pytest.raises(OperationalError):
        arrange(catalogue, wait=killed)
    reader.close()
    assert (read(catalogue, ROWS), read(catalogue, DEFINED)) == (rows, defined)
    arrange(catalogue)
    assert (read(catalogue, ROWS), read(catalogue, DEFINED)) == (rows, defined)


def test_searches_publications_and_the_job_of_free_weeks_go_on_all_the_while(catalogue):
    """Every reader sees each listing that nobody touches, once; what is written stands."""
    stop, wrong, turns = threading.Event(), [], []
    touched = "external_id IN ('L-11', 'L-12', 'L-13')"
    quiet = Filters(TODAY, words="neurology")

    def each_turn(act):
        def run():
            try:
                while not stop.is_set():
                    act()
            except Exception as error:
                wrong.append(error)

        return threading.Thread(target=run)

    def publish():
        for state in ("paused", "published"):
            set_state(catalogue, state, touched)
        turns.append("published")

    def refresh():
        with catalogue.transaction() as session:
            session.execute(
                text(
                    "INSERT INTO stale_weeks (listing_id) SELECT listing_id"
                    " FROM listing_search ORDER BY sample LIMIT 20"
                )
            )
            upkeep.refresh_free_weeks(session, TODAY + timedelta(days=1))

    def read_all():
        with catalogue.transaction() as session:
            first = search(session, quiet, sort="price", limit=50)
            again = search(session, quiet, sort="price", limit=50, cursor=first.next_cursor)
        found = [hit.id for hit in (*first.items, *again.items)]
        if len(set(found)) != 100 or first.total != len(neurology):
            wrong.append((len(found), first.total))
        turns.append("read")

    neurology = read(catalogue, "SELECT 1 FROM listing_search WHERE specialty = 'neurology'")
    workers = [each_turn(act) for act in (publish, publish, refresh, read_all, read_all)]
    for thread in workers:
        thread.start()
    for _ in range(3):
        arrange(catalogue, wait=lambda seconds: stop.wait(0.01))
        number = len(turns)
        until("both to go on", lambda number=number: {"read", "published"} <= set(turns[number:]))
    stop.set()
    for thread in workers:
        thread.join()
    assert wrong == []
    set_state(catalogue, "published", touched)
    assert (
        read(
            catalogue,
            "SELECT l.external_id FROM listing l FULL JOIN listing_search s ON s.listing_id = l.id"
            " WHERE (s.listing_id IS NULL) = (l.state = 'published')"
            " OR (s.price_minor, s.specialty) <> (l.price_minor, l.specialty)",
        )
        == []
    )


def test_a_listing_that_is_deleted_is_found_no_more(catalogue):
    with catalogue.transaction() as session:
        session.execute(
            text(
                "DELETE FROM listing_pool WHERE listing_id IN (SELECT id FROM listing WHERE external_id = 'L-5')"
            )
        )
        session.execute(text("DELETE FROM listing WHERE external_id = 'L-5'"))
    assert len(read(catalogue, ROWS)) == LISTINGS - 1
