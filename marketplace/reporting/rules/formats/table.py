"""The rows of an export, as the CSV of it has them, in batches of columns."""

import csv
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import IO

from marketplace.reporting.rules.codebook import MISSING, VARIABLES

# Of the CSV that are read at a time: some 16,000 rows.
BLOCK = 4 << 20
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

    def batches(self) -> Iterator[Columns]:
        """Yield the columns, in the codebook's order, of some thousand rows at a time."""
        for _, columns in self.blocks():
            yield columns()

    def blocks(self) -> Iterator[tuple[bytes, Callable[[], Columns]]]:
        """Yield some thousand rows at a time as they stand in the CSV, and what reads them."""
        whole = self.spool.seek(0, os.SEEK_END)
        for block in _blocks(self.spool, BLOCK):
            yield block, partial(_columns, block)
            self.told(self.rows * self.spool.tell() // whole)


def read(spool: IO[bytes], size: int = BLOCK) -> Iterator[Columns]:
    """Yield the columns of a CSV by the codebook, from its beginning, by blocks of `size` bytes."""
    return map(_columns, _blocks(spool, size))


def _blocks(spool: IO[bytes], size: int) -> Iterator[bytes]:
    """Yield whole rows, `size` bytes and what ends a row: it may go over several lines in quotes."""
    spool.seek(0)
    spool.readline()
    while block := spool.read(size):
        block += spool.readline()
        while b'"' in block and block.count(b'"') % 2:
            block += spool.readline()
        yield block


def _columns(block: bytes) -> Columns:
    """Return the cells of whole rows, column by column.

    The apostrophe that guards against formulas is taken off, unless the text would then read like
    a missing code.
    """
    text = block.decode()
    columns: list[Sequence[str]]
    if '"' in text:
        columns = list(zip(*csv.reader(io.StringIO(text, newline="")), strict=True))
    else:
        cells = text.replace("\n", ",").split(",")
        columns = [cells[place :: len(VARIABLES)] for place in range(len(VARIABLES))]
        columns[0] = columns[0][:-1]
    if "'" in text:
        for place in _TEXTS:
            columns[place] = unguarded(columns[place])
    return columns


def unguarded(cells: Sequence[str]) -> list[str]:
    """Return text as it was before the CSV guarded it, but for what would read like a code."""
    return [_bare(cell) for cell in cells]


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
