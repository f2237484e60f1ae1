"""A host's whole sheet: rows that can be listings, rows that can't, and why.

Rows are judged by themselves (`row`) and then against each other. Where two rows contradict each
other (one id with two prices, one site with two addresses, one NPI with two names) all of them are
refused, since nobody but the host can know which is meant. A row that repeats another word for
word is passed over, and said to be.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Protocol

from marketplace.catalog.rules.drafts import ListingDraft, SiteDraft
from marketplace.catalog.rules.faults import LARGE, Limits, Remark, SheetFault
from marketplace.catalog.rules.findings import Caution, Fix, Problem, shown
from marketplace.catalog.rules.people import name_key
from marketplace.catalog.rules.row import read_row
from marketplace.catalog.rules.sheet import Record, Table, open_bytes, open_text
from marketplace.catalog.rules.terms import terms_of

NAMED = 5


@dataclass(frozen=True)
class SheetRow:
    """One row: `draft` where it can be a listing, else `problems`; `repeats` an earlier row."""

    row: int
    external_id: str
    draft: ListingDraft | None
    problems: tuple[Problem, ...]
    fixes: tuple[Fix, ...]
    cautions: tuple[Caution, ...]
    record: Record
    repeats: int | None = None


@dataclass(frozen=True)
class Sheet:
    """All rows in order; `fault` where the file itself can't be read, then without rows."""

    rows: tuple[SheetRow, ...]
    remarks: tuple[Remark, ...] = ()
    fault: Problem | None = None

    @property
    def accepted(self) -> list[SheetRow]:
        return [row for row in self.rows if row.draft is not None and row.repeats is None]

    @property
    def refused(self) -> list[SheetRow]:
        return [row for row in self.rows if row.problems]


class Kept(Protocol):
    """Where the rows of a sheet wait while all of it is read: in memory, or on disk."""

    def append(self, row: SheetRow, /) -> None: ...

    def __getitem__(self, index: int, /) -> SheetRow: ...

    def __len__(self) -> int: ...


