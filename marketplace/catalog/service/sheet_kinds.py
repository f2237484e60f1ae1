"""What an import's job does differently for listings and for calendars: read, judge, write."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, BinaryIO, Protocol

from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import ImportRun
from marketplace.catalog.rules.faults import Remark
from marketplace.catalog.rules.findings import Problem
from marketplace.catalog.rules.seat_sheet import SeatLine, SeatReading
from marketplace.catalog.rules.sheet import CALENDAR, LISTINGS, Layout, open_table
from marketplace.catalog.rules.spreadsheet import Reading, SheetRow
from marketplace.catalog.service import seat_sheets
from marketplace.catalog.service.edit_records import Author
from marketplace.catalog.service.exporting import Whose
from marketplace.catalog.service.import_writing import Writer
from marketplace.catalog.service.planning import Entry, Former
from marketplace.catalog.service.seat_sheets import Written
from marketplace.catalog.service.settling import Asked, look, settle
from marketplace.catalog.service.spool import Spool
from marketplace.catalog.states import SheetKind
from marketplace.core.db import Session
from marketplace.core.jobs import JobContext


class ReadRow(Protocol):
    """A row as it was read; one with problems is refused whatever is stored."""

    @property
    def row(self) -> int: ...
    @property
    def problems(self) -> Sequence[Problem]: ...


class Rows(Protocol):
    """The rows of a sheet: read once to the end, then gone through as often as needed."""

    @property
    def remarks(self) -> list[Remark]: ...
    def read(self) -> Iterator[int]: ...
    def __len__(self) -> int: ...
    def rows(self, since: int = 0) -> Iterator[Any]: ...


class Memory(Protocol):
    """What an import remembers from one batch to the next; kept with its run."""

    def as_json(self) -> dict[str, Any]: ...


class Kind(Protocol):
    """A kind of sheet; `in_batches` where a file that goes in whole may be written by and by."""

    layout: Layout
    in_batches: bool

    def read(self, file: BinaryIO, name: str | None, stack: ExitStack) -> Rows:
        """The file with its headings read; what it keeps on disk goes with the stack."""
        ...

    def look(
        self, job: JobContext, session: Session, run: ImportRun, batch: Sequence[Any]
    ) -> Sequence[Entry]:
        """Judge rows without holding anything."""
        ...

    def memory(self, found: Mapping[str, Any]) -> Memory: ...

    def write(
        self, job: JobContext, session: Session, run: ImportRun, batch: Sequence[Any], memory: Any
    ) -> tuple[Entry, ...]:
        """Judge rows anew, held, and write those that may be done."""
        ...


class _Listings:
    layout = LISTINGS
    in_batches = True

    def read(self, file: BinaryIO, name: str | None, stack: ExitStack) -> Rows:
        kept: Spool[SheetRow] = stack.enter_context(Spool())
        return Reading(open_table(file, self.layout, name=name), kept)

    def look(
        self, job: JobContext, session: Session, run: ImportRun, batch: Sequence[SheetRow]
    ) -> Sequence[Entry]:
        asked = Asked(run.owner_account_id, run.site_id, job.clock.now().date())
        return look(session, batch, asked, job.parts.get(SeatHolders)).entries

    def memory(self, found: Mapping[str, Any]) -> Memory:
        return Former.from_json(found)

    def write(
        self,
        job: JobContext,
        session: Session,
        run: ImportRun,
        batch: Sequence[SheetRow],
        memory: Former,
    ) -> tuple[Entry, ...]:
        holders, now = job.parts.get(SeatHolders), job.clock.now()
        asked = Asked(run.owner_account_id, run.site_id, now.date())
        settled = settle(session, batch, asked, holders, memory, import_id=run.id)
        Writer(session, settled, run.account_id, now, holders, memory).run(import_id=run.id)
        return settled.entries


class _Calendars:
    layout = CALENDAR
    # Takers hold weeks in one order, which batches of one transaction would not keep.
    in_batches = False

    def read(self, file: BinaryIO, name: str | None, stack: ExitStack) -> Rows:
        kept: Spool[SeatLine] = stack.enter_context(Spool())
        return SeatReading(open_table(file, self.layout, name=name), kept)

    def look(
        self, job: JobContext, session: Session, run: ImportRun, batch: Sequence[SeatLine]
    ) -> Sequence[Entry]:
        now, holders = job.clock.now(), job.parts.get(SeatHolders)
        judged = seat_sheets.judge(session, batch, _whose(run), now, Written(), holders, hold=False)
        return judged.entries

    def memory(self, found: Mapping[str, Any]) -> Memory:
        return Written.from_json(found)

    def write(
        self,
        job: JobContext,
        session: Session,
        run: ImportRun,
        batch: Sequence[SeatLine],
        memory: Written,
    ) -> tuple[Entry, ...]:
        now, holders = job.clock.now(), job.parts.get(SeatHolders)
        judged = seat_sheets.judge(session, batch, _whose(run), now, memory, holders, hold=True)
        asked = {"rows": len(batch), "import_id": str(run.id)}
        seat_sheets.carry_out(session, judged, asked, Author(run.account_id, now), memory)
        return judged.entries


def _whose(run: ImportRun) -> Whose:
    return Whose(owner_account_id=run.owner_account_id, site_id=run.site_id)


KINDS: Mapping[str, Kind] = {SheetKind.LISTINGS: _Listings(), SheetKind.CALENDAR: _Calendars()}
