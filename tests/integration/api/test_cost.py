"""What a request costs in statements: at most six, whatever the page's size.

Walks the OpenAPI document, so that a new route is counted without being named here. Good requests
are made from it, by every kind of caller, about a catalogue of many listings at each of which
somebody waits for seats; each is undone.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from sqlalchemy import event, text

from marketplace.catalog.routes import BLUEPRINTS
from tests.integration.api.test_any_request import BOUNDED, aim
from tests.integration.api.world import World, add_listings

MOST = 6
# Further things of the catalogue that a path may name, by the table that they are in.
NAMED = {"pool_id": "seat_pool", "preceptor_id": "preceptor", "review_id": "listing_review"}
SOMEBODY_WAITS = text(
    """
    INSERT INTO waiting_entry (id, trainee_id, listing_id, listing_title, site_id, site_name,
                               time_zone, first_day, last_day, weeks, state, version,
                               joined_at, no_offer_from)
    SELECT gen_random_uuid(), :trainee, l.id, l.title, l.site_id, l.site_name, 'America/Chicago',
           n.week, n.week + 7 * 4 - 1, 4, 'waiting', 1, now(), '2028-01-01'
      FROM listing l, unnest(ARRAY[date '2027-03-01', date '2027-06-07']) AS n(week)
        ON CONFLICT DO NOTHING
    """
)
EXAMPLES = 7
LISTINGS = 40
PAGES = (1, 20, 100)
# Those of whom most is read and written, more often.
ROLES = ("site_owner", "operator", "site_owner", "trainee", "anonymous")
# Who works for a site is told with the site, and is no part of the catalogue.
CATALOGUE = frozenset(one.name for one in BLUEPRINTS if one.name != "site_people")
# Of the test's own transactions, not of a request.
NOT_COUNTED = ("SAVEPOINT", "RELEASE", "ROLLBACK", "SET CONSTRAINTS")


@pytest.fixture
def catalogue(world: World, stage: Any, people: Any) -> World:
    add_listings(stage, people, world, LISTINGS)
    world.connection.execute(SOMEBODY_WAITS, {"trainee": world.callers["trainee"].id})
    for name, table in NAMED.items():
        found = world.connection.exec_driver_sql(f"SELECT id FROM {table}").scalars()
        world.values[name] = [str(one) for one in found]
    return world


def test_no_request_of_the_catalogue_makes_more_statements_than_are_allowed(
    app: Flask, catalogue: World
):
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    operations = {
        found.label: found
        for found in (result.ok() for result in document.get_all_operations())
        if CATALOGUE & set(found.definition.raw.get("tags", ()))
    }
    dearest: dict[str, list[str]] = defaultdict(list)
    answered: set[str] = set()
    for operation in operations.values():
        play(operation, catalogue, dearest, answered)
    over = {label: texts for label, texts in dearest.items() if len(texts) > MOST}
    assert not over, "\n\n".join(
        f"{label}: {len(texts)}\n" + "\n".join(" ".join(text.split())[:120] for text in texts)
        for label, texts in over.items()
    )
    unseen = operations.keys() - answered
    assert len(answered) >= 0.5 * len(operations), f"too few go well to be counted: {unseen}"


def play(operation: Any, world: World, dearest: dict[str, list[str]], answered: set[str]) -> None:
    """Send examples of one operation; keep the statements of the dearest, note those that succeed."""
    takes_something = operation.body or any(operation.iter_parameters())
    requests: st.SearchStrategy[Any] = (
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        if takes_something
        else st.builds(operation.Case)
    )
    pages = PAGES if any(one.name == "limit" for one in operation.iter_parameters()) else (None,)

    @settings(BOUNDED, max_examples=EXAMPLES)
    @given(
        case=requests,
        seed=st.integers(0, 2**16),
        role=st.sampled_from(ROLES),
        limit=st.sampled_from(pages),
    )
    def send(case: Any, seed: int, role: str, limit: int | None) -> None:
        aim(case, world, Random(seed))
        if limit is not None:
            case.query = {**(case.query or {}), "limit": limit}
            case.query.pop("cursor", None)
        with undone(world) as seen:
            response = case.call(headers=world.headers(role))
        if len(seen) > len(dearest[operation.label]):
            dearest[operation.label] = seen
        if response.status_code < 300:
            answered.add(operation.label)

    send()


@contextmanager
def undone(world: World) -> Iterator[list[str]]:
    """Undo what the body does; the list has the statements that it sent."""
    seen: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(NOT_COUNTED):
            seen.append(statement)

    world.connection.exec_driver_sql("SAVEPOINT example")
    event.listen(world.connection, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(world.connection, "before_cursor_execute", note)
        world.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT example")
        world.connection.exec_driver_sql("RELEASE SAVEPOINT example")