class Reading:
    """A sheet that is read once, row by row, and then gone through as often as needed.

    Of each row a few words stay in memory, by which rows are judged against each other; the rows
    themselves wait in `kept`.
    """

    def __init__(self, table: Table, kept: Kept) -> None:
        self.remarks = table.remarks
        self._records = table.records
        self._kept = kept
        self._facts: list[_Facts] = []
        self._first_with: dict[bytes, int] = {}
        self._sites: dict[SiteDraft, SiteDraft] = {}
        self._problems: dict[int, list[Problem]] = {}

    def read(self) -> Iterator[int]:
        """Read to the end; yields how many rows there are so far, after each of them.

        Raises `SheetFault` where the file turns out not to be readable.
        """
        for record in self._records:
            row = judged(record)
            self._facts.append(self._noted(row))
            self._kept.append(row)
            yield len(self._facts)
        for judge in (self._contradicting_ids, self._contradicting_sites, self._contradicting_npis):
            # Who contradicts another is out of the next question.
            for index, problem in list(judge()):
                self._problems.setdefault(index, []).append(problem)

    def __len__(self) -> int:
        return len(self._facts)

    def rows(self, since: int = 0) -> Iterator[SheetRow]:
        """The rows in order, from the one with index `since` on, as all of them together say."""
        for index in range(since, len(self._facts)):
            yield self._settled(index)

    def _noted(self, row: SheetRow) -> "_Facts":
        draft = row.draft
        if draft is None:
            return _Facts(row.row, row.external_id.casefold())
        words = "\x1f".join(terms_of(draft).values()).encode("utf-8", "surrogatepass")
        first = self._first_with.setdefault(blake2b(words, digest_size=16).digest(), row.row)
        return _Facts(
            row.row,
            row.external_id.casefold(),
            self._sites.setdefault(draft.site, draft.site),
            draft.preceptor.npi,
            name_key(draft.preceptor.name),
            first if first != row.row else None,
        )

    def _settled(self, index: int) -> SheetRow:
        """A row with what the others make of it: a repetition, or contradicted."""
        row, facts = self._kept[index], self._facts[index]
        if facts.repeats is not None:
            caution = Caution(
                row.row,
                None,
                row.external_id,
                "repeated_row",
                f"Says the same as row {facts.repeats}.",
            )
            row = replace(row, repeats=facts.repeats, cautions=(*row.cautions, caution))
        problems = self._problems.get(index)
        return replace(row, draft=None, problems=(*row.problems, *problems)) if problems else row

    def _contradicting_ids(self) -> Iterable[tuple[int, Problem]]:
        """One id stands for one listing, whatever case it is written in."""
        for same in self._grouped(lambda facts: facts.id_key):
            differing = self._differing_columns(same)
            for index in same:
                others = self._others(index, same)
                expected = f"an id of its own; {others} it too, with another {differing}"
                row = self._kept[index]
                yield (
                    index,
                    Problem(row.row, "external_id", row.external_id, "duplicate_id", expected),
                )

    def _differing_columns(self, same: Sequence[int]) -> str:
        first = self._kept[same[0]].record.cells
        differing = {
            column
            for index in same[1:]
            for column, cell in self._kept[index].record.cells.items()
            if cell.strip() != first.get(column, "").strip()
        }
        columns = [column for column in first if column in differing - {"external_id", "notes"}]
        return ", ".join(columns) or "note or spelling"

    def _contradicting_sites(self) -> Iterable[tuple[int, Problem]]:
        for same in self._grouped(lambda facts: facts.site.name.casefold() if facts.site else ""):
            if len({id(self._facts[index].site) for index in same}) > 1:
                for index in same:
                    facts = self._facts[index]
                    expected = (
                        "one spelling, address, state and time zone for a site; "
                        f"{self._others(index, same)} this site with others"
                    )
                    name = facts.site.name if facts.site else ""
                    yield (
                        index,
                        Problem(facts.row, "site_name", name, "site_contradiction", expected),
                    )

    def _contradicting_npis(self) -> Iterable[tuple[int, Problem]]:
        for same in self._grouped(lambda facts: facts.npi):
            if len({self._facts[index].name_key for index in same}) > 1:
                for index in same:
                    facts = self._facts[index]
                    others = self._others(index, same)
                    expected = f"the NPI of one person; {others} it for another name"
                    yield (
                        index,
                        Problem(facts.row, "npi", facts.npi, "npi_of_two_people", expected),
                    )

    def _grouped(self, key: Callable[["_Facts"], str]) -> Iterable[Sequence[int]]:
        """Rows that share a key that is not empty, two or more of them; repeats left out."""
        groups: dict[str, list[int]] = defaultdict(list)
        for index, facts in enumerate(self._facts):
            if facts.repeats is None and index not in self._problems and key(facts):
                groups[key(facts)].append(index)
        return [group for group in groups.values() if len(group) > 1]

    def _others(self, index: int, same: Sequence[int]) -> str:
        """The rows beside this one, a few of them named: a group may be the whole sheet."""
        place = bisect_left(same, index)
        near = [*same[: min(place, NAMED)], *same[place + 1 : place + 1 + NAMED]][:NAMED]
        numbers = [str(self._facts[each].row) for each in near]
        left = len(same) - 1 - len(numbers)
        if len(numbers) == 1:
            return f"row {numbers[0]} has"
        more = f" and {left:,} more" if left else ""
        return f"rows {', '.join(numbers)}{more} have"


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is remembered of a row to judge others by."""

    row: int
    id_key: str
    site: SiteDraft | None = None
    npi: str = ""
    name_key: str = ""
    repeats: int | None = None


def read_sheet(content: str | bytes, *, name: str | None = None, limits: Limits = LARGE) -> Sheet:
    """Read a sheet into memory; never raises for anything that is in the file."""
    try:
        if isinstance(content, str):
            table = open_text(content, limits=limits)
        else:
            table = open_bytes(content, name=name, limits=limits)
        reading = Reading(table, [])
        for _ in reading.read():
            pass
    except SheetFault as fault:
        return Sheet((), fault=as_problem(fault))
    return Sheet(tuple(reading.rows()), tuple(table.remarks))


def as_problem(fault: SheetFault) -> Problem:
    """A fault of the file in the form in which problems of cells are told."""
    return Problem(fault.row, None, shown(fault.value), fault.code, fault.expected)


def judged(record: Record) -> SheetRow:
    """One row by itself, whatever else is in its sheet."""
    draft, reader = read_row(record)
    return SheetRow(
        row=record.row,
        external_id=shown(record.cells.get("external_id", "")),
        draft=draft,
        problems=tuple(reader.problems),
        fixes=tuple(reader.fixes),
        cautions=tuple(reader.cautions),
        record=record,
    )
