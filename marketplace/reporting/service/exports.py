"""Exports: asked for, built by a job, served only when whole.

An attempt writes below a key of its own, which nothing serves; that the export is ready, and
where its files are, is recorded in one step at the end. A worker that dies leaves files that the
next attempt removes.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import IO
from uuid import UUID

from sqlalchemy import update

from marketplace.core.db import Session, affected
from marketplace.core.errors import NotFound
from marketplace.core.ids import new_id
from marketplace.core.jobs import JobContext, defer
from marketplace.core.ports import ObjectStore
from marketplace.reporting.errors import ExportNotReady
from marketplace.reporting.models import ExportRun
from marketplace.reporting.queries import outcomes_csv, runs
from marketplace.reporting.rules import codebook

BUILD = "reporting.build_export"
PIECE = 1 << 20
IDENTIFIED = "identified"


@dataclass(frozen=True)
class File:
    """A file of an export; `key` is where it stands in the object store, for us alone."""

    name: str
    media_type: str
    size: int
    sha256: str
    key: str


def ask(
    session: Session, *, match_year: int | None, profile: str, asked_by: UUID, now: datetime
) -> ExportRun:
    """Ask for the outcomes of a Match year, or of all, as they are known now."""
    run = ExportRun(
        id=new_id(),
        match_year=match_year,
        profile=profile,
        as_of=now,
        state="asked",
        asked_by=asked_by,
        asked_at=now,
    )
    session.add(run)
    session.flush()
    defer(session, BUILD, export_id=str(run.id))
    return run


def build(job: JobContext, export_id: UUID) -> None:
    """Make the files of an export and record them; what is ready already stays as it is."""
    store = job.parts.get(ObjectStore)
    begun = _begin(job, store, export_id)
    if begun is None:
        return
    run, draft = begun
    try:
        files, rows = _write(job, store, run, draft)
    except Exception as error:
        with job.transaction() as session:
            _finish(session, export_id, draft, state="failed", failure=type(error).__name__)
        raise
    with job.transaction() as session:
        recorded = _finish(
            session,
            export_id,
            draft,
            state="ready",
            files=[asdict(file) for file in files],
            row_count=rows,
            failure=None,
            finished_at=job.clock.now(),
        )
    if not recorded:
        # Another attempt has taken over; it has a key of its own.
        _remove(store, run, draft)


def file_of(run: ExportRun, name: str) -> File:
    """Return a file of a ready export; `ExportNotReady` or `NotFound` otherwise."""
    if run.state != "ready" or run.files is None:
        raise ExportNotReady(f"The export is {run.state}.", extra={"state": run.state})
    for file in run.files:
        if file["name"] == name:
            return File(**file)
    raise NotFound


def _begin(job: JobContext, store: ObjectStore, export_id: UUID) -> tuple[ExportRun, str] | None:
    """Claim the export for this attempt, whose key is recorded before anything is written there."""
    draft = f"exports/{export_id}/{new_id()}"
    with job.transaction() as session:
        run = runs.export_run(session, export_id, lock=True)
        if run is None or run.state == "ready":
            return None
        abandoned = run.draft_key
        run.state = "running"
        run.draft_key = draft
        session.flush()
        session.expunge(run)
    if abandoned is not None:
        _remove(store, run, abandoned)
    return run, draft


def _names(run: ExportRun) -> tuple[str, str, str, str]:
    stem = f"outcomes-{run.match_year or 'all'}"
    return f"{stem}.csv", "codebook.json", "codebook.md", "manifest.json"


def _write(
    job: JobContext, store: ObjectStore, run: ExportRun, draft: str
) -> tuple[list[File], int]:
    """Write all files below `draft`.

    The rows pass through a file on the local disk: no transaction stays open while the object
    store takes its time, and memory is the same for one row and a million.
    """
    table, book_json, book_text, manifest = _names(run)
    with tempfile.TemporaryFile() as spool:
        digest = hashlib.sha256()
        lines = 0
        with job.transaction() as session:
            for line in outcomes_csv.rows(
                session,
                match_year=run.match_year,
                as_of=run.as_of,
                identified=run.profile == IDENTIFIED,
            ):
                spool.write(line)
                digest.update(line)
                lines += 1
        size = spool.tell()
        spool.seek(0)
        store.put_stream(f"{draft}/{table}", _pieces(spool))
    files = [File(table, "text/csv", size, digest.hexdigest(), f"{draft}/{table}")]
    files += [
        _put(store, draft, name, media_type, content.encode())
        for name, media_type, content in (
            (book_json, "application/json", _json(codebook.as_document())),
            (book_text, "text/markdown", codebook.as_markdown()),
        )
    ]
    listed = {
        "export": str(run.id),
        "codebook": codebook.VERSION,
        "match_year": run.match_year,
        "profile": run.profile,
        "as_of": run.as_of.isoformat(),
        "rows": lines - 1,
        "files": [{"name": file.name, "bytes": file.size, "sha256": file.sha256} for file in files],
    }
    files.append(_put(store, draft, manifest, "application/json", _json(listed).encode()))
    return files, lines - 1


def _put(store: ObjectStore, draft: str, name: str, media_type: str, content: bytes) -> File:
    key = f"{draft}/{name}"
    store.put(key, content)
    return File(name, media_type, len(content), hashlib.sha256(content).hexdigest(), key)


def _pieces(spool: IO[bytes]) -> Iterator[bytes]:
    while piece := spool.read(PIECE):
        yield piece


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _finish(session: Session, export_id: UUID, draft: str, **values: object) -> bool:
    """Record the end of an attempt, if the export is still this attempt's."""
    statement = (
        update(ExportRun)
        .where(
            ExportRun.id == export_id, ExportRun.draft_key == draft, ExportRun.state == "running"
        )
        .values(**values)
    )
    return affected(session, statement) == 1


def _remove(store: ObjectStore, run: ExportRun, draft: str) -> None:
    for name in _names(run):
        store.delete(f"{draft}/{name}")
