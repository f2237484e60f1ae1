"""The making of an export's files: by a job that may be killed and goes on where it was.

An attempt writes below a key of its own, which nothing serves. Each file of data that stands whole
in the object store is noted at once, so the next attempt begins behind it. That the export is
ready, and what it consists of, is recorded in one step at the end.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from typing import IO
from uuid import UUID

from sqlalchemy import update

from marketplace.core.db import Session, affected
from marketplace.core.ids import new_id
from marketplace.core.jobs import JobContext
from marketplace.core.ports import ObjectStore
from marketplace.reporting.models import ExportRun
from marketplace.reporting.queries import exports as queries
from marketplace.reporting.queries import outcomes_csv
from marketplace.reporting.rules import changes, codebook
from marketplace.reporting.rules.formats import documents, dta, jsonl, parquet, sav, xlsx
from marketplace.reporting.rules.formats.table import Table
from marketplace.reporting.service import deliveries
from marketplace.reporting.service.export_files import File, fetch, put
from marketplace.reporting.service.exports import IDENTIFIED

# So many rows from one note of progress to the next.
STRIDE = 50_000
Writer = Callable[[IO[bytes], Table], int]
WRITERS: Mapping[str, tuple[Writer, str]] = {
    "jsonl": (jsonl.write, "application/jsonl"),
    "parquet": (parquet.write, "application/vnd.apache.parquet"),
    "sav": (sav.write, "application/x-spss-sav"),
    "dta": (dta.write, "application/x-stata-dta"),
    "xlsx": (xlsx.write, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


class Overtaken(Exception):
    """Another attempt has taken the export over; it has a key of its own."""


class TooManyRows(Exception):
    """A format can't hold so many rows; no further attempt would."""


def build(job: JobContext, export_id: UUID) -> None:
    """Make the files of an export and record them; what is ready already stays as it is."""
    attempt = _begin(job, export_id)
    if attempt is None:
        return
    try:
        attempt.make()
    except Overtaken:
        attempt.clean()
    except TooManyRows as refusal:
        attempt.fail(str(refusal), for_good=True)
    except Exception as error:
        attempt.fail(type(error).__name__)
        raise


def _begin(job: JobContext, export_id: UUID) -> "_Attempt | None":
    """Claim the export for this attempt, whose key is recorded before anything is written there."""
    with job.transaction() as session:
        run = queries.export_run(session, export_id, lock=True)
        if run is None or run.state == "ready":
            return None
        run.state, run.failure = "running", None
        run.draft_key = f"exports/{export_id}/{new_id()}"
        session.flush()
        session.expunge(run)
    attempt = _Attempt(job, job.parts.get(ObjectStore), run, run.draft_key)
    attempt.clean()
    return attempt


