"""The rows of an export, as the CSV of it has them, in batches of columns."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import IO

from marketplace.reporting.rules.codebook import MISSING, VARIABLES

BATCH = 20_000
Columns = Sequence[Sequence[str]]


def _nothing(rows: int) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Table:
    """An export's rows and what is said about them.

    `spool` is the whole CSV, open for reading; `told` is called with the number of rows so far.
    """

    spool: IO[bytes]
    rows: int
    match_year: int | None
    profile: str
    as_of: datetime
    told: Callable[[int], None] = _nothing

    @property
    def title(self) -> str:
        """What it is, in one line."""
        year = "all Match years" if self.match_year is None else f"Match year {self.match_year}"
        return f"Outcomes of rotations, {year}, {self.profile}"

    def batches(self, size: int = BATCH) -> Iterator[Columns]:
        """Yield the columns, in the codebook's order, of `size` rows at a time."""
        done = 0
        for columns in read(self.spool, size):
            yield columns
            done += len(columns[0])
            self.told(done)


def read(spool: IO[bytes], size: int = BATCH) -> Iterator[Columns]:
    """Yield the columns of a CSV by the codebook, from its beginning, `size` rows at a time.

    The apostrophe that guards against formulas is taken off, unless the text would then read like
    a missing code.
    """
    spool.seek(0)
    lines = io.TextIOWrapper(spool, encoding="utf-8", newline="")
    try:
        reader = csv.reader(lines)
        next(reader)
        while rows := list(islice(reader, size)):
            columns: list[Sequence[str]] = list(zip(*rows, strict=True))
            for place in _TEXTS:
                columns[place] = [_bare(cell) for cell in columns[place]]
            yield columns
    finally:
        lines.detach()


_TEXTS = tuple(place for place, variable in enumerate(VARIABLES) if variable.kind == "text")


def _bare(cell: str) -> str:
    if cell[:1] != "'" or not re.match(r"'+[=+\-@\t\r\n]", cell) or cell[1:] in MISSING:
        return cell
    return cell[1:]


def cut(text: str, width: int) -> bytes:
    """Return the text in UTF-8, at most `width` bytes of it, and no half character."""
    content = text.encode()
    if len(content) <= width:
        return content
    return content[:width].decode(errors="ignore").encode()


class Cutter:
    """Makes bytes of texts and counts those that were too long."""

    def __init__(self) -> None:
        self.count = 0

    def column(self, cells: Sequence[str], width: int) -> list[bytes]:
        """Return each cell in UTF-8, in at most `width` bytes."""
        contents = [cell.encode() for cell in cells]
        if max(map(len, contents)) <= width:
            return contents
        self.count += sum(len(content) > width for content in contents)
        return [cut(cell, width) for cell in cells]
