"""What a request costs in statements: at most six for the catalogue, whatever the page's size.

Walks the OpenAPI document, so that a new route is counted without being named here. Good requests
are made from it, by every kind of caller, about a catalogue of many listings; each is undone.
"""

from collections import defaultdict
from random import Random
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import GenerationMode
from sqlalchemy import event

from marketplace.catalog.routes import BLUEPRINTS
from tests.integration.api.test_any_request import BOUNDED, aim
from tests.integration.api.world import World, add_listings

MOST = 6
LISTINGS = 40
PAGES = (1, 20, 100)
ROLES = ("anonymous", "trainee", "site_owner", "operator")
CATALOGUE = frozenset(blueprint.name for blueprint in BLUEPRINTS)
# Of the test's own transactions, not of a request.
NOT_COUNTED = ("SAVEPOINT", "RELEASE", "ROLLBACK", "SET CONSTRAINTS")


@pytest.fixture
def catalogue(world: World, stage: Any, people: Any) -> World:
    add_listings(stage, people, world, LISTINGS)
    return world


def test_no_request_of_the_catalogue_makes_more_than_six_statements(app: Flask, catalogue: World):
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    operations = [
        found
        for found in (result.ok() for result in document.get_all_operations())
        if CATALOGUE & set(found.definition.raw.get("tags", ()))
    ]
    dearest: dict[str, list[str]] = defaultdict(list)
    answered: set[str] = set()
    for operation in operations:
        for role in ROLES:
            play(operation, catalogue, role, dearest, answered)
    over = {label: texts for label, texts in dearest.items() if len(texts) > MOST}
    assert not over, "\n\n".join(
        f"{label}: {len(texts)}\n" + "\n".join(" ".join(text.split())[:120] for text in texts)
        for label, texts in over.items()
    )
    unseen = {operation.label for operation in operations} - answered
    assert len(answered) >= 0.6 * len(operations), f"too few go well to be counted: {unseen}"


def play(
    operation: Any, world: World, role: str, dearest: dict[str, list[str]], answered: set[str]
) -> None:
    """Send examples of one operation; keep the statements of the dearest, note those that succeed."""
    if not operation.body and not any(operation.iter_parameters()):
        requests: st.SearchStrategy[Any] = st.builds(operation.Case)
    else:
        requests = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)

    @BOUNDED
    @given(case=requests, seed=st.integers(0, 2**16), limit=st.sampled_from(PAGES))
    def send(case: Any, seed: int, limit: int) -> None:
        aim(case, world, Random(seed))
        if any(one.name == "limit" for one in operation.iter_parameters()):
            case.query = {**(case.query or {}), "limit": limit}
            case.query.pop("cursor", None)
        world.connection.exec_driver_sql("SAVEPOINT example")
        seen: list[str] = []

        def note(_c: Any, _k: Any, statement: str, *_: Any) -> None:
            if not statement.startswith(NOT_COUNTED):
                seen.append(statement)

        event.listen(world.connection, "before_cursor_execute", note)
        try:
            response = case.call(headers=world.headers(role))
        finally:
            event.remove(world.connection, "before_cursor_execute", note)
            world.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT example")
            world.connection.exec_driver_sql("RELEASE SAVEPOINT example")
        if len(seen) > len(dearest[operation.label]):
            dearest[operation.label] = seen
        if response.status_code < 300:
            answered.add(operation.label)

    send()
