"""The OpenAPI document as a reference reads it: groups of calls, fields of what is sent and answered."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from marketplace.pages.marking import noted

Json = Mapping[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
SCHEMAS = "#/components/schemas/"
DEEPEST = 3
MOST_VALUES = 14
CODE = re.compile(r"`([^`]+)`")
# Who may call, by the first of these that all calls of a group have.
READERS = (
    ("public", noted("For everybody")),
    ("signed_in", noted("For whoever is signed in")),
    ("site", noted("For hosts")),
    ("school", noted("For schools")),
    ("role", noted("For operators and analysts")),
)
GUARDS: Mapping[str, str] = {
    "public": noted("Everybody, without a token."),
    "signed_in": noted("Whoever is signed in, about what is theirs."),
    "in_person": noted("Whoever is signed in by a password: no API key."),
    "school": noted("The coordinators of that school."),
    "site:any": noted("Whoever works for that site, and operators."),
}
# Where a parameter stands.
PLACES = {
    "path": noted("in the path"),
    "query": noted("in the query"),
    "header": noted("as a header"),
}


@dataclass(frozen=True)
class Field:
    """A parameter, or a member of what is sent or answered; `where` it stands, if in the address."""

    name: str
    kind: str
    required: bool
    about: Markup
    where: str = ""


@dataclass(frozen=True)
class Answer:
    """An answer by its status: its fields, or what kind of file it is."""

    status: str
    about: str
    kind: str
    fields: Sequence[Field]


@dataclass(frozen=True)
class Operation:
    """A call: what it does, who may, what is sent, what comes back."""

    code: str
    tag: str
    method: str
    path: str
    summary: str
    about: Markup
    access: str
    parameters: Sequence[Field]
    body: Sequence[Field]
    body_kind: str
    example: Any
    answers: Sequence[Answer]
    problems: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Group:
    """The calls of a tag."""

    tag: str
    about: str
    reader: str
    operations: int


def plain(text: str) -> Markup:
    """A description with its `code` as such."""
    pieces = CODE.split(" ".join(text.split()))
    marked = [escape(one) if number % 2 == 0 else Markup("<code>{}</code>").format(one)
              for number, one in enumerate(pieces)]  # fmt: skip
    return Markup("").join(marked)


def templates(document: Json) -> Mapping[str, tuple[str, str]]:
    """Method and path below the prefix of each operation, by its id."""
    return {
        operation["operationId"]: (method, path)
        for path, method, operation in _operations(document)
    }


def tags(document: Json) -> Mapping[str, str]:
    """The tag of each operation, by its id."""
    return {one["operationId"]: one["tags"][0] for _, _, one in _operations(document)}


def groups(document: Json) -> list[tuple[str, list[Group]]]:
    """All tags by who may call most of what is in them, in the document's order."""
    access: dict[str, list[str]] = {}
    for _, _, operation in _operations(document):
        access.setdefault(operation["tags"][0], []).append(operation["x-access"])
    made = [
        Group(
            tag["name"], tag["description"], _reader(access[tag["name"]]), len(access[tag["name"]])
        )
        for tag in document["tags"]
        if tag["name"] in access
    ]
    by_reader = [(title, [one for one in made if one.reader == code]) for code, title in READERS]
    return [(title, found) for title, found in by_reader if found]


def _reader(access: Sequence[str]) -> str:
    kinds = [one.partition(":")[0].replace("in_person", "signed_in") for one in access]
    return max(dict(READERS), key=kinds.count)


def search(document: Json, words: str) -> list[Operation]:
    """The calls that have all words in their path, method or description."""
    wanted = words.casefold().split()
    return [
        operation(document, path, method, found)
        for path, method, found in _operations(document)
        if all(one in _searched(path, method, found) for one in wanted)
    ]


def _searched(path: str, method: str, found: Json) -> str:
    said = (method, path, found["tags"][0], found["summary"], found.get("description", ""))
    return " ".join(said).casefold()


def of_tag(document: Json, tag: str) -> list[Operation]:
    """The calls of a tag, in the order of their paths."""
    return [
        operation(document, path, method, found)
        for path, method, found in _operations(document)
        if found["tags"][0] == tag
    ]


