"""CSV tables as people send them: read whole, or refused with every bad cell named."""

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from marketplace.reporting.errors import BadCell, TableUnreadable


@dataclass(frozen=True, slots=True)
class Column:
    """How a column is written: its parser (ValueError where it can't be), and that in words."""

    parse: Callable[[str], Any]
    expected: str
    required: bool = False

    def value(self, text: str) -> Any:
        """What a cell says; None where it is empty and may be."""
        if text == "":
            if self.required:
                raise ValueError
            return None
        return self.parse(text)

    @property
    def belongs(self) -> str:
        """What belongs in a cell, in words."""
        return self.expected if self.required else self.expected + ", or empty"


def one_of(*values: str, required: bool = False) -> Column:
    """A column of a closed vocabulary."""
    allowed = frozenset(values)

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError
        return text

    return Column(parse, "one of " + ", ".join(values), required)


def matching(pattern: str, expected: str, *, required: bool = False) -> Column:
    """A column whose cells match a whole pattern."""
    compiled = re.compile(pattern)

    def parse(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError
        return text

    return Column(parse, expected, required)


def _flag(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError
    return text == "1"


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise ValueError
    return int(text)


FLAG = Column(_flag, "0 or 1")
TEXT = Column(str, "any text")
NOT_EMPTY = Column(str, "not empty", required=True)
COUNT = Column(_whole, "a whole number")
YEAR = matching(r"(19|20)\d\d", "a year such as 2024", required=True)


def read_table(
    source: Iterable[str],
    columns: Iterable[str],
    table: str,
    every: Mapping[str, str] = MappingProxyType({}),
) -> list[tuple[int, dict[str, str]]]:
    """A CSV's rows as row number, column -> stripped text; refuses a ragged or lacking table.

    Columns beyond those wanted are left out, but one named in `every` has, if it is there, that value
    in all rows. A byte order mark is no part of the first name.
    """
    reader = csv.reader(source)
    try:
        header = [name.strip().removeprefix("\ufeff") for name in next(reader, [])]
        lines = [
            (number, line)
            for number, line in enumerate(reader, start=2)
            if any(cell.strip() for cell in line)
        ]
    except (csv.Error, UnicodeDecodeError) as error:
        raise TableUnreadable(table, [BadCell(0, "", "", f"a UTF-8 CSV file ({error})")]) from error
    wanted = list(columns)
    if len(header) == 1 and (other := re.search(r"[;\t]", header[0])):
        sign = "semicolons" if other[0] == ";" else "tabs"
        raise TableUnreadable(table, [BadCell(1, "", sign, "commas between the columns")])
    bad = [BadCell(1, name, "", "this column") for name in wanted if name not in header]
    bad += [
        BadCell(1, name, name, "each column once")
        for name in dict.fromkeys(header)
        if name in wanted and header.count(name) > 1
    ]
    bad += [
        BadCell(number, "", f"{len(line)} cells", f"{len(header)} cells")
        for number, line in lines
        if len(line) != len(header)
    ]
    bad += [
        BadCell(number, name, line[place].strip(), f"{value}, as in all rows")
        for name, value in every.items()
        for place, has in enumerate(header)
        if has == name
        for number, line in lines
        if len(line) == len(header) and line[place].strip() != value
    ]
    if bad:
        raise TableUnreadable(table, bad)
    places = [(name, header.index(name)) for name in wanted]
    return [
        (number, {name: line[place].strip() for name, place in places}) for number, line in lines
    ]


def read_values(
    source: Iterable[str],
    columns: Mapping[str, Column],
    table: str,
    unique: str | None = None,
    every: Mapping[str, str] = MappingProxyType({}),
) -> list[tuple[int, dict[str, Any]]]:
    """Every row's number and values by column; refuses the whole file if any cell can't be read.

    `unique` names a column in which no value may come twice; `every` as for `read_table`. Rows are counted as a spreadsheet
    shows them: the header is row 1, and empty rows count but say nothing.
    """
    bad: list[BadCell] = []
    rows: list[tuple[int, dict[str, Any]]] = []
    seen: set[str] = set()
    for number, cells in read_table(source, columns, table, every):
        rows.append((number, _values(number, cells, columns, bad)))
        if unique is not None:
            if cells[unique] and cells[unique] in seen:
                bad.append(BadCell(number, unique, cells[unique], f"each {unique} once"))
            seen.add(cells[unique])
    if bad:
        raise TableUnreadable(table, bad)
    return rows


def _values(
    number: int, cells: Mapping[str, str], columns: Mapping[str, Column], bad: list[BadCell]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, text in cells.items():
        try:
            values[name] = columns[name].value(text)
        except ValueError:
            bad.append(BadCell(number, name, text, columns[name].belongs))
    return values
