"""Spreadsheets at a terminal: follow an import that a job does, and write what came of it."""

import hashlib
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import click
from flask import current_app

from marketplace.app import job_context
from marketplace.catalog.queries import imports
from marketplace.catalog.rules.sheet import open_rows
from marketplace.catalog.service import error_workbook, import_job, import_runs
from marketplace.catalog.service.import_runs import Run
from marketplace.catalog.service.planning import REFUSED, ImportPlan
from marketplace.catalog.service.sheet_kinds import KINDS
from marketplace.catalog.states import ImportMode, ImportPhase, ImportState, SheetKind
from marketplace.cli.edge import now, parts, transaction
from marketplace.core.ids import new_id
from marketplace.core.ports import ObjectStore

PIECE = 1 << 20
LOOK_EVERY = 0.3
LONGEST_LOOK = 60.0
ENDED = (ImportState.DONE, ImportState.FAILED, ImportState.CANCELLED)
WAITING = "waiting for its turn"
BAR = "%(label)s  [%(bar)s]  %(info)s"
PHASES = {
    ImportPhase.LOOKING: "planning",
    ImportPhase.WRITING_FILES: "writing the plan's files",
    ImportPhase.WRITING_ROWS: "writing",
}


def bring_in(
    sheet: Path,
    owner: uuid.UUID,
    what: SheetKind,
    *,
    mode: ImportMode,
    commit: bool,
    elsewhere: bool,
) -> Run:
    """Import a sheet as a job does, with a progress bar; by a worker where `elsewhere`.

    Interrupted, a worker goes on with what it has; what was done here is done as far as it came:
    import the sheet again for the rest.
    """
    import_id = _upload(sheet, owner, what, mode, commit=commit, elsewhere=elsewhere)
    click.echo(f"import {import_id}", err=True)
    work = None
    if not elsewhere:
        app = cast("Any", current_app)._get_current_object()  # noqa: SLF001 - flask's own way to the application behind the proxy
        job = job_context(app)
        work = threading.Thread(target=import_job.work, args=(job, import_id), daemon=True)
        work.start()
    return _followed(import_id, work, commit=commit)


def show_run(run: Run) -> None:
    """Print what came of a run: its counts, remarks, and why it failed."""
    counts = ", ".join(f"{count} {action}" for action, count in run.counts.items() if count)
    click.echo(f"{run.state}: {counts or 'nothing'}")
    for remark in run.remarks:
        click.echo(f"  {remark['text']}", err=True)
    if run.failure:
        row = f"row {run.failure['row']}: " if run.failure.get("row") else ""
        raise click.ClickException(f"{row}expected {run.failure['expected']}")
    if run.state == ImportState.PLANNED:
        click.echo("A dry run: nothing was changed. Add --commit to do it.")


def save_errors_of_run(run: Run, to: Path) -> bool:
    """Write the workbook of a run's errors; whether there are any."""
    file = next((file for file in run.files if file["name"] == "errors.xlsx"), None)
    if file is None:
        return False
    with to.open("wb") as out:
        for piece in parts().get(ObjectStore).stream(file["key"]):
            out.write(piece)
    return True


def save_errors(sheet: Path, what: SheetKind, plan: ImportPlan, to: Path) -> bool:
    """Write the workbook of a plan's errors; whether there are any."""
    refused = plan.of(REFUSED)
    if not refused:
        return False
    layout = KINDS[what].layout
    with sheet.open("rb") as file, to.open("w+b") as out:
        rows, _ = open_rows(file, layout.name, name=sheet.name)
        problems = (entry.problems for entry in refused)
        error_workbook.write(out, rows, problems, plan.counts, layout)
    return True


def _upload(
    sheet: Path,
    owner: uuid.UUID,
    what: SheetKind,
    mode: ImportMode,
    *,
    commit: bool,
    elsewhere: bool,
) -> uuid.UUID:
    import_id, digest = new_id(), hashlib.sha256()
    with transaction() as session:
        run = import_runs.begin(
            session,
            import_id,
            owner_account_id=owner,
            account_id=owner,
            site=None,
            mode=mode,
            commit=commit,
            file_name=sheet.name,
            now=now(),
            sheet=what,
        )
        key = run.file_key or ""

    def pieces() -> Iterator[bytes]:
        with sheet.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
                yield piece

    parts().get(ObjectStore).put_stream(key, pieces())
    with transaction() as session:
        size = sheet.stat().st_size
        import_runs.uploaded(
            session, import_id, key=key, size=size, digest=digest.digest(), have_read=elsewhere
        )
    return import_id


def _followed(import_id: uuid.UUID, work: threading.Thread | None, *, commit: bool) -> Run:
    """Look at a run until it has ended, or is planned where nothing more is wanted."""
    while True:
        run = _run(import_id)
        if run.state in ENDED or (run.state == ImportState.PLANNED and not commit):
            return run
        if work is not None and not work.is_alive() and _run(import_id).state not in ENDED:
            raise click.ClickException(f"import {import_id} stopped on the way; see the log")
        label = _label(run)
        if run.rows_total is None or label is None:
            time.sleep(LOOK_EVERY)
            continue
        _show_phase(run, label)


def _label(run: Run) -> str | None:
    if run.state == ImportState.PLANNED:
        return WAITING
    return None if run.phase is None else PHASES.get(run.phase)


def _show_phase(run: Run, label: str) -> None:
    """A progress bar for as long as the run is in its present phase, and for a minute at most.

    Of files that are being written it is not known how far they are: there is the label alone.
    """
    since = time.monotonic()
    shape = BAR if run.phase != ImportPhase.WRITING_FILES else "%(label)s …"
    shown = cast("Any", click).progressbar(
        length=run.rows_total, label=label, file=sys.stderr, bar_template=shape
    )
    with shown as bar:
        while _label(run) == label and time.monotonic() - since < LONGEST_LOOK:
            bar.update(run.rows_done - bar.pos)
            time.sleep(LOOK_EVERY)
            run = _run(run.id)
        if _label(run) != label:
            bar.update((bar.length or 0) - bar.pos)


def _run(import_id: uuid.UUID) -> Run:
    with transaction() as session:
        run = imports.run(session, import_id)
        if run is None:
            raise click.ClickException(f"there is no import {import_id}")
        session.expunge(run)
        return run
