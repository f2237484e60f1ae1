"""One row of a sheet of calendars: a pool's week, its seats, and whether it is closed."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from marketplace.catalog.rules import cells
from marketplace.catalog.rules.edits import MOST_SEATS
from marketplace.catalog.rules.findings import Problem, shown
from marketplace.catalog.rules.row import RowReader
from marketplace.catalog.rules.sheet import Record

_SEATS = cells.integer(0, MOST_SEATS, "seats_out_of_range")
_VERSION = cells.integer(1, 10**9 - 1, "not_a_version")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class SeatRow:
    """What a row asks for; `closed` and `version` are none where it does not say."""

    row: int
    pool_id: uuid.UUID
    week: date
    seats: int
    closed: bool | None
    version: int | None
    label: str

    @property
    def key(self) -> tuple[uuid.UUID, date]:
        return self.pool_id, self.week


def read_seat_row(record: Record) -> tuple[SeatRow | None, Sequence[Problem]]:
    """The row as it is meant, or none; and all that is wrong with it."""
    reader = RowReader(record)
    if any(cell.strip() for cell in record.surplus) or record.missing:
        reader.refuse(None, "wrong_width", "as many cells as headings")
        return None, reader.problems
    pool_id = reader.cell("pool_id", _pool_id, "a calendar's id, as it was exported")
    week = reader.cell("week", cells.monday, "a Monday as YYYY-MM-DD")
    seats = reader.cell("seats", _SEATS, "a number of seats, perhaps 0")
    closed = reader.optional("closed", cells.yes_no)
    version = reader.optional("version", _VERSION)
    if reader.problems or pool_id is None or week is None or seats is None:
        return None, reader.problems
    label = f"{shown(reader.raw('pool'))} {week}".strip()
    return SeatRow(record.row, pool_id, week, seats, closed, version, label), ()


def _pool_id(text: str) -> cells.Read[uuid.UUID]:
    if not _UUID.fullmatch(text):
        raise cells.CellFault("not_an_id", "a calendar's id, as it was exported")
    return cells.Read(uuid.UUID(text))
