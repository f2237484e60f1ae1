"""No shape of a search reads a large table from end to end.

The plans are those of a database of its own with rows enough that a sequential scan would tempt.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import psycopg
import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.orm import Session as PlainSession
from sqlalchemy.pool import NullPool

from benchmarks import data
from marketplace.catalog.queries.hidden import hidden
from marketplace.catalog.queries.places import point_of
from marketplace.catalog.queries.saved import concerned, keys_of
from marketplace.catalog.queries.search import (
    FACETS,
    SORTS,
    Filters,
    Near,
    Qualifications,
    search,
    statement,
    words,
)
from marketplace.catalog.queries.search.conditions import STALE, Conditions
from marketplace.catalog.queries.search.sorting import order_of
from marketplace.catalog.service import arranging
from marketplace.core.db import EdgeSession, edge
from marketplace.core.money import Money
from marketplace.identity.rules import LearnerStatus

# Of each process its own: tests of this module may be shared out among several.
NAME = f"search_plans_{os.getpid()}"
LISTINGS = 8_000
# Read whole by purpose: notes of what has changed, which the job keeps few.
SMALL = {"stale_weeks"}
TODAY = date(2026, 11, 22)
FIRST = data.first_day(TODAY)

# A vocabulary as that of a real catalogue; the generated listings have a few dozen words.
MANY_WORDS = """
INSERT INTO search_word (word, lexeme, listings, grams, gathered_at)
SELECT word, word, 1, word_grams(word), now()
  FROM (SELECT DISTINCT translate(substr(md5(n::text), 1, 8), '0123456789', 'ghijklmnop') AS word
          FROM generate_series(1, 20000) AS n) AS made
ON CONFLICT DO NOTHING
"""
# Searches of many accounts, all but two of them anchored to what is common.
MANY_SEARCHES = """
WITH made AS (
    INSERT INTO account (id, email, name, active, fs_uniquifier, fs_token_uniquifier)
    SELECT gen_random_uuid(), 's' || n || '@example.org', 'S', true, 's' || n, 's' || n
      FROM generate_series(1, 400) AS n
    RETURNING id
), saved AS (
    SELECT id, slot, row_number() OVER () AS n FROM made, generate_series(1, 20) AS slot
)
INSERT INTO saved_search (id, account_id, slot, name, filters, anchors, since)
SELECT gen_random_uuid(), id, slot, 'n' || slot, '{}',
       ARRAY[CASE WHEN n <= 2 THEN 'specialty:rare' ELSE 'specialty:' || n % 40 END], now()
  FROM saved
