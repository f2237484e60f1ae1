"""The parts of a workbook that matter here, read as streams of XML: sheets, shared texts, cells."""

import re
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from marketplace.catalog.rules.archive import Archive, damaged
from marketplace.catalog.rules.faults import MIB, Limits, SheetFault

MOST_FORMULAS = 10_000
MOST_COLUMNS = 1_000
LONGEST_TOKEN = MIB
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.ASCII)
_LETTERS = 26


@dataclass(frozen=True)
class SheetPart:
    """A sheet by name, the part that holds it, and whether there are others to see."""

    name: str
    part: str
    others: bool


@dataclass
class Contents:
    """What is to be known of a sheet before it is opened.

    `refused` are cells that hold no plain value, by row (from 1): (column from 0, what to show).
    """

    refused: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    count: int = 0


def chosen_sheet(archive: Archive, preferred: str) -> SheetPart:
    """The sheet of this name, else the first visible one."""
    sheets: list[tuple[str, str]] = []
    targets: dict[str, str] = {}

    def sheet(name: str, attributes: Mapping[str, str]) -> None:
        if name == "sheet" and attributes.get("state", "visible") == "visible":
            key = next((attributes[key] for key in attributes if key.endswith(":id")), "")
            sheets.append((attributes.get("name", ""), key))

    def relation(name: str, attributes: Mapping[str, str]) -> None:
        if name == "Relationship" and attributes.get("Type", "").endswith("/worksheet"):
            target = attributes.get("Target", "").removeprefix("/")
            full = target if target.startswith("xl/") else f"xl/{target}"
            targets[attributes.get("Id", "")] = full

    _parse(archive, "xl/workbook.xml", start=sheet)
    _parse(archive, "xl/_rels/workbook.xml.rels", start=relation)
    found = [(name, targets[key]) for name, key in sheets if targets.get(key, "") in archive.parts]
    if not found or len({name for name, _ in found}) != len(found):
        raise damaged()
    named = next((each for each in found if each[0].casefold() == preferred.casefold()), None)
    name, part = named or found[0]
    return SheetPart(name, part, named is None and len(found) > 1)


def look_through(archive: Archive, part: str, limits: Limits) -> Contents:
    """Measure a sheet without keeping it, and note the cells that hold no plain value."""
    shared = _shared_lengths(archive)
    cells = _Cells(shared, limits)
    _parse(archive, part, start=cells.start, end=cells.end, text=cells.text)
    return cells.contents


def _shared_lengths(archive: Archive) -> "array[int]":
    """How long each of the texts is that cells refer to by number."""
    lengths: array[int] = array("I")
    if "xl/sharedStrings.xml" not in archive.parts:
        return lengths

    def start(name: str, _: Mapping[str, str]) -> None:
        if name == "si":
            lengths.append(0)

    def text(piece: str) -> None:
        if lengths:
            lengths[-1] += len(piece)

    _parse(archive, "xl/sharedStrings.xml", start=start, text=text)
    return lengths


