"""What an import's plan says, as files: JSON and CSV of all of it, and a workbook of the errors.

Written row by row to the local disk and stored at the end, so that memory is that of one batch.
"""

import csv
import hashlib
import io
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from types import TracebackType
from typing import IO, Any, BinaryIO, Self
from uuid import UUID

from marketplace.catalog.rules.faults import Remark
from marketplace.catalog.rules.findings import Problem
from marketplace.catalog.rules.neutral import neutralised
from marketplace.catalog.rules.sheet import Layout, open_rows
from marketplace.catalog.service import error_workbook
from marketplace.catalog.service.planning import ACTIONS, REFUSED, Entry, lines_of
from marketplace.catalog.service.spool import Spool
from marketplace.core.ids import new_id
from marketplace.core.ports import ObjectStore

PLAN_JSON, PLAN_CSV, ERRORS = "plan.json", "plan.csv", "errors.xlsx"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA = {PLAN_JSON: "application/json", PLAN_CSV: "text/csv", ERRORS: XLSX}
LINE = ("row", "external_id", "action", "column", "value", "message")
PIECE = 1 << 20


class Report:
    """The files of one run, as its entries come."""

    def __init__(self, import_id: UUID, remarks: Sequence[Remark], layout: Layout) -> None:
        self.counts: dict[str, int] = dict.fromkeys(ACTIONS, 0)
        self._id = import_id
        self._remarks = remarks
        self._layout = layout
        self._stack = ExitStack()
        self._json: IO[bytes] = self._stack.enter_context(_temporary())
        self._csv: IO[bytes] = self._stack.enter_context(_temporary())
        self._refusals: Spool[Sequence[Problem]] = self._stack.enter_context(Spool())
        self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _begin(self) -> None:
        remarks = [asdict(remark) for remark in self._remarks]
        self._json.write(b'{"remarks": ' + json.dumps(remarks, ensure_ascii=False).encode())
        self._json.write(b', "entries": [')
        # A mark, so that a spreadsheet takes it for the UTF-8 that it is.
        self._csv.write(b"\xef\xbb\xbf" + ",".join(LINE).encode() + b"\r\n")

    def add(self, entries: Sequence[Entry]) -> None:
        text = io.StringIO()
        writer = csv.writer(text)
        first = not any(self.counts.values())
        for action, count in Counter(entry.action for entry in entries).items():
            self.counts[action] += count
        for entry in entries:
            self._json.write(b"\n" if first else b",\n")
            first = False
            self._json.write(json.dumps(as_json(entry), ensure_ascii=False).encode())
            for line in lines_of(entry):
                writer.writerow([_cell(line[name]) for name in LINE])
            if entry.action == REFUSED:
                self._refusals.append(entry.problems)
        self._csv.write(text.getvalue().encode("utf-8", "replace"))

    def store(self, store: ObjectStore, sheet: BinaryIO, name: str | None) -> list[dict[str, Any]]:
        """Put the files into the store, below a key of this attempt; what is to be known of each."""
        self._json.write(b'\n], "counts": ' + json.dumps(self.counts).encode() + b"}\n")
        below = f"imports/{self._id}/{new_id()}"
        stored = [
            _stored(store, below, PLAN_JSON, self._json),
            _stored(store, below, PLAN_CSV, self._csv),
        ]
        if len(self._refusals):
            with tempfile.TemporaryFile() as book:
                rows, _ = open_rows(sheet, self._layout.name, name=name)
                refusals = iter(self._refusals)
                error_workbook.write(book, rows, refusals, self.counts, self._layout)
                stored.append(_stored(store, below, ERRORS, book))
        return stored


def as_json(entry: Entry) -> dict[str, Any]:
    """An entry as the API gives it."""
    return {
        "row": entry.row,
        "external_id": entry.external_id,
        "action": entry.action,
        "difference": {column: list(pair) for column, pair in entry.difference.items()},
        "problems": [
            {
                "row": problem.row,
                "column": problem.column,
                "value": problem.value,
                "code": problem.code,
                "expected": problem.expected,
            }
            for problem in entry.problems
        ],
        "fixes": [asdict(fix) for fix in entry.fixes],
        "cautions": [asdict(caution) for caution in entry.cautions],
        "tier_student": entry.tier_student,
        "tier_graduate": entry.tier_graduate,
        "conflicts": list(entry.conflicts),
    }


def _temporary() -> IO[bytes]:
    return tempfile.TemporaryFile()


def _cell(value: Any) -> Any:
    return neutralised(value) if isinstance(value, str) else value


def _stored(store: ObjectStore, below: str, name: str, file: IO[bytes]) -> dict[str, Any]:
    size = file.tell() if name != ERRORS else file.seek(0, 2)
    file.seek(0)
    digest = hashlib.sha256()

    def pieces() -> Iterator[bytes]:
        while piece := file.read(PIECE):
            digest.update(piece)
            yield piece

    key = f"{below}/{name}"
    store.put_stream(key, pieces())
    return {
        "name": name,
        "media_type": MEDIA[name],
        "size": size,
        "sha256": digest.hexdigest(),
        "key": key,
    }
