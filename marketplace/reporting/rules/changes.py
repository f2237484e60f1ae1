"""The difference between two exports: rows added, removed, and changed by field.

Both are in the order of Match year and person, so one pass over both is enough, whatever their
size. Fields that only one of them has are named, not compared.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

HEADER = ("change", "match_year", "person_id", "field", "before", "after")
ADDED, REMOVED, CHANGED = "added", "removed", "changed"
_NEVER = (1 << 31, "")
Key = tuple[int, str]


@dataclass
class Summary:
    """The difference in counts of rows; `fields` counts the changed values of each."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    unchanged: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    only_before: Sequence[str] = ()
    only_after: Sequence[str] = ()

    def as_document(self) -> dict[str, Any]:
        """The counts as JSON, fields in the order of their names."""
        return {
            "added": self.added,
            "removed": self.removed,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "fields": dict(sorted(self.fields.items())),
            "only_before": list(self.only_before),
            "only_after": list(self.only_after),
        }


class _Side:
    """One of the exports, a row at a time; cells stay as the CSV has them, guarded."""

    def __init__(self, spool: IO[bytes]) -> None:
        spool.seek(0)
        self._lines = io.TextIOWrapper(spool, encoding="utf-8", newline="")
        self._reader = csv.reader(self._lines)
        self.names = next(self._reader)
        self._year, self._person = (self.names.index(n) for n in ("match_year", "person_id"))
        self.row: list[str] = []
        self.key: Key = _NEVER
        self.next()

    def next(self) -> None:
        self.row = next(self._reader, [])
        self.key = (int(self.row[self._year]), self.row[self._person]) if self.row else _NEVER

    def leave(self) -> None:
        """Give the file back, open."""
        self._lines.detach()


def write(out: IO[bytes], before: IO[bytes], after: IO[bytes]) -> Summary:
    """Write the difference as CSV: a line for each row added or removed and each changed value."""
    summary = Summary()
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=False)
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(HEADER)
    old, new = _Side(before), _Side(after)
    summary.only_before = [name for name in old.names if name not in new.names]
    summary.only_after = [name for name in new.names if name not in old.names]
    lines.writerows(_changes(old, new, summary))
    text.flush()
    text.detach()
    old.leave()
    new.leave()
    return summary


def _changes(old: _Side, new: _Side, summary: Summary) -> Iterator[Sequence[object]]:
    both = [
        (name, old.names.index(name), new.names.index(name))
        for name in new.names
        if name in old.names
    ]
    while old.row or new.row:
        if old.key < new.key:
            summary.removed += 1
            yield (REMOVED, *old.key, "", "", "")
            old.next()
        elif new.key < old.key:
            summary.added += 1
            yield (ADDED, *new.key, "", "", "")
            new.next()
        else:
            yield from _compared(old, new, both, summary)
            old.next()
            new.next()


def _compared(
    old: _Side, new: _Side, both: Sequence[tuple[str, int, int]], summary: Summary
) -> Iterator[Sequence[object]]:
    if old.row == new.row and old.names == new.names:
        summary.unchanged += 1
        return
    differing = [
        (name, old.row[here], new.row[there])
        for name, here, there in both
        if old.row[here] != new.row[there]
    ]
    if not differing:
        summary.unchanged += 1
        return
    summary.changed += 1
    for name, was, now in differing:
        summary.fields[name] += 1
        yield (CHANGED, *new.key, name, was, now)