"""
NOTHING = Filters(TODAY)
PARTS = {
    "nothing": {},
    "rare word": {"words": "neurology"},
    "common words": {"words": "hospital rotation"},
    "two words": {"words": "neurology chicago"},
    "common and rare words": {"words": "hospital neurology rotation"},
    "two words or another": {"words": "neurology chicago or pediatrics"},
    "left out": {"words": "-neurology"},
    "wrong word": {"words": "neurolgy"},
    "specialty": {"specialties": ("neurology",)},
    "specialties": {"specialties": ("neurology", "pediatrics")},
    "state": {"us_states": ("IL",)},
    "states": {"us_states": ("IL", "NY")},
    "setting": {"settings": ("inpatient",)},
    "letter": {"letter_policies": ("on_merit",)},
    "status": {"status": LearnerStatus.STUDENT},
    "tier": {"tiers": ("elective",)},
    "tier of a status": {"status": LearnerStatus.GRADUATE, "tiers": ("externship",)},
    "visa": {"visa": "B1/B2"},
    "weeks": {"weeks": 4},
    "price": {"price_most": Money(100_000, "USD")},
    "price of weeks": {"price_most": Money(200_000, "USD"), "weeks": 4},
    "from": {"start_from": FIRST},
    "window": {"start_from": FIRST, "start_to": FIRST, "weeks": 4},
    "near": {"near": Near(41.88, -87.63, 80.0, "Chicago")},
    "far": {"near": Near(41.88, -87.63, 800.0, "Chicago")},
    "prerequisites": {"met_by": Qualifications("passed", 240, True, "b1", {"test": "native"})},
}
SHAPES = [
    *((name, sort) for name in PARTS for sort in (None, *SORTS)),
    *(
        (f"{one}+{other}", None)
        for one, other in itertools.combinations(
            ("rare word", "specialty", "state", "tier of a status", "window", "near", "price"), 2
        )
    ),
    ("common words+window+price of weeks", "price"),
    ("specialty+state+window+prerequisites", "soonest"),
    ("two words+state+tier of a status+window+near", "distance"),
]


@pytest.fixture(scope="module")
def plans(servers, template) -> Iterator[PlainSession]:
    servers.postgres.drop_database(NAME)
    servers.postgres.create_database(NAME, template)
    data.add_listings(servers.postgres.conninfo(NAME), LISTINGS, weeks=4, today=TODAY)
    with psycopg.connect(servers.postgres.conninfo(NAME)) as connection:
        connection.execute(MANY_WORDS)
        connection.execute("ANALYZE search_word")
    engine = create_engine(servers.postgres.url(NAME), poolclass=NullPool)
    with EdgeSession(engine) as session, edge(session):
        arranging.arrange(session)
    with EdgeSession(engine) as session, edge(session):
        arranging.vacuum(session)
    with PlainSession(engine) as session:
        yield session
    engine.dispose()
    servers.postgres.drop_database(NAME)


@contextmanager
def planned(session, how="") -> Iterator[list[tuple[dict, str]]]:
    """The plans of the statements inside, with the statement."""
    sent = []
    bind = session.get_bind()
    note = lambda _c, _k, statement, values, *_: sent.append((statement, values))
    event.listen(bind, "before_cursor_execute", note)
    found: list[tuple[dict, str]] = []
    yield found
    event.remove(bind, "before_cursor_execute", note)
    cursor = session.connection().connection.driver_connection.cursor()
    for written, values in sent:
        ((plan,),) = cursor.execute(f"EXPLAIN ({how}FORMAT JSON) {written}", values, prepare=False)
        found.append((plan[0]["Plan"], written))


@contextmanager
def explained(session) -> Iterator[list[tuple[str, str]]]:
    """The tables that the statements inside read sequentially, with the statement."""
    found: list[tuple[str, str]] = []
    with planned(session) as plans:
        yield found
    found += [(table, written) for plan, written in plans for table in scanned(plan)]


def scanned(node) -> Iterator[str]:
    # What is left where the earliest starts can't be told by walking an index: all of it is read,
    # once, and only then.
    if node.get("Subplan Name") == "CTE rest":
        return
    if node["Node Type"] == "Seq Scan" and node["Relation Name"] not in SMALL:
        yield f"{node['Relation Name']}: {node.get('Filter')}"
    for inner in node.get("Plans", ()):
        yield from scanned(inner)


def sampled(node, within=None) -> Iterator[tuple[str, str]]:
    """Each sample that is counted, with how `listing_search` is read for it."""
    name = node.get("Subplan Name", "")
    within = name.removeprefix("CTE ") if name.startswith(("CTE hits", "CTE without_")) else within
    if within and node.get("Relation Name") == "listing_search":
        yield within, node["Node Type"]
    for inner in node.get("Plans", ()):
        yield from sampled(inner, within)


def filters_of(name) -> Filters:
    found = NOTHING
    for part in name.split("+"):
        found = replace(found, **PARTS[part])
    return found


def test_no_shape_reads_a_table_from_end_to_end(plans):
    """Each filter alone in each order, pairs and more of them; the first page and the next."""
    bad = []
    for name, sort in SHAPES:
        filters = filters_of(name)
        if (sort == "distance") > (filters.near is not None):
            continue
        with explained(plans) as scans:
            page = search(plans, filters, sort=sort, limit=5)
            assert page.total == 0 or page.items, name
            if page.next_cursor:
                search(plans, filters, sort=sort, limit=5, cursor=page.next_cursor)
        bad += [(name, sort, table) for table, _ in scans]
    assert bad == []


@pytest.mark.parametrize(
    "name",
    [
        *("nothing", "specialty", "state", "specialty+state", "state+visa", "weeks+price of weeks"),
        *("tier of a status+setting", "specialty+tier+letter"),
    ],
)
def test_samples_are_counted_by_their_indexes_alone(plans, name):
    """But for words, free weeks, places and prerequisites, no listing's own page is read."""
    filters = filters_of(name)
    with planned(plans) as found:
        search(plans, filters)
    read = [pair for plan, _ in found for pair in sampled(plan)]
    widened = {f"without_{part}" for part in filters.parts if part in statement.FACETS_OF}
    assert {sample for sample, _ in read} == {"hits", *widened}
    assert {how for _, how in read} == {"Index Only Scan"}


