"""Imports that are too large to wait for: begun, uploaded, approved, cancelled, swept away.

What is done with the file is the business of `import_job`; here are the steps that somebody takes.
"""

import uuid
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import select, update

from marketplace.catalog.errors import ImportExists, ImportNotFound
from marketplace.catalog.models import ImportRun, Site
from marketplace.catalog.queries import imports
from marketplace.catalog.states import IMPORT, ImportMode, ImportState, SheetKind
from marketplace.core import rows
from marketplace.core.db import Session
from marketplace.core.ids import new_id
from marketplace.core.jobs import defer, deferred, given_up

Run: TypeAlias = ImportRun
"""What commands and routes are given of a run."""
RUN = "catalog.run_import"
UPLOAD_KEPT = timedelta(days=1)
FILES_KEPT = timedelta(days=30)
LONGEST_NAME = 120
# An error of ours or of what we depend on, tried again and again; it is in the log.
GIVEN_UP = {
    "code": "gave_up",
    "row": None,
    "expected": "no error in the import itself; what counts tell is stored: send the sheet again",
}
ENDED = (ImportState.DONE, ImportState.FAILED, ImportState.CANCELLED)


def begin(
    session: Session,
    import_id: uuid.UUID,
    *,
    owner_account_id: uuid.UUID,
    account_id: uuid.UUID,
    site: Site | None,
    mode: ImportMode,
    commit: bool,
    file_name: str,
    now: datetime,
    sheet: SheetKind = SheetKind.LISTINGS,
) -> ImportRun:
    """A run whose file is about to come; beginning it again is the same run.

    `ImportExists` if this id was used for another site, or has its file already.
    """
    found = imports.run(session, import_id, lock=True)
    if found is None:
        found = ImportRun(
            id=import_id,
            owner_account_id=owner_account_id,
            account_id=account_id,
            site_id=site.id if site else None,
            recorded_at=now,
            digest=b"",
            size=0,
            counts={},
            state=ImportState.UPLOADING,
            remarks=[],
            files=[],
            former={},
        )
        session.add(found)
    elif found.state != ImportState.UPLOADING or found.site_id != (site.id if site else None):
        raise ImportExists
    found.mode = mode
    found.sheet = sheet
    found.commit_wanted = commit
    found.file_name = _shown(file_name)
    # Known before anything is stored there; of two uploads at once each has a key of its own.
    found.file_key = f"imports/{import_id}/{new_id()}/sheet"
    session.flush()
    return found


def uploaded(
    session: Session,
    import_id: uuid.UUID,
    *,
    key: str,
    size: int,
    digest: bytes,
    have_read: bool = True,
) -> ImportRun:
    """The file is stored whole at `key`: have a worker read it, or not, if the caller does.

    Twice is once; `ImportExists` where another file was faster.
    """
    run = _locked(session, import_id)
    if run.state == ImportState.UPLOADING:
        run.file_key, run.size, run.digest = key, size, digest
        move(run, ImportState.UPLOADED)
        rows.flush(session, *([_job(session, run)] if have_read else []))
    elif run.digest != digest:
        raise ImportExists
    return run


def approve(
    session: Session, import_id: uuid.UUID, *, site_id: uuid.UUID | None = None
) -> ImportRun:
    """Have done what was planned; asked for before the plan is ready, it waits for it."""
    run = _locked(session, import_id, site_id)
    if run.state in (ImportState.FAILED, ImportState.CANCELLED):
        IMPORT.check(ImportState(run.state), ImportState.COMMITTING)
    if not run.commit_wanted:
        run.commit_wanted = True
        rows.flush(session, _job(session, run))
    return run


def cancel(
    session: Session, import_id: uuid.UUID, now: datetime, *, site_id: uuid.UUID | None = None
) -> ImportRun:
    """Stop an import. What is written by then stays written: `position` tells how far that is."""
    run = _locked(session, import_id, site_id)
    if run.state != ImportState.CANCELLED:
        move(run, ImportState.CANCELLED)
        run.finished_at = now
    session.flush()
    return run


def move(run: ImportRun, to: ImportState) -> None:
    """The one way in which a run's state changes."""
    IMPORT.check(ImportState(run.state), to)
    run.state = to


def again_later(session: Session, run: ImportRun, at: datetime) -> None:
    """Come back to a run whose owner has another one under way."""
    defer(session, RUN, run_at=at, lock=_lock(run), import_id=str(run.id))


def fail_given_up(session: Session, now: datetime) -> int:
    """End runs whose job has failed for good, so that their owners can go on; how many."""
    ids = [uuid.UUID(arguments["import_id"]) for arguments in given_up(session, RUN)]
    under_way = (ImportState.UPLOADED, ImportState.PLANNING, ImportState.COMMITTING)
    left = session.execute(
        select(ImportRun)
        .where(ImportRun.id.in_(ids), ImportRun.state.in_(under_way))
        .order_by(ImportRun.id)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    ).scalars()
    ended = 0
    for run in left:
        move(run, ImportState.FAILED)
        run.failure, run.finished_at = GIVEN_UP, now
        ended += 1
    session.flush()
    return ended


def sweep(session: Session, now: datetime) -> list[str]:
    """Give up uploads that never ended; returns the keys of files that are to be deleted.

    A key that is forgotten here and whose file is not deleted after is one file too many, no harm.
    """
    session.execute(
        update(ImportRun)
        .where(ImportRun.state == ImportState.UPLOADING, ImportRun.recorded_at < now - UPLOAD_KEPT)
        .values(state=ImportState.CANCELLED, finished_at=now)
    )
    old = session.execute(
        select(ImportRun)
        .where(
            ImportRun.state.in_(ENDED),
            ImportRun.file_key.is_not(None),
            ImportRun.recorded_at < now - FILES_KEPT,
        )
        .limit(500)
    ).scalars()
    keys: list[str] = []
    for run in old:
        keys += [run.file_key or "", *(file["key"] for file in run.files)]
        run.file_key, run.files = None, []
    session.flush()
    return [key for key in keys if key]


def _locked(session: Session, import_id: uuid.UUID, site_id: uuid.UUID | None = None) -> ImportRun:
    """The run, held; `ImportNotFound`, also where it is not of the site that is named."""
    run = imports.run(session, import_id, lock=True)
    if run is None or site_id not in (None, run.site_id):
        raise ImportNotFound
    return run


def _job(session: Session, run: ImportRun) -> rows.Part:
    """Have a worker take the run as far as it may go."""
    return deferred(session, RUN, [{"import_id": str(run.id)}], lock=_lock(run))


def _lock(run: ImportRun) -> str:
    """Jobs of one owner run one after another."""
    return f"catalog.import:{run.owner_account_id}"


def _shown(name: str) -> str:
    """A file's name as it may be shown again: no folders, no control characters, not endless."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[-LONGEST_NAME:]
