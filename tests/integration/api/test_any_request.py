"""Any request at all, by every kind of caller: never a 500, always an answer as documented.

Requests are made from the OpenAPI document, good ones and bad ones, and mostly about things that
exist. Each is undone before the next, so that every one meets the same world. For a deeper look:
SCHEMATHESIS_EXAMPLES=300 make test ARGS="tests/integration/api".
"""

import os
from itertools import cycle, islice
from random import Random
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.api.world import World

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "2"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BOUNDED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
    report_multiple_bugs=False,
)
# A file is whatever the export made it: its document says bytes, which JSON files are not to a check.
BYTES = "GET /api/v1/exports/{export_id}/files/{name}"
ROLES = ("anonymous", "trainee", "site_owner", "school_coordinator", "operator", "analyst")
# The operations are dealt out to so many tests, which run beside each other.
HANDS = 3
# How many operations of a hand must have gone well at least once, for each role.
FEWEST = 2


@schemathesis.serializer("application/pdf")
def pdf(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.mark.parametrize("hand", range(HANDS))
def test_any_request_is_answered_as_documented(app: Flask, world: World, hand: int):
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    broken: dict[str, str] = {}
    succeeded: dict[str, set[str]] = {role: set() for role in ROLES}
    for found in islice(document.get_all_operations(), hand, None, HANDS):
        operation = found.ok()
        try:
            play(operation, world, succeeded)
        except Exception as error:
            broken[operation.label] = f"{type(error).__name__}: {error}"
    assert not broken, "\n\n".join(f"{label}\n{why[:3000]}" for label, why in broken.items())
    few = {role: len(found) for role, found in succeeded.items() if len(found) < FEWEST}
    assert not few, f"the requests of these do not get past the first checks: {few}"


def play(operation: Any, world: World, succeeded: dict[str, set[str]]) -> None:
    """Send examples of one operation, each as half of the roles in turn; what each did is undone.

    An operation that went well at least once is noted in `succeeded`.
    """
    halves = cycle((ROLES[::2], ROLES[1::2]))

    @BOUNDED
    @given(case=cases(operation), seed=st.integers(0, 2**16))
    def send(case: Any, seed: int) -> None:
        aim(case, world, Random(seed))
        for role in next(halves):
            if asked(case, operation, world, role) < 300:
                succeeded[role].add(operation.label)

    send()


def asked(case: Any, operation: Any, world: World, role: str) -> int:
    """The status of the answer to `role`, which is as documented."""
    world.connection.exec_driver_sql("SAVEPOINT example")
    try:
        response = case.call(headers=world.headers(role))
        excluded = [response_schema_conformance] if operation.label == BYTES else []
        case.validate_response(response, checks=CHECKS, excluded_checks=excluded)
        return int(response.status_code)
    finally:
        # Rolled back alone, it would stay: each example's write would lock all before it.
        world.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT example")
        world.connection.exec_driver_sql("RELEASE SAVEPOINT example")


def cases(operation: Any) -> st.SearchStrategy[Any]:
    """Requests that keep to the document, and ones that break it."""
    good = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    takes_something = operation.body or any(operation.iter_parameters())
    return (
        good | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        if takes_something
        else good
    )


def aim(case: Any, world: World, chance: Random) -> None:
    """Let most requests be about what exists: ids in the path, the query, the body, the headers."""
    known = {
        **world.values,
        **{name: [value] for name, value in chance.choice(world.places).items()},
    }
    for container in (case.path_parameters, case.query, case.headers, case.body):
        if hasattr(container, "items"):
            for name in list(container):
                if name in known and chance.random() < 0.85:
                    container[name] = chance.choice(known[name])