class _Cells:
    """Follows the cells of a sheet: their places, formulas, errors, and how much they hold."""

    def __init__(self, shared: "array[int]", limits: Limits) -> None:
        self.contents = Contents()
        self._shared = shared
        self._limits = limits
        self._row = self._column = 0
        self._first_row = self._first_column = self._last_row = self._last_column = -1
        self._kind = ""
        self._inside = ""
        self._value = self._formula = ""
        self._has_formula = self._has_value = False
        self._length = self._formulas = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "c":
            self._begin_cell(attributes)
        elif name == "row":
            given = attributes.get("r", "")
            self._row = int(given) if given.isascii() and given.isdigit() else self._row + 1
            self._column = -1
        elif name in ("v", "f", "t"):
            self._inside = name
            self._has_value = True
            self._has_formula = self._has_formula or name == "f"

    def text(self, piece: str) -> None:
        if self._inside in ("v", "t") and len(self._value) < 100:  # noqa: PLR2004 - an index or error
            self._value += piece
        elif self._inside == "f" and len(self._formula) < 100:  # noqa: PLR2004 - to be shown
            self._formula += piece

    def end(self, name: str) -> None:
        if name == "c":
            self._end_cell()
        elif name == self._inside:
            self._inside = ""
        elif name in ("row", "worksheet"):
            self.check()

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        reference = attributes.get("r")
        if reference is None:
            self._column += 1
        else:
            match = _REFERENCE.fullmatch(reference)
            if match is None:
                raise damaged()
            self._row, self._column = int(match[2]), _column(match[1])
        self._kind = attributes.get("t", "n")
        self._value = self._formula = ""
        self._has_formula = self._has_value = False

    def _end_cell(self) -> None:
        if not self._has_value:
            return
        self._reach()
        shown = self._refused()
        if shown is not None:
            self._count_formula()
            self.contents.refused.setdefault(self._row, []).append((self._column, shown))
        if self._kind == "s" and self._value.strip().isdecimal():
            index = int(self._value)
            if index >= len(self._shared):
                raise damaged()
            self._length += self._shared[index]

    def _refused(self) -> str | None:
        """What to show of a cell that holds a formula or an error."""
        if self._has_formula:
            return "=" + (self._formula.lstrip("=")[:100] or "…")
        return self._value[:20] or "#ERROR" if self._kind == "e" else None

    def _reach(self) -> None:
        """How large a table the cells span, which a reader lays out whole."""
        if self._first_row < 0:
            self._first_row = self._last_row = self._row
            self._first_column = self._last_column = self._column
        self._first_row = min(self._first_row, self._row)
        self._last_row = max(self._last_row, self._row)
        self._first_column = min(self._first_column, self._column)
        self._last_column = max(self._last_column, self._column)
        self.contents.count += 1

    def _count_formula(self) -> None:
        self._formulas += 1
        if self._formulas > MOST_FORMULAS:
            raise SheetFault("formulas", "values, not formulas; copy all, then paste as values")

    def check(self) -> None:
        """Refuse a sheet that a reader could not hold; asked after each row and at the end."""
        wide = self._last_column - self._first_column + 1
        high = self._last_row - self._first_row + 1
        if wide > MOST_COLUMNS or self._first_column > MOST_COLUMNS:
            raise SheetFault("too_wide", f"cells within the first {MOST_COLUMNS} columns")
        reach = max(wide * high, self.contents.count)
        # A reader begins at the first row of all, and rows are few beside cells.
        if reach > self._limits.cells or self._last_row > self._limits.rows * 2 + 1_000:
            raise SheetFault(
                "too_many_cells",
                f"at most {self._limits.rows:,} rows, without entries far below or beside the rest",
                row=self._last_row,
            )
        if self._length > self._limits.text:
            raise SheetFault("too_much_text", f"at most {self._limits.text // MIB} MiB of text")


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number - 1


def _parse(
    archive: Archive,
    part: str,
    *,
    start: Callable[[str, Mapping[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Feed a part to the handlers, names without their prefix. A document type is refused."""
    if part not in archive.parts:
        raise damaged()
    parser = expat.ParserCreate()
    parser.buffer_text = False
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = _unprefixed(start)
    if end is not None:
        parser.EndElementHandler = _unprefixed_end(end)
    if text is not None:
        parser.CharacterDataHandler = text
    fed = 0
    try:
        for piece in archive.pieces(part):
            parser.Parse(piece, False)
            fed += len(piece)
            if fed - parser.CurrentByteIndex > LONGEST_TOKEN:
                raise damaged()
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise damaged() from error


def _refuse_doctype(*_: Any) -> None:
    raise SheetFault("odd_archive", "a workbook as a spreadsheet program saves it")


def _unprefixed(
    handle: Callable[[str, Mapping[str, str]], None],
) -> Callable[[str, Mapping[str, str]], None]:
    def begun(name: str, attributes: Mapping[str, str]) -> None:
        handle(name.rpartition(":")[2] if ":" in name else name, attributes)

    return begun


def _unprefixed_end(handle: Callable[[str], None]) -> Callable[[str], None]:
    def ended(name: str) -> None:
        handle(name.rpartition(":")[2] if ":" in name else name)

    return ended
