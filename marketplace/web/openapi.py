"""Completes the OpenAPI document with what holds for every operation, so that no route repeats it.

The library describes parameters, bodies and good answers from the schemas. Added here: operation
ids, the problems that an operation can answer with, the Idempotency-Key, which members an answer
always has, and an example of every body.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

Json = dict[str, Any]

METHODS = ("get", "put", "post", "delete", "patch")
PROBLEM_TYPE = "application/problem+json"
SCHEMAS = "#/components/schemas/"
RESPONSES = "#/components/responses/"
RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
}
# Status, name of the shared response, what it means, its headers.
PROBLEMS: tuple[tuple[str, str, str, Json], ...] = (
    (
        "401",
        "Unauthenticated",
        "Not signed in, or a credential that is not good.",
        {"WWW-Authenticate": {"schema": {"type": "string"}}},
    ),
    ("403", "Forbidden", "You may know of this, but not do it.", {}),
    ("404", "NotFound", "There is nothing here, or nothing that you may know of.", {}),
    ("409", "Conflict", "Not in the present state; `code` says what stands against it.", {}),
    ("412", "PreconditionFailed", "It has changed since the version in If-Match.", {}),
    ("422", "Invalid", "Something sent is not as it must be; see `fields`.", {}),
    ("428", "PreconditionRequired", "Send If-Match with the ETag that you last read.", {}),
    ("429", "TooManyRequests", "Too many requests; wait as long as Retry-After says.", RETRY_AFTER),
    ("503", "Unavailable", "Busy or out of service for a moment.", RETRY_AFTER),
    ("default", "Problem", "Any other problem.", {}),
)
PARAMETERS: Json = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
        "description": "Sent again with the same body: the first answer again. With another: 422.",
        "example": "3f0c1f1e-8a4e-4d0b-9f4b-6d6f4f0b2f11",
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "schema": {"type": "string"},
        "description": "The ETag that was last read. Without it 428, with an old one 412.",
    },
}
# For `Blueprint.doc` on a view that calls `etags.require_match`.
IF_MATCH: Json = {"parameters": [PARAMETERS["IfMatch"]]}
BINARY: Json = {"type": "string", "format": "binary"}
SAMPLES: Mapping[str, Any] = {
    "date": date(2027, 3, 1).isoformat(),
    "date-time": datetime.fromisoformat("2027-03-01T15:00:00+00:00").isoformat(),
    "email": "asha@example.org",
    "uuid": "01a1f0de-7c3c-7d6a-9b1e-3f2a5c4d6e70",
    "uri": "https://example.org/",
    "url": "https://example.org/",
}


def complete(document: Json, operation_ids: Mapping[tuple[str, str], str]) -> Json:
    """Return the completed `document`; `operation_ids` by path template and lower-case method."""
    components = document.setdefault("components", {})
    components["parameters"] = PARAMETERS
    components["responses"] = {name: _problem(says, headers) for _, name, says, headers in PROBLEMS}
    sent = _reachable(document, [body for _, _, op in _operations(document) for body in _body(op)])
    for name, schema in components["schemas"].items():
        if name not in sent and name != "Problem":
            schema["required"] = sorted(schema.get("properties", {}))
    for path, method, operation in _operations(document):
        operation["operationId"] = operation_ids[path, method]
        in_path = document["paths"][path].get("parameters", [])
        _complete_operation(operation, method, in_path)
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is not None:
            content.setdefault("example", example(content["schema"], components["schemas"]))
    used = _reachable(document, [document["paths"], components["responses"]])
    components["schemas"] = {
        name: schema for name, schema in components["schemas"].items() if name in used
    }
    return document


def example(schema: Json, schemas: Json) -> Any:
    """Return a value that `schema` allows: from its examples, else the plainest there is.

    Members that may be left out are, unless they bring an example.
    """
    if "$ref" in schema:
        return example(schemas[schema["$ref"].removeprefix(SCHEMAS)], schemas)
    if "example" in schema:
        return schema["example"]
    for together in ("anyOf", "oneOf", "allOf"):
        if together in schema:
            return example(schema[together][0], schemas)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    return _SAMPLES_BY_TYPE[kind](schema, schemas)


def _object(schema: Json, schemas: Json) -> Json:
    required = schema.get("required", ())
    return {
        name: example(inner, schemas)
        for name, inner in schema.get("properties", {}).items()
        if not inner.get("readOnly") and (name in required or "example" in inner)
    }


def _array(schema: Json, schemas: Json) -> list[Any]:
    return [example(schema["items"], schemas)]


def _text(schema: Json, _: Json) -> str:
    sample: str = SAMPLES.get(schema.get("format", ""), "As agreed on the telephone.")
    return sample.ljust(schema.get("minLength", 0), "a")[: schema.get("maxLength")]


def _number(schema: Json, _: Json) -> Any:
    return max(schema.get("minimum", 1), 1)


_SAMPLES_BY_TYPE: Mapping[str, Callable[[Json, Json], Any]] = {
    "object": _object,
    "array": _array,
    "string": _text,
    "integer": _number,
    "number": _number,
    "boolean": lambda _schema, _schemas: True,
    "null": lambda _schema, _schemas: None,
}


def _problem(says: str, headers: Json) -> Json:
    content = {PROBLEM_TYPE: {"schema": {"$ref": SCHEMAS + "Problem"}}}
    response: Json = {"description": says, "content": content}
    return {**response, "headers": headers} if headers else response


def _complete_operation(operation: Json, method: str, in_path: list[Json]) -> None:
    parameters = operation.get("parameters", [])
    if method == "post":
        parameters = [*parameters, PARAMETERS["IdempotencyKey"]]
    conditional = PARAMETERS["IfMatch"] in parameters
    if parameters:
        operation["parameters"] = [_shared(parameter) for parameter in parameters]
    applies = {
        "401": bool(operation.get("security")),
        "403": bool(operation.get("security")),
        "404": bool(in_path),
        "409": method != "get",
        "412": conditional,
        "422": bool(parameters) or "requestBody" in operation,
        "428": conditional,
    }
    good = {status: answer for status, answer in operation["responses"].items() if status < "4"}
    bad = {
        status: {"$ref": RESPONSES + name}
        for status, name, _, _ in PROBLEMS
        if applies.get(status, True)
    }
    operation["responses"] = {**good, **bad}


def _shared(parameter: Json) -> Json:
    """The parameter itself, or where it is written once for all."""
    for name, shared in PARAMETERS.items():
        if parameter == shared:
            return {"$ref": f"#/components/parameters/{name}"}
    return parameter


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _body(operation: Json) -> list[Json]:
    """The contents that an operation takes, one a media type."""
    return list(operation.get("requestBody", {}).get("content", {}).values())


def _reachable(document: Json, start: Any) -> set[str]:
    """Names of the schemas that are referred to from `start`, directly or through others."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        here = waiting.pop()
        if isinstance(here, list):
            waiting.extend(here)
        elif isinstance(here, dict):
            waiting.extend(here.values())
            name = str(here.get("$ref", "")).removeprefix(SCHEMAS)
            if name in document["components"]["schemas"] and name not in found:
                found.add(name)
                waiting.append(document["components"]["schemas"][name])
    return found