@dataclass
class _Attempt:
    """One try at making the files of `run`, below `draft`."""

    job: JobContext
    store: ObjectStore
    run: ExportRun
    draft: str
    files: list[File] = field(default_factory=list)
    noted: int = 0

    def make(self) -> None:
        """Write what is not there yet, then record all of it."""
        kept = {file.name: file for file in (File(**one) for one in self.run.done)}
        with self._rows(kept.get(self._name("csv"))) as (rows, spool):
            table = Table(
                spool,
                rows,
                self.run.match_year,
                self.run.profile,
                self.run.as_of,
                told=self._told,
            )
            if "xlsx" in self.run.formats and rows > xlsx.MOST_ROWS:
                raise TooManyRows("too_many_rows_for_xlsx")
            for name, (write, media_type) in WRITERS.items():
                if name in self.run.formats:
                    self._format(name, write, media_type, table, kept)
            if self.run.compared_with is not None:
                self._changes(spool)
            self._documents(table)
        self._finish(rows)
        self.clean()

    def fail(self, failure: str, *, for_good: bool = False) -> None:
        """Say that this attempt failed, with what, and whether another one could do better."""
        with self.job.transaction() as session:
            self._update(session, state="failed", failure=failure)
            if for_good:
                deliveries.not_built(session, self.run.id, failure, self.job.clock.now())

    def clean(self) -> None:
        """Remove what attempts wrote and nobody noted, but for what a living one writes now."""
        with self.job.transaction() as session:
            run = queries.export_run(session, self.run.id)
            noted = [*run.done, *(run.files or ())] if run is not None else []
            draft = None if run is None else run.draft_key
        kept = {file["key"] for file in noted}
        for key in self.store.keys(f"exports/{self.run.id}"):
            if key not in kept and (draft is None or not key.startswith(f"{draft}/")):
                self.store.delete(key)

    def _name(self, ending: str) -> str:
        return f"outcomes-{self.run.match_year or 'all'}.{ending}"

    @contextmanager
    def _rows(self, kept: File | None) -> Iterator[tuple[int, IO[bytes]]]:
        """How many rows, and the CSV, from the database or an earlier attempt's.

        The rows pass through files on the local disk: no transaction stays open while the object
        store takes its time, and memory is the same for one row and a million.
        """
        self._step("csv")
        if kept is not None and self.run.row_count is not None:
            with self._file() as spool:
                if fetch(self.store, kept, spool):
                    self.files.append(kept)
                    yield self.run.row_count, spool
                    return
        with self.job.transaction() as session:
            rows, made = outcomes_csv.write(
                session,
                match_year=self.run.match_year,
                as_of=self.run.as_of,
                identified=self.run.profile == IDENTIFIED,
                told=self._told,
            )
        with made:
            self._keep(self._put(self._name("csv"), "text/csv", made), row_count=rows)
            yield rows, made

    def _format(
        self, ending: str, write: Writer, media_type: str, table: Table, kept: Mapping[str, File]
    ) -> None:
        name = self._name(ending)
        if name in kept and self.store.exists(kept[name].key):
            self.files.append(kept[name])
            return
        self._step(ending)
        with self._file() as out:
            texts_cut = write(out, table)
            self._keep(self._put(name, media_type, out, texts_cut))

    def _changes(self, spool: IO[bytes]) -> None:
        """Compare with the earlier export, line by line."""
        self._step("changes")
        with self.job.transaction() as session:
            earlier = queries.export_run(session, self.run.compared_with or self.run.id)
            files = [File(**one) for one in (earlier.files or ())] if earlier else []
        with self._file() as before, self._file() as out:
            if not files or not fetch(self.store, files[0], before):
                raise LookupError("the export to compare with is not whole any more")
            summary = changes.write(out, before, spool)
            self.files.append(self._put("changes.csv", "text/csv", out))
        document = {"compared_with": str(self.run.compared_with), **summary.as_document()}
        self._text("changes.json", "application/json", _json(document))

    def _documents(self, table: Table) -> None:
        self._step("documents")
        data = [file.name for file in self.files if not file.name.startswith("changes")]
        for name, media_type, content in (
            ("codebook.json", "application/json", _json(codebook.as_document())),
            ("codebook.md", "text/markdown", codebook.as_markdown()),
            ("redcap.csv", "text/csv", documents.redcap()),
            ("ddi.xml", "application/xml", documents.ddi(table, data)),
        ):
            self._text(name, media_type, content)
        names = [*(file.name for file in self.files), "manifest.json"]
        self._text("README.md", "text/markdown", documents.readme(table, names))
        self._text("manifest.json", "application/json", _json(self._manifest(table.rows)))

    def _manifest(self, rows: int) -> dict[str, object]:
        run = self.run
        return {
            "export": str(run.id),
            "codebook": codebook.VERSION,
            "match_year": run.match_year,
            "profile": run.profile,
            "as_of": run.as_of.isoformat(),
            "rows": rows,
            "compared_with": run.compared_with and str(run.compared_with),
            "files": [
                {
                    "name": file.name,
                    "bytes": file.size,
                    "sha256": file.sha256,
                    "texts_cut": file.texts_cut,
                }
                for file in self.files
            ],
        }

    def _finish(self, rows: int) -> None:
        """Record that all is there, if the export is still this attempt's, and send it on."""
        with self.job.transaction() as session:
            recorded = self._update(
                session,
                state="ready",
                step=None,
                files=[asdict(file) for file in self.files],
                row_count=rows,
                rows_done=rows,
                failure=None,
                finished_at=self.job.clock.now(),
            )
            if not recorded:
                raise Overtaken
            deliveries.built(session, self.run.id)

    def _text(self, name: str, media_type: str, content: str) -> None:
        encoded = content.encode()
        key = f"{self.draft}/{name}"
        self.store.put(key, encoded)
        digest = hashlib.sha256(encoded).hexdigest()
        self.files.append(File(name, media_type, len(encoded), digest, key))

    def _put(self, name: str, media_type: str, spool: IO[bytes], texts_cut: int = 0) -> File:
        key = f"{self.draft}/{name}"
        digest = hashlib.sha256()
        size = put(self.store, key, spool, digest.update)
        return File(name, media_type, size, digest.hexdigest(), key, texts_cut)

    def _keep(self, file: File, **values: object) -> None:
        """Note a file of data that stands whole, for the next attempt if this one dies."""
        self.files.append(file)
        self._note(done=[asdict(one) for one in self.files], **values)

    def _step(self, step: str) -> None:
        self.noted = 0
        self._note(step=step, rows_done=0)

    def _told(self, rows: int) -> None:
        if rows - self.noted >= STRIDE:
            self.noted = rows
            self._note(rows_done=rows)

    def _note(self, **values: object) -> None:
        with self.job.transaction() as session:
            if not self._update(session, **values):
                raise Overtaken

    def _update(self, session: Session, **values: object) -> bool:
        """Change the export if it is still this attempt's."""
        statement = (
            update(ExportRun)
            .where(
                ExportRun.id == self.run.id,
                ExportRun.draft_key == self.draft,
                ExportRun.state == "running",
            )
            .values(**values)
        )
        return affected(session, statement) == 1

    @staticmethod
    def _file() -> AbstractContextManager[IO[bytes]]:
        return tempfile.TemporaryFile()


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
