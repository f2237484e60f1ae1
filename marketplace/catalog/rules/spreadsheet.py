"""A host's whole sheet: rows that can be listings, rows that can't, and why.

Rows are judged by themselves (`row`) and then against each other. Where two rows contradict each
other (one id with two prices, one site with two addresses, one NPI with two names) all of them are
refused, since nobody but the host can know which is meant. A row that repeats another word for
word is passed over, and said to be.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from marketplace.catalog.rules.drafts import ListingDraft
from marketplace.catalog.rules.findings import Caution, Fix, Problem, shown
from marketplace.catalog.rules.people import name_key
from marketplace.catalog.rules.row import read_row
from marketplace.catalog.rules.sheet import Record, Remark, SheetFault, read_table


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


def read_sheet(content: str | bytes) -> Sheet:
    """Read a sheet; never raises for anything that is in the file."""
    try:
        table = read_table(content)
    except SheetFault as fault:
        problem = Problem(fault.row, None, shown(fault.value), fault.code, fault.expected)
        return Sheet((), fault=problem)
    rows = [_judged(record) for record in table.records]
    rows = _without_repeats(rows)
    for judge in (_contradicting_ids, _contradicting_sites, _contradicting_npis):
        rows = _with_problems(rows, judge(rows))
    return Sheet(tuple(rows), tuple(table.remarks))


def _judged(record: Record) -> SheetRow:
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


def _without_repeats(rows: list[SheetRow]) -> list[SheetRow]:
    """Mark the second of two rows that say the same thing, however they are spelled."""
    first_with: dict[ListingDraft, int] = {}
    marked = []
    for row in rows:
        if row.draft is None:
            marked.append(row)
            continue
        first = first_with.setdefault(row.draft, row.row)
        if first == row.row:
            marked.append(row)
            continue
        caution = Caution(
            row.row, None, row.external_id, "repeated_row", f"Says the same as row {first}."
        )
        marked.append(replace(row, repeats=first, cautions=(*row.cautions, caution)))
    return marked


def _contradicting_ids(rows: list[SheetRow]) -> Iterable[Problem]:
    """One id stands for one listing, whatever case it is written in."""
    for same in _grouped(rows, lambda row: row.external_id.casefold()):
        differing = _differing_columns(same)
        for row in same:
            yield Problem(
                row.row,
                "external_id",
                row.external_id,
                "duplicate_id",
                f"an id of its own; {_others(row, same)} it too, with another {differing}",
            )


def _differing_columns(rows: list[SheetRow]) -> str:
    columns = [
        column
        for column in rows[0].record.cells
        if column not in ("external_id", "notes")
        and len({row.record.cells.get(column, "").strip() for row in rows}) > 1
    ]
    return ", ".join(columns) or "note or spelling"


def _contradicting_sites(rows: list[SheetRow]) -> Iterable[Problem]:
    for same in _grouped(rows, lambda row: row.draft.site.name.casefold() if row.draft else ""):
        if len({row.draft.site for row in same if row.draft}) > 1:
            for row in same:
                yield Problem(
                    row.row,
                    "site_name",
                    row.draft.site.name if row.draft else "",
                    "site_contradiction",
                    "one spelling, address, state and time zone for a site; "
                    f"{_others(row, same)} this site with others",
                )


def _contradicting_npis(rows: list[SheetRow]) -> Iterable[Problem]:
    for same in _grouped(rows, lambda row: row.draft.preceptor.npi if row.draft else ""):
        if len({name_key(row.draft.preceptor.name) for row in same if row.draft}) > 1:
            for row in same:
                yield Problem(
                    row.row,
                    "npi",
                    row.draft.preceptor.npi if row.draft else "",
                    "npi_of_two_people",
                    f"the NPI of one person; {_others(row, same)} it for another name",
                )


def _grouped(rows: list[SheetRow], key: Callable[[SheetRow], str]) -> Iterable[list[SheetRow]]:
    """Rows that share a key that is not empty, two or more of them; repeats left out."""
    groups: dict[str, list[SheetRow]] = defaultdict(list)
    for row in rows:
        if row.repeats is None and key(row):
            groups[key(row)].append(row)
    return [group for group in groups.values() if len(group) > 1]


def _others(row: SheetRow, rows: list[SheetRow]) -> str:
    numbers = [str(other.row) for other in rows if other is not row]
    return f"row {numbers[0]} has" if len(numbers) == 1 else f"rows {', '.join(numbers)} have"


def _with_problems(rows: list[SheetRow], problems: Iterable[Problem]) -> list[SheetRow]:
    added: dict[int, list[Problem]] = defaultdict(list)
    for problem in problems:
        added[problem.row].append(problem)
    return [
        replace(row, draft=None, problems=(*row.problems, *added[row.row]))
        if row.row in added
        else row
        for row in rows
    ]
