"""What history says of why something happened is said in every language."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import marketplace
from marketplace.pages.told import told

ROOT = Path(marketplace.__path__[0])
# They play others, or speak at a terminal.
ELSEWHERE = {"embedded", "cli"}
VALUE = "10.00 USD"


def _texts(node: ast.expr, names: Mapping[str, str]) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id=name) if name in names:
            yield names[name]
        case ast.JoinedStr(values=values):
            yield "".join(
                str(one.value) if isinstance(one, ast.Constant) else VALUE for one in values
            )
        case ast.BoolOp(values=parts):
            for part in parts:
                yield from _texts(part, names)
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one, names)
            yield from _texts(other, names)


def _reasons(source: str) -> Iterator[str]:
    """Sentences given as a `reason`, by themselves or by the name of a constant of the file."""
    tree = ast.parse(source)
    names = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for given in node.keywords:
                if given.arg == "reason":
                    found = _texts(given.value, names)
                    yield from (text for text in found if text[:1].isupper() and " " in text)


def test_each_reason_is_told_in_spanish():
    found = {
        text: str(path.relative_to(ROOT))
        for path in sorted(ROOT.rglob("*.py"))
        if path.relative_to(ROOT).parts[0] not in ELSEWHERE
        for text in _reasons(path.read_text("utf-8"))
    }
    assert len(found) > 30, "the search finds reasons"
    assert {text: where for text, where in found.items() if told(text, "es") == text} == {}


@pytest.mark.parametrize(
    "source",
    [
        'move(reason="Nobody knows this.")',
        'WHY = "Nobody knows this."\nmove(reason=WHY)',
        'move(reason=given or "Nobody knows this.")',
        'move(reason="Nobody knows this." if late else "Paid: 1.")',
        'move(reason=f"Nobody knows {this}.")',
    ],
)
def test_a_reason_is_found_however_it_is_given(source):
    assert any(told(text, "es") == text for text in _reasons(source))