def operation(document: Json, path: str, method: str, found: Json) -> Operation:
    """A call as the reference shows it."""
    schemas = document["components"]["schemas"]
    item = document["paths"][found["x-path"]]
    given = [
        _resolved(document, one)
        for one in (*item.get("parameters", ()), *found.get("parameters", ()))
    ]
    kind, content = _content(found.get("requestBody", {}))
    return Operation(
        code=found["operationId"],
        tag=found["tags"][0],
        method=method.upper(),
        path=path,
        summary=found["summary"],
        about=plain(found.get("description", "")),
        access=found["x-access"],
        parameters=[_parameter(one, schemas) for one in given],
        body=list(members(content.get("schema", {}), schemas)),
        body_kind=kind,
        example=content.get("example"),
        answers=list(_answers(found, schemas)),
        problems=list(_problems(document, found)),
    )


def _operations(document: Json) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path below the prefix, method, and operation with its whole path as `x-path`."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path.removeprefix("/api/v1"), method, {**item[method], "x-path": path}


def _content(sent: Json) -> tuple[str, Json]:
    """The media type of a body or an answer, and what is said of it; empty where there is none."""
    nothing: tuple[str, Json] = ("", {})
    return next(iter(sent.get("content", {}).items()), nothing)


def _resolved(document: Json, node: Json) -> Json:
    while "$ref" in node:
        found: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def _parameter(one: Json, schemas: Json) -> Field:
    about = plain(one.get("description", ""))
    return Field(
        one["name"], kind_of(one["schema"], schemas), one.get("required", False), about, one["in"]
    )


def _answers(found: Json, schemas: Json) -> Iterable[Answer]:
    for status, answer in found["responses"].items():
        if status >= "4":
            continue
        kind, content = _content(answer)
        shown = list(members(content.get("schema", {}), schemas))
        yield Answer(status, answer.get("description", ""), kind, shown)


def _problems(document: Json, found: Json) -> Iterable[tuple[str, str]]:
    for status, answer in found["responses"].items():
        if "4" <= status < "6":
            yield status, _resolved(document, answer)["description"]


def members(schema: Json, schemas: Json, before: str = "", depth: int = 0) -> Iterator[Field]:
    """The members of an object one by one, those of objects in it by a path (`price.amount`)."""
    inner, many = _inside(schema, schemas)
    if many and not before:
        before = "[]."
    required = set(inner.get("required", ()))
    for name, one in inner.get("properties", {}).items():
        about = plain(one.get("description", ""))
        yield Field(f"{before}{name}", kind_of(one, schemas), name in required, about)
        nested, several = _inside(one, schemas)
        if nested.get("properties") and depth + 1 < DEEPEST and not _is_money(nested):
            way = f"{before}{name}{'[]' if several else ''}."
            yield from members(nested, schemas, way, depth + 1)


def _inside(schema: Json, schemas: Json) -> tuple[Json, bool]:
    """The object that a schema is or is a list of, and whether it is a list."""
    schema = _chosen(schema, schemas)
    if "items" in schema:
        return _chosen(schema["items"], schemas), True
    return schema, False


def _chosen(schema: Json, schemas: Json) -> Json:
    for together in ("anyOf", "oneOf", "allOf"):
        if together in schema:
            some = [one for one in schema[together] if one.get("type") != "null"]
            return _chosen(some[0], schemas) if some else schema
    if "$ref" in schema:
        return _chosen(schemas[schema["$ref"].removeprefix(SCHEMAS)], schemas)
    return schema


def _is_money(schema: Json) -> bool:
    return set(schema.get("properties", ())) == {"amount", "currency"}


def kind_of(schema: Json, schemas: Json) -> str:
    """What a value is, in few words: `uuid`, `integer, 1 to 52`, `one of: held, submitted`."""
    chosen = _chosen(schema, schemas)
    if _is_money(chosen):
        return "money"
    if "items" in chosen:
        return f"list of {kind_of(chosen['items'], schemas)}"
    if values := [one for one in chosen.get("enum", ()) if one is not None]:
        more = f", … ({len(values)})" if len(values) > MOST_VALUES else ""
        return "one of: " + ", ".join(str(one) for one in values[:MOST_VALUES]) + more
    kinds = chosen.get("type", "any")
    some = [one for one in (kinds if isinstance(kinds, list) else [kinds]) if one != "null"]
    name = chosen.get("format") or (some[0] if some else "null")
    least, most = chosen.get("minimum"), chosen.get("maximum")
    if least is not None and most is not None:
        name += f", {least:g} to {most:g}"
    elif (longest := chosen.get("maxLength")) is not None and name == "string":
        name += f", at most {longest} characters"
    return f"{name} or null" if isinstance(kinds, list) and "null" in kinds else str(name)
