"""What reading a sheet has to say about its cells: problems, fixes and warnings."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

LONGEST_SHOWN = 80


@dataclass(frozen=True)
class Problem:
    """Why a row is refused: the cell, and what was expected. `column` is none for a whole row."""

    row: int
    column: str | None
    value: str
    code: str
    expected: str
    # In which weeks somebody has a seat, where that is why.
    weeks: tuple[date, ...] = ()
    # At which listings, where it is not the row's own.
    listings: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Fix:
    """A cell that was understood as something else than it says."""

    row: int
    column: str
    was: str
    now: str


@dataclass(frozen=True)
class Caution:
    """Accepted, but worth a look."""

    row: int
    column: str | None
    value: str
    code: str
    text: str


def shown(value: str) -> str:
    """A cell's text as a message may quote it: on one line, and not endless."""
    line = " ".join(value.split())
    return (
        line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}… ({len(value)} characters)"
    )
