"""Whatever is refused is said in every language: each sentence that code refuses something with.

What stands in a refusal's place is found in the code itself; where a value is put in, a few are tried,
as a table of sentences may have any value there, or numbers only.
"""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import marketplace
from marketplace.core.errors import DomainError
from marketplace.pages import faults

ROOT = Path(marketplace.__path__[0])
# Said at a terminal, or to programs of analysts who read English: statistics name their inputs.
ELSEWHERE = {"embedded", "cli", "adapters"}
OF_STATISTICS = ROOT / "reporting" / "rules"
VALUES = ("7", "Cardiology", "10.00 USD", "accepted", "not disputed", "2027-01-04")
DAY, MOMENT = "2027-01-04", "2027-01-04 10:00"
# Put together from parts that are said elsewhere: each an example of the whole.
COMPOSED = {
    "It became {} at 2027-01-04 10:00 UTC{}.": "It became declined at 2027-01-04 10:00 UTC by Ann.",
    "{}{}.": "Ann edited this at 2027-01-04T10:00:00+00:00.",
    "{}.": "2027-01-05 is not a Monday: 2027-01-04 or 2027-01-11.",
    "{} is no specialty that we know.{}": "'x' is no specialty that we know. Did you mean Neurology?",
    "Expected {}.": "Expected one of: USD, EUR.",
    "Expected {}.{}": "Expected a workbook without macros; save it as .xlsx or CSV.",
    "Seats are taken in the week of {}.{}": "Seats are taken in the week of 2027-01-04.",
    "Another counts from {} {}: replace or withdraw that one, or choose other days.": (
        "Another counts from 2027-01-04 on: replace or withdraw that one, or choose other days."
    ),
}
# The names of what is wrong with a table: its cells are told one by one.
NAMES = {"corrections", "panel", "benchmarks"}


def refusals() -> set[str]:
    """The names of all that is raised to be read."""
    for found in walk_packages(marketplace.__path__, "marketplace."):
        if ".errors" in found.name:
            import_module(found.name)
    return {one.__name__ for one in _below(DomainError)} | {"DomainError", "ValidationError"}


def _below(kind: type) -> set[type]:
    return {one for below in kind.__subclasses__() for one in (below, *_below(below))}


def said() -> Iterator[tuple[str, list[str | None]]]:
    """Where something is refused, and the sentence; None where a value stands."""
    names = refusals()
    for path in sorted(ROOT.rglob("*.py")):
        if path.relative_to(ROOT).parts[0] in ELSEWHERE or path.is_relative_to(OF_STATISTICS):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in names:
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                yield from ((where, text) for given in _given(node) for text in _texts(given))


def _name(called: ast.expr) -> str:
    return getattr(called, "id", "") or getattr(called, "attr", "")


def _given(call: ast.Call) -> Iterator[ast.expr]:
    """What is said in a refusal: its sentence, and what it says of fields."""
    named = {one.arg: one.value for one in call.keywords}
    first = [*call.args[:1], *([named["detail"]] if "detail" in named else [])]
    for one in [*first, *([named["fields"]] if "fields" in named else [])]:
        lists = [part for part in ast.walk(one) if isinstance(part, ast.List)]
        values = [part for part in ast.walk(one) if isinstance(part, ast.Dict)]
        if isinstance(one, ast.Dict | ast.DictComp | ast.List):
            yield from (part for some in lists for part in some.elts)
            yield from (part for some in values for part in some.values)
        else:
            yield one


def _texts(node: ast.expr) -> list[list[str | None]]:
    match node:
        case ast.Constant(value=str(text)):
            return [[text]]
        case ast.JoinedStr(values=values):
            return [[_piece(one) for one in values]]
        case ast.IfExp(body=one, orelse=other):
            return _texts(one) + _texts(other)
        case ast.BinOp(left=left, right=right):
            return [one + other for one in _texts(left) for other in _texts(right)]
    return []


def _piece(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return str(node.value)
    form = ast.unparse(node.format_spec) if getattr(node, "format_spec", None) else ""
    return None if "%" not in form else MOMENT if "%H" in form else DAY


def _with(text: list[str | None], value: str) -> str:
    return "".join(value if piece is None else piece for piece in text)


def test_each_sentence_that_refuses_is_told_in_spanish():
    found = {_with(text, "{}"): (where, text) for where, text in said()}
    assert len(found) > 250, "the search finds refusals"
    untold = {
        whole: where
        for whole, (where, text) in found.items()
        if whole not in COMPOSED.keys() | NAMES
        and not any(faults.told(one := _with(text, value), "es") != one for value in VALUES)
    }
    assert untold == {}
    assert COMPOSED.keys() - found.keys() == set(), "put together no more"
    assert [one for one in COMPOSED.values() if faults.told(one, "es") == one] == []


def test_whom_something_is_for_is_said_in_words():
    assert faults.told("This needs the role analyst or operator.", "en").startswith(
        "This is only for our analysts or our staff. "
    )
    assert faults.told("This needs the role site_owner at the site.", "es").startswith(
        "Esto es solo para los propietarios de la sede. "
    )
