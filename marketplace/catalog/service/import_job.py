"""What a worker does with an uploaded sheet: read, plan, and write it, going on after any stop.

Killed at any point, the job is run again and goes on: reading and planning change nothing and begin
anew; rows are written in batches, each in one transaction with the position behind it; a file that
goes in whole or not at all is one transaction. Rows that are settled are never written twice.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import islice
from typing import Any, BinaryIO, cast
from uuid import UUID

from sqlalchemy import update

from marketplace.catalog.models import ImportRun
from marketplace.catalog.queries import imports
from marketplace.catalog.rules.faults import MOST_ROWS, SheetFault
from marketplace.catalog.service import import_runs
from marketplace.catalog.service.import_reports import Report
from marketplace.catalog.service.importing import wait_for_others
from marketplace.catalog.service.planning import ACTIONS, REFUSED, Entry
from marketplace.catalog.service.sheet_kinds import KINDS, Memory, ReadRow, Rows
from marketplace.catalog.states import ImportMode, ImportState
from marketplace.core.db import Session, affected
from marketplace.core.errors import DomainError
from marketplace.core.jobs import JobContext
from marketplace.core.ports import ObjectStore
from marketplace.core.scanning import ScannerAway, VirusFound, VirusScanner, refuse_infected

BATCH = 1_000
NOTED_EVERY = 2_000
MOST_NOTED = 50
TURN = timedelta(seconds=5)
AWAY = timedelta(minutes=1)
NEVER_SEEN: dict[str, object] = {
    "code": "virus_scanner_unavailable",
    "row": None,
    "expected": "a virus scanner that answers within a day: send the sheet again",
}


class _Stopped(Exception):
    """Somebody cancelled the run, or another worker has taken it over."""


class _Refused(Exception):
    """A row of a file that goes in whole or not at all can't go in."""


def work(job: JobContext, import_id: UUID) -> None:
    """Take a run as far as it may go now; harmless however often it is called."""
    run = _next(job, import_id)
    if run is None or not _looked_at(job, run):
        return
    try:
        with _read(job, run) as (file, reading):
            if run.state == ImportState.PLANNING:
                _plan(job, run, file, reading)
                run = _next(job, import_id)
            if run is not None and run.state == ImportState.COMMITTING:
                _commit(job, run, reading)
    except _Stopped:
        return
    except SheetFault as fault:
        failure = {"code": fault.code, "row": fault.row, "expected": fault.expected}
        _fail(job, import_id, failure)


def _next(job: JobContext, import_id: UUID) -> ImportRun | None:
    """Take the run's next step, or find the one that was begun; none if there is nothing to do."""
    now = job.clock.now()
    with job.transaction() as session:
        run = imports.run(session, import_id, lock=True)
        if run is None:
            return None
        if run.state == ImportState.UPLOADED:
            import_runs.move(run, ImportState.PLANNING)
        elif run.state == ImportState.PLANNED and run.commit_wanted:
            if run.mode == ImportMode.FILE and run.counts.get(REFUSED):
                import_runs.move(run, ImportState.FAILED)
                run.failure = _rows_refused(run.counts[REFUSED])
                run.finished_at = now
            elif imports.other_committing(session, run.owner_account_id, run.id):
                import_runs.again_later(session, run, now + TURN)
                return None
            else:
                import_runs.move(run, ImportState.COMMITTING)
                run.counts = dict.fromkeys(ACTIONS, 0)
                run.rows_done = 0
        session.flush()
        session.expunge(run)
    return run if run.state in (ImportState.PLANNING, ImportState.COMMITTING) else None


def _looked_at(job: JobContext, run: ImportRun) -> bool:
    """Whether the file may be read: each time anew, by the virus signatures of the day.

    With a virus the import has failed and the file is gone; without an answer it waits for one, a
    day at most.
    """
    store, key = job.parts.get(ObjectStore), run.file_key or ""
    try:
        refuse_infected(job.parts.get(VirusScanner), store.stream(key))
    except VirusFound as found:
        failure: dict[str, object] = {
            "code": found.code,
            "row": None,
            "expected": f"a file without {found.extra['virus']}",
        }
        _fail(job, run.id, failure)
        store.delete(key)
        return False
    except ScannerAway:
        now = job.clock.now()
        if now > run.recorded_at + import_runs.UPLOAD_KEPT:
            _fail(job, run.id, NEVER_SEEN)
            return False
        with job.transaction() as session:
            import_runs.again_later(session, run, now + AWAY)
        return False
    return True


@contextmanager
def _read(job: JobContext, run: ImportRun) -> Iterator[tuple[BinaryIO, Rows]]:
    """The file on the local disk, and all of its rows read."""
    store = job.parts.get(ObjectStore)
    with ExitStack() as stack:
        file = cast("BinaryIO", stack.enter_context(tempfile.TemporaryFile()))
        for piece in store.stream(run.file_key or ""):
            file.write(piece)
        reading = KINDS[run.sheet].read(file, run.file_name or None, stack)
        for count in reading.read():
            if count % NOTED_EVERY == 0 and run.state == ImportState.PLANNING:
                _note(job, run, rows_done=count)
        yield file, reading


