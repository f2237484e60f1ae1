"""No reading of the catalogue makes more than six queries, whatever the page size."""

import pytest

from marketplace.catalog.routes import BLUEPRINTS

# What is read by an id that only an upload, a run or a saved search makes is counted where that is.
MADE = {"import_id", "name", "run_id", "saved_id", "pool_id", "token"}
MOST = 6


@pytest.fixture
def readable(app, client, host, market, people):
    """Each GET of the catalogue that can be asked with the market's ids, as who may ask it."""
    listing = market["CHI-IM-01"]
    given = {
        "listing_id": listing.id,
        "site_id": listing.site_id,
        "preceptor_id": listing.preceptor_id,
    }
    operator = people.make("operator")
    ours = {blueprint.name for blueprint in BLUEPRINTS}
    paths = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if rule.endpoint.partition(".")[0] not in ours or "GET" not in rule.methods:
                continue
            if rule.arguments & MADE or rule.rule.endswith(("/events", "/unsubscribe", "/changes")):
                continue
            path = rule.build({name: given[name] for name in rule.arguments})[1]
            who = operator if "/operator" in path or "classifier" in path else host
            paths.append((path, who.headers))
    return paths


def test_no_reading_makes_more_than_six_queries(client, readable, count_queries):
    assert len(readable) > 15
    asked = {}
    for path, headers in readable:
        for page in ("", "?limit=100"):
            with count_queries() as seen:
                answer = client.get(f"{path}{page}", headers=headers)
                answer.get_data()
            asked[f"{path}{page}"] = (answer.status_code, len(seen))
    read = {path: count for path, (status, count) in asked.items() if status == 200}
    assert len(read) > 15, asked
    assert {path: count for path, count in read.items() if count > MOST} == {}
