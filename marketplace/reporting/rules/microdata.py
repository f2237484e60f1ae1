"""Rows of any shape for the weighting topic: a list of objects, or a CSV file."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from marketplace.reporting.errors import (
    FigureRefused,
    InputMissing,
    UnknownColumn,
    UnreadableData,
    WrongType,
)
from marketplace.reporting.rules.stats_input import Inputs, kind
from marketplace.reporting.rules.weighting import Kind

Row = Mapping[str, str]
Condition = Callable[[Row], bool]


def kinds_from(given: Inputs, variables: list[str]) -> dict[Kind, int]:
    """The case's frame, counted by what weighting looks at; an empty cell is a category."""
    if not variables:
        raise InputMissing("variables names none")
    chosen = given.values.get("filter")
    keep = _always if chosen in {None, "", "none"} else condition(given.text("filter"), "filter")
    respondent, applicant, matched = (
        condition(given.text(name), name) for name in ("respondent", "denominator", "numerator")
    )
    kinds = Counter(
        Kind(
            tuple(_cell(row, name) for name in variables),
            respondent(row),
            applicant(row),
            matched(row),
        )
        for row in _rows(given)
        if keep(row)
    )
    if not kinds:
        raise FigureRefused("no row is left, so there is no frame")
    return kinds


def condition(text: str, name: str) -> Condition:
    """A test `column==value` (or `column!=value`) of a row's text."""
    for sign, wanted in (("==", True), ("!=", False)):
        column, found, value = text.partition(sign)
        if found and column.strip():
            return _Comparison(column.strip(), _unquoted(value.strip()), wanted=wanted)
    raise WrongType(f'{name} is {text!r}; it must be written "column==value"')


class _Comparison:
    def __init__(self, column: str, value: str, *, wanted: bool) -> None:
        self._column, self._value, self._wanted = column, value, wanted

    def __call__(self, row: Row) -> bool:
        return (_cell(row, self._column) == self._value) is self._wanted


def _always(_: Row) -> bool:
    return True


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _cell(row: Row, column: str) -> str:
    if column not in row:
        raise UnknownColumn(f"there is no column {column}; there are {', '.join(row)}")
    return row[column]


def _rows(given: Inputs) -> Iterator[Row]:
    if given.has("rows") == given.has("microdata"):
        raise InputMissing("either rows or microdata is needed, and not both")
    return _listed(given.get("rows")) if given.has("rows") else _read(given.text("microdata"))


def _listed(rows: Any) -> Iterator[Row]:
    if not isinstance(rows, list):
        raise WrongType(f"rows must be a list, not {kind(rows)}")
    columns = list(dict.fromkeys(name for row in rows if isinstance(row, Mapping) for name in row))
    for place, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise WrongType(f"row {place + 1} must be an object, not {kind(row)}")
        yield {name: _text(row.get(name), name) for name in columns}


def _text(value: Any, name: str) -> str:
    """A cell as a CSV writes it: whole numbers without a point, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, list | Mapping):
        raise WrongType(f"a cell of {name} is {kind(value)}; it must be a text or a number")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _read(path: str) -> Iterator[Row]:
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as source:
            for number, row in enumerate(csv.DictReader(source), start=2):
                if None in row or None in row.values():
                    raise UnreadableData(f"{path}: row {number} has too many or too few cells")
                yield {name.strip(): value.strip() for name, value in row.items()}
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise UnreadableData(f"{path} can't be read: {error}") from error