@pytest.mark.parametrize("name", ["rare word", "rare word+window", "common and rare words"])
def test_what_words_find_lies_together(plans, name):
    """As the job leaves the table: by far fewer pages than hits. (Each had one of its own.)"""
    filters = filters_of(name)
    with planned(plans, "ANALYZE, ") as found:
        search(plans, filters)
    read = [scan for plan, _ in found for scan in of_words(plan)]
    assert read
    for rows, pages in read:
        assert pages <= max(30, rows / 3), (rows, pages)


def of_words(node) -> Iterator[tuple[int, int]]:
    """Rows and pages of each walk over what the index of words has found."""
    if node["Node Type"] == "Bitmap Heap Scan" and node["Actual Rows"] > 100:
        yield node["Actual Rows"], node["Exact Heap Blocks"]
    for inner in node.get("Plans", ()):
        yield from of_words(inner)


def test_what_a_search_hides_is_found_without_reading_a_table_from_end_to_end(plans):
    bad = []
    pairs = ("common words+near", "rare word+near", "rare word+state+window", "states+price")
    for name in (*PARTS, *pairs):
        filters = replace(filters_of(name), **PARTS["prerequisites"])
        with explained(plans) as scans:
            page = hidden(plans, filters, limit=5, cursor=None)
            if page.next_cursor:
                hidden(plans, filters, limit=5, cursor=page.next_cursor)
        bad += [(name, table) for table, _ in scans]
    assert bad == []


def test_saved_searches_are_found_by_what_they_are_anchored_to(plans):
    plans.execute(text(MANY_SEARCHES.replace(":", "\\:")))
    plans.execute(text("ANALYZE saved_search"))
    with explained(plans) as scans:
        rows = concerned(plans, ["specialty:rare", "state:AK"], None, 100)
        assert len(rows) == 2
        concerned(plans, ["specialty:rare"], rows[0].id, 100)
        keys_of(plans, [row.id for row in rows])
    assert scans == []


def test_what_finds_nothing_reads_no_table_from_end_to_end(plans):
    nothing = replace(filters_of("rare word+window+near+prerequisites"), us_states=("AK",))
    with explained(plans) as scans:
        assert search(plans, nothing).loosen.keys() == {"state"}
    assert scans == []


@pytest.mark.parametrize("name", ["two words", "common words", "rare word+window+tier"])
def test_what_to_loosen_is_counted_in_parts_of_the_random_order_too(plans, name):
    """By the facets' own counts where they tell, else up to a hundred."""
    nothing = replace(filters_of(name), us_states=("AK",), visa="B1/B2")
    found = search(plans, nothing)
    counts = {part: counted(plans, nothing.without(part)) for part in nothing.parts}
    assert found.loosen == {part: min(count, 100) for part, count in counts.items() if count}
    assert search(plans, nothing, facets=False).loosen == found.loosen


def test_a_place_is_found_by_an_index(plans):
    with explained(plans) as scans:
        point_of(plans, "60601")
        point_of(plans, "Chicago, IL")
    assert scans == []


def test_the_seats_of_a_listing_are_found_by_an_index(plans):
    """What stands for its bits where they may be out of date."""
    source = plans.execute(
        text("SELECT prosrc FROM pg_proc WHERE proname = 'listing_free_weeks'")
    ).scalar_one()
    listing_id = plans.execute(text("SELECT id FROM listing LIMIT 1")).scalar_one()
    _, _, body = source.replace("wanted", f"'{listing_id}'::uuid").partition("RETURN")
    written = body.rpartition("; END")[0]
    (plan,) = plans.execute(
        text(f"EXPLAIN (FORMAT JSON) {written}".replace(":", "\\:"))
    ).scalar_one()
    assert list(scanned(plan["Plan"])) == []


