"""What a run of a classifier found, as a file: written once, when the run has seen everything."""

import csv
import hashlib
import io
import tempfile
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

from sqlalchemy import update

from marketplace.catalog.errors import TierRunNotReady
from marketplace.catalog.models import TierRun
from marketplace.catalog.queries import tiers
from marketplace.catalog.rules.classifiers import Classifiers
from marketplace.catalog.service import reclassifying
from marketplace.catalog.service.reclassifying import Transaction
from marketplace.catalog.states import TierRunState
from marketplace.core.db import Session
from marketplace.core.jobs import JobContext
from marketplace.core.ports import ObjectStore

PIECE = 1 << 20
ROWS_AT_ONCE = 2000
HEADINGS = (
    "listing_id",
    "external_id",
    "site_name",
    "title",
    "state",
    "outcome",
    "student_before",
    "student_after",
    "graduate_before",
    "graduate_after",
    "new_conflicts",
    "gone_conflicts",
    "classifier_before",
    "classifier_after",
)


def build(job: JobContext, run_id: uuid.UUID, known: Classifiers) -> None:
    """Take the run to its end and store its file; a run that is ready stays as it is."""
    reclassifying.go_through(job.transaction, run_id, known, job.clock.now())
    store = job.parts.get(ObjectStore)
    with tempfile.TemporaryFile() as spool:
        digest = hashlib.sha256()
        for piece in lines(job.transaction, run_id):
            spool.write(piece)
            digest.update(piece)
        size = spool.tell()
        spool.seek(0)
        # By its content: a second attempt writes the same file again.
        key = f"tiers/{run_id}/{digest.hexdigest()}.csv"
        store.put_stream(key, _pieces(spool))
    file = {"key": key, "size": size, "sha256": digest.hexdigest()}
    with job.transaction() as session:
        finish(session, run_id, job.clock.now(), file)


def finish(
    session: Session, run_id: uuid.UUID, now: datetime, file: dict[str, Any] | None = None
) -> None:
    """Record that the run has seen everything, once."""
    session.execute(
        update(TierRun)
        .where(TierRun.id == run_id, TierRun.state != TierRunState.READY)
        .values(state=TierRunState.READY, finished_at=now, file=file)
    )


def file_of(run: TierRun) -> dict[str, Any]:
    """`key`, `size` and `sha256` of a run's file; `TierRunNotReady`."""
    if run.state != TierRunState.READY or run.file is None:
        raise TierRunNotReady(extra={"state": run.state})
    return run.file


def lines(transaction: Transaction, run_id: uuid.UUID) -> Iterator[bytes]:
    """The changes of a run as CSV in pieces, in constant memory and short transactions."""
    yield _csv([list(HEADINGS)])
    after: uuid.UUID | None = None
    while True:
        with transaction() as session:
            rows = tiers.changed_after(session, run_id, after, ROWS_AT_ONCE)
            cells = [_cells(*row) for row in rows]
            after = rows[-1][0].listing_id if rows else None
        if not cells:
            return
        yield _csv(cells)


def _cells(change: Any, external_id: str, site: str, title: str, state: str) -> list[str]:
    before, after = change.before, change.after
    was, becomes = set(before["conflicts"]), set(after["conflicts"])
    return [
        str(change.listing_id),
        harmless(external_id),
        harmless(site),
        harmless(title),
        state,
        change.outcome,
        before["student"] or "",
        after["student"] or "",
        before["graduate"] or "",
        after["graduate"] or "",
        ";".join(sorted(becomes - was)),
        ";".join(sorted(was - becomes)),
        before["classifier"],
        after["classifier"],
    ]


def harmless(text: str) -> str:
    """A host's words for a cell: a spreadsheet program takes none of them for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _csv(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def _pieces(spool: IO[bytes]) -> Iterator[bytes]:
    while piece := spool.read(PIECE):
        yield piece