def _plan(job: JobContext, run: ImportRun, file: BinaryIO, reading: Rows) -> None:
    """Judge every row against what is stored, and store what there is to say about it."""
    store, kind = job.parts.get(ObjectStore), KINDS[run.sheet]
    rows = reading.rows()
    done = 0
    _note(job, run, rows_done=0, rows_total=len(reading))
    with Report(run.id, reading.remarks, kind.layout) as report:
        while batch := list(islice(rows, BATCH)):
            with job.transaction() as session:
                report.add(kind.look(job, session, run, batch))
            done += len(batch)
            _note(job, run, rows_done=done)
        files = report.store(store, file, run.file_name or None)
        counts = report.counts
    remarks = [{"code": remark.code, "text": remark.text} for remark in reading.remarks]
    try:
        _note(
            job,
            run,
            to=ImportState.PLANNED,
            counts=counts,
            files=files,
            remarks=remarks[:MOST_NOTED],
        )
    except _Stopped:
        for stored in files:
            store.delete(stored["key"])
        raise


def _commit(job: JobContext, run: ImportRun, reading: Rows) -> None:
    if run.rows_total is None:
        _note(job, run, rows_total=len(reading))
    if run.mode == ImportMode.FILE:
        try:
            _commit_whole(job, run, reading)
        except _Refused:
            _fail(job, run.id, _rows_refused(1))
    else:
        while _commit_batch(job, run.id, reading):
            pass


def _commit_batch(job: JobContext, import_id: UUID, reading: Rows) -> bool:
    """Write the rows behind the position and move it, in one transaction; whether more are left."""
    with job.transaction() as session:
        run = imports.run(session, import_id, lock=True)
        if run is None or run.state != ImportState.COMMITTING:
            raise _Stopped
        batch = list(islice(reading.rows(run.position), BATCH))
        memory = KINDS[run.sheet].memory(run.former)
        entries = _write(job, session, run, batch, memory)
        run.position += len(batch)
        run.rows_done = run.position
        run.counts = _added(run.counts, entries)
        run.remarks = (run.remarks + _news(batch, entries))[:MOST_NOTED]
        run.former = memory.as_json()
        if run.position < len(reading):
            return True
        import_runs.move(run, ImportState.DONE)
        run.finished_at = job.clock.now()
    return False


def _commit_whole(job: JobContext, run: ImportRun, reading: Rows) -> None:
    """Write every row in one transaction, which ends with the run's own end or undoes all."""
    kind = KINDS[run.sheet]
    memory, at_once = kind.memory({}), BATCH if kind.in_batches else MOST_ROWS
    counts: dict[str, int] = {}
    rows = reading.rows()
    done = 0
    with job.transaction() as session:
        wait_for_others(session, run.owner_account_id, run.id)
        while batch := list(islice(rows, at_once)):
            entries = _write(job, session, run, batch, memory)
            if any(entry.action == REFUSED for entry in entries):
                raise _Refused
            counts = _added(counts, entries)
            # What is written need not be remembered: memory stays that of one batch.
            session.expunge_all()
            done += len(batch)
            _note(job, run, rows_done=done)
        ended = affected(
            session,
            update(ImportRun)
            .where(ImportRun.id == run.id, ImportRun.state == ImportState.COMMITTING)
            .values(
                state=ImportState.DONE,
                counts=counts,
                position=done,
                finished_at=job.clock.now(),
            ),
        )
        if not ended:
            raise _Stopped


def _write(
    job: JobContext, session: Session, run: ImportRun, batch: Sequence[Any], memory: Memory
) -> tuple[Entry, ...]:
    return KINDS[run.sheet].write(job, session, run, batch, memory)


def _note(
    job: JobContext, run: ImportRun, *, to: ImportState | None = None, **values: object
) -> None:
    """Say how far a run is, in a transaction of its own; `_Stopped` if it is not in this step."""
    if to is not None:
        values["state"] = to
    with job.transaction() as session:
        known = affected(
            session,
            update(ImportRun)
            .where(ImportRun.id == run.id, ImportRun.state == run.state)
            .values(**values),
        )
    if not known:
        raise _Stopped


def _fail(job: JobContext, import_id: UUID, failure: dict[str, object]) -> None:
    with job.transaction() as session:
        run = imports.run(session, import_id, lock=True)
        if run is None:
            return
        try:
            import_runs.move(run, ImportState.FAILED)
        except DomainError:
            return  # it was cancelled, or has ended, meanwhile
        run.failure = failure
        run.finished_at = job.clock.now()


def _rows_refused(count: int) -> dict[str, object]:
    return {
        "code": "rows_refused",
        "row": None,
        "expected": f"a file without refused rows, as it goes in whole or not at all; {count} are",
    }


def _added(counts: dict[str, int], entries: tuple[Entry, ...]) -> dict[str, int]:
    new = Counter(entry.action for entry in entries)
    return {action: counts.get(action, 0) + new[action] for action in ACTIONS}


def _news(batch: Sequence[ReadRow], entries: tuple[Entry, ...]) -> list[dict[str, str]]:
    """Rows that read well and were refused all the same, for what is stored stands against them."""
    return [
        {
            "code": "refused",
            "text": f"Row {entry.row} ({entry.external_id}): expected "
            + "; ".join(problem.expected for problem in entry.problems),
        }
        for row, entry in zip(batch, entries, strict=True)
        if not row.problems and entry.action == REFUSED
    ]