def test_facets_of_many_are_near_the_truth(plans):
    """A sample of some hundreds tells shares to some hundredths."""
    found = search(plans, NOTHING)
    assert not found.total_is_exact
    assert found.total == pytest.approx(LISTINGS, rel=0.15)
    assert set(found.estimated) == set(FACETS)
    exact = dict(
        plans.execute(text("SELECT us_state, count(*) FROM listing_search GROUP BY 1")).all()
    )
    assert found.facets["state"] == pytest.approx(exact, rel=0.5)


SAMPLED = [
    *("rare word", "common words", "two words", "left out", "rare word+tier of a status"),
    *("rare word+state", "rare word+specialties", "rare word+states+price of weeks"),
    *("common words+state+window", "common words+tier of a status+letter", "two words+setting"),
    *("rare word+price of weeks+setting", "two words+window+price", "window+price of weeks"),
    *("common and rare words", "two words or another+tier of a status"),
]


@pytest.mark.parametrize("read", [5, 10_000])
@pytest.mark.parametrize("most", [8, 40, 300])
def test_samples_of_any_size_tell_exactly_or_nearly(plans, monkeypatch, most, read):
    """Whether parts of the random order are looked at first, all together, or one after another."""
    for name in ("MOST", "MOST_RELEVANT", "MOST_WIDENED"):
        monkeypatch.setattr(statement, name, most)
    monkeypatch.setattr(statement, "MOST_READ", read)
    for name in SAMPLED:
        filters = filters_of(name)
        found = search(plans, filters, limit=5)
        true = counted(plans, filters)
        assert found.total_is_exact == (true <= most), name
        if found.total_is_exact:
            assert found.total == true, name
        elif most >= 40:
            assert found.total == pytest.approx(true, rel=0.6), name
        for part, facets in statement.FACETS_OF.items():
            if part in filters.parts:
                loose = counted(plans, filters.without(part))
                assert all((facet in found.estimated) == (loose > most) for facet in facets), name


def test_pages_are_those_of_a_plain_reading(plans):
    """However the words are looked for, and whether the hits were all counted."""
    for name in SAMPLED:
        page = search(plans, filters_of(name), limit=7)
        shown = [hit.id for hit in page.items]
        if page.next_cursor:
            page = search(plans, filters_of(name), limit=7, cursor=page.next_cursor)
            shown += [hit.id for hit in page.items]
        assert shown == in_order(plans, filters_of(name))[:14], name


@pytest.mark.parametrize("name", ["nothing", "state+visa", "window", "rare word+weeks"])
@pytest.mark.parametrize("walk", [3, 600])
def test_the_earliest_starts_are_asked_for_again_where_a_walk_does_not_tell(
    plans, monkeypatch, name, walk
):
    monkeypatch.setattr(statement, "MOST", 8)
    monkeypatch.setattr(statement, "WALK", walk)
    monkeypatch.setattr(statement, "WALK_WEEK", walk)
    filters = filters_of(name)
    with planned(plans) as found:
        page = search(plans, filters, sort="soonest", limit=30)
    assert len(found) <= 3
    assert page.total > 8
    assert set(page.facets) == set(FACETS)
    assert [hit.id for hit in page.items] == in_order(plans, filters, "soonest")[:30]


def in_order(session, filters, sort=None) -> list:
    meant = words.read(session, filters.words) if filters.words else words.NOTHING
    conditions = Conditions(filters, meant.query)
    order = order_of(sort, filters, meant.query, meant.title)
    keys = ", ".join([*order.keys, "s.listing_id"])
    written = f"WITH {STALE} SELECT s.listing_id FROM listing_search s WHERE {conditions.where()}"
    values = {**conditions.values, **order.values}
    return list(session.execute(text(f"{written} ORDER BY {keys}"), values).scalars())


def counted(session, filters) -> int:
    """How many there are, by the plain conditions and no index of words."""
    query = words.read(session, filters.words).query if filters.words else None
    conditions = Conditions(filters, query)
    written = f"WITH {STALE} SELECT count(*) FROM listing_search s WHERE {conditions.where()}"
    return session.execute(text(written), conditions.values).scalar_one()
