"""A sheet of calendars: rows that can be weeks of a calendar, rows that can't, and why.

Rows are judged by themselves (`seat_row`) and then against each other: where two say different
things of one week all of them are refused, since nobody but the host can know which is meant; one
that says the same again is passed over.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from marketplace.catalog.rules.faults import Remark
from marketplace.catalog.rules.findings import Problem
from marketplace.catalog.rules.seat_row import SeatRow, read_seat_row
from marketplace.catalog.rules.sheet import Record, Table

LONGEST_LABEL = 80


@dataclass(frozen=True)
class SeatLine:
    """One row: `seats` where it can be a calendar's week, else `problems`; `repeats` an earlier row.

    `label` is what it is called where it is told of.
    """

    row: int
    label: str
    seats: SeatRow | None
    problems: tuple[Problem, ...] = ()
    repeats: int | None = None


class Kept(Protocol):
    """Where the rows wait while all of them are read: in memory, or on disk."""

    def append(self, row: SeatLine, /) -> None: ...

    def __getitem__(self, index: int, /) -> SeatLine: ...

    def __len__(self) -> int: ...


class SeatReading:
    """A sheet of calendars that is read once, row by row, and then gone through as often as needed."""

    def __init__(self, table: Table, kept: Kept) -> None:
        self.remarks: list[Remark] = table.remarks
        self._records = table.records
        self._kept = kept
        self._first: dict[tuple[uuid.UUID, date], int] = {}
        self._again: dict[int, list[int]] = {}
        self._settled: dict[int, SeatLine] = {}

    def read(self) -> Iterator[int]:
        """Read to the end; yields how many rows there are so far, after each of them.

        Raises `SheetFault` where the file turns out not to be readable.
        """
        for record in self._records:
            line = _line(record)
            index = len(self._kept)
            if line.seats is not None:
                first = self._first.setdefault(line.seats.key, index)
                if first != index:
                    self._again.setdefault(first, [first]).append(index)
            self._kept.append(line)
            yield len(self._kept)
        for same in self._again.values():
            self._compare(same)

    def __len__(self) -> int:
        return len(self._kept)

    def rows(self, since: int = 0) -> Iterator[SeatLine]:
        """The rows in order, from the one with index `since` on, as all of them together say."""
        for index in range(since, len(self._kept)):
            yield self._settled.get(index) or self._kept[index]

    def _compare(self, same: Sequence[int]) -> None:
        """Settle rows that are about one week: they repeat each other, or contradict."""
        lines = [self._kept[index] for index in same]
        agree = len({_said(line) for line in lines}) == 1
        for place, (index, line) in enumerate(zip(same, lines, strict=True)):
            if not agree:
                other = lines[1 if place == 0 else 0]
                self._settled[index] = _contradicted(line, other)
            elif place:
                self._settled[index] = replace(line, repeats=lines[0].row)


def _line(record: Record) -> SeatLine:
    seats, problems = read_seat_row(record)
    label = seats.label if seats else record.cells.get("pool", "").strip()[:LONGEST_LABEL]
    return SeatLine(record.row, label, seats, tuple(problems))


def _said(line: SeatLine) -> tuple[int, bool | None] | None:
    return (line.seats.seats, line.seats.closed) if line.seats else None


def _contradicted(line: SeatLine, other: SeatLine) -> SeatLine:
    week = line.seats.week.isoformat() if line.seats else ""
    expected = f"one row a week; row {other.row} says something else of it"
    problem = Problem(line.row, "week", week, "contradiction", expected)
    return replace(line, seats=None, problems=(*line.problems, problem))
