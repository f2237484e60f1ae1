"""The OpenAPI document: valid, and complete enough for a reader and a generator of clients."""

from collections import Counter
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from marketplace.app import create_app
from tests import settings

PROBLEM = "application/problem+json"
PREFIX = "/api/v1/"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(settings.make()).test_client().get("/api/v1/openapi.json").get_json()


def operations(document):
    for path, item in document["paths"].items():
        for method in ("get", "put", "post", "patch", "delete"):
            if method in item:
                yield f"{method.upper()} {path}", item, item[method]


def resolve(document, node):
    while "$ref" in node:
        found = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def test_it_is_a_valid_openapi_3_1_document(document):
    assert document["openapi"].startswith("3.1")
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_operation_has_an_id_of_its_own_a_summary_and_a_described_tag(document):
    ids = Counter(operation["operationId"] for _, _, operation in operations(document))
    assert [name for name, count in ids.items() if count > 1] == []
    described = {tag["name"] for tag in document["tags"] if tag["description"]}
    for label, _, operation in operations(document):
        assert operation["summary"].endswith((".", "!", "?")), label
        assert set(operation["tags"]) <= described, label


def test_security_is_what_the_guard_says(document):
    for label, _, operation in operations(document):
        public = operation["x-access"] == "public"
        assert operation["security"] == ([] if public else [{"bearer": []}]), label


def test_every_problem_is_a_problem_document(document):
    for label, _, operation in operations(document):
        problems = {
            status: answer for status, answer in operation["responses"].items() if status >= "4"
        }
        assert {"429", "503", "default"} <= set(problems), label
        for answer in problems.values():
            assert set(resolve(document, answer)["content"]) == {PROBLEM}, label


def test_preconditions_parameters_and_bodies_bring_their_problems(document):
    for label, item, operation in operations(document):
        parameters = [resolve(document, one) for one in operation.get("parameters", [])]
        names = {one["name"] for one in parameters}
        answers = set(operation["responses"])
        assert ("Idempotency-Key" in names) == label.startswith("POST"), label
        assert ({"412", "428"} <= answers) == ("If-Match" in names), label
        assert ({"401", "403"} <= answers) == bool(operation["security"]), label
        assert not item.get("parameters") or "404" in answers, label
        assert not (names or "requestBody" in operation) or "422" in answers, label


def test_every_good_answer_but_the_empty_ones_has_a_schema(document):
    for label, _, operation in operations(document):
        good = {status: answer for status, answer in operation["responses"].items() if status < "3"}
        assert good, label
        for status, answer in good.items():
            contents = resolve(document, answer).get("content", {})
            assert bool(contents) != (status == "204"), label
            assert all(content.get("schema") for content in contents.values()), label


def test_every_body_of_json_has_an_example_that_it_allows(document):
    registry = Registry().with_resource(
        "urn:document", Resource.from_contents(document, default_specification=DRAFT202012)
    )
    for label, _, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is not None:
            pointer = content["schema"].get("$ref")
            schema = {"$ref": f"urn:document{pointer}"} if pointer else content["schema"]
            validator = Draft202012Validator(
                schema, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER
            )
            assert [error.message for error in validator.iter_errors(content["example"])] == [], (
                label
            )


def test_what_an_answer_always_has_is_required(document):
    booking = document["components"]["schemas"]["Booking"]
    assert set(booking["required"]) == set(booking["properties"])
    assert document["components"]["schemas"]["HoldArgs"]["required"] == [
        "first_day",
        "listing_id",
        "weeks",
    ]


def test_nothing_is_described_that_nothing_refers_to(document):
    used: set[str] = set()
    waiting: list[Any] = [document["paths"], document["components"].get("responses")]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str) and reference not in used:
                used.add(reference)
                waiting.append(resolve(document, node))
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    assert {f"#/components/schemas/{name}" for name in document["components"]["schemas"]} <= used
