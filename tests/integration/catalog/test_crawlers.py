"""What search engines are given: structured data, sitemaps of bounded size, robots.txt."""

import json
import uuid
from datetime import datetime
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import event, text

from marketplace.catalog.queries import sitemaps
from marketplace.catalog.service import publishing
from marketplace.catalog.states import ListingState
from marketplace.pages.public import crawlers
from tests.factories.rotations import stage  # noqa: F401 - a fixture

NAME = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
BASE = "http://marketplace.test"


def locations(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/xml"
    return values(answer, "loc")


def values(answer, tag) -> list[str]:
    root = ET.fromstring(answer.data)  # noqa: S314 - our own answer
    return [found.text for found in root.iter(f"{NAME}{tag}")]


def test_a_listing_is_told_in_schema_org_s_words(client, stage):  # noqa: F811
    place = stage.place()
    path = f"/api/v1/listings/{place.listing_id}/structured-data"
    answer = client.get(path)
    assert answer.mimetype == "application/ld+json"
    told = json.loads(answer.data)
    assert told["@id"] == f"{BASE}/listings/{place.listing_id}"
    assert told["offers"]["price"] == "500.00"
    assert told["learningResourceType"] == ["externship"]
    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert client.get(f"/api/v1/listings/{uuid.uuid4()}/structured-data").status_code == 404


def test_every_listing_on_show_is_in_exactly_one_sitemap(client, stage, monkeypatch):  # noqa: F811
    places = [stage.place() for _ in range(7)]
    with stage.transaction() as session:
        publishing.take_off(
            session, places[3].listing_id, ListingState.PAUSED, places[3].owner_id, "x", stage.now
        )
    shown = [place.listing_id for place in places if place is not places[3]]
    monkeypatch.setattr(sitemaps.starts, "__defaults__", (2,))
    monkeypatch.setattr(crawlers, "MOST", 2)
    pages, *maps = locations(client.get("/sitemap.xml"))
    assert len(maps) == 3
    there = locations(client.get(pages.removeprefix(BASE)))
    assert {f"{BASE}/help", f"{BASE}/terms", f"{BASE}/privacy"} <= set(there)
    found = [url for one in maps for url in locations(client.get(one.removeprefix(BASE)))]
    assert found == [f"{BASE}/listings/{listing_id}" for listing_id in sorted(shown)]


def test_a_sitemap_is_read_in_pieces_and_says_when_terms_changed(
    client,
    stage,  # noqa: F811
    monkeypatch,
    count_queries,
):
    places = [stage.place() for _ in range(5)]
    monkeypatch.setattr(crawlers, "AT_ONCE", 2)
    _, only = locations(client.get("/sitemap.xml"))
    with count_queries() as seen:
        answer = client.get(only.removeprefix(BASE))
        assert len(locations(answer)) == 5
    assert len(seen) == 3
    (changed,) = set(values(answer, "lastmod"))
    assert datetime.fromisoformat(changed) == stage.now.replace(microsecond=0)
    assert places


def test_a_full_sitemap_takes_five_queries():
    assert crawlers.MOST == 5 * crawlers.AT_ONCE == 50_000
    assert sitemaps.IN_ONE <= crawlers.MOST


@pytest.mark.fault(44)
def test_a_reader_that_goes_away_leaves_no_connection(live, live_stage):
    live_stage.place()
    with live.app.app_context():
        pool = live.app.extensions["sqlalchemy"].engine.pool
    taken = []
    event.listen(pool, "checkout", lambda *_: taken.append(1))
    start = uuid.UUID(int=0)
    answer = live.app.test_client().get(f"/sitemaps/listings/{start}.xml", buffered=False)
    pieces = iter(answer.response)
    next(pieces)
    next(pieces)
    assert taken
    assert pool.checkedout() == 0, "none is held between two pieces"
    answer.close()
    assert pool.checkedout() == 0


def test_the_index_of_sitemaps_reads_an_index_only(live, live_stage):
    live_stage.place()
    with live.sessions() as session:
        session.execute(text("SET enable_seqscan = off"))
        plan = "\n".join(
            session.execute(text(f"EXPLAIN {sitemaps._STARTS.text}"), {"size": 45_000}).scalars()
        )
    assert "Index Only Scan using ix_listing_id" in plan


def test_robots_are_shown_the_way_in_production_only(client, app, parts):
    assert client.get("/robots.txt").text == (
        f"User-agent: *\nDisallow: /\n\nSitemap: {BASE}/sitemap.xml\n"
    )
