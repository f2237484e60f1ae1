"""The host's spreadsheet: sent in, planned by a job, looked at cell by cell, then done.

Every sheet goes the way of the large ones, so that what was looked at is what is done: the file is
kept with its plan. Whoever leaves the page comes back to it; the job goes on meanwhile.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, BinaryIO, cast
from uuid import UUID

from flask import Response, request
from werkzeug.wrappers import Response as Answer

from marketplace.catalog.errors import ImportNotFound
from marketplace.catalog.queries import imports, sites
from marketplace.catalog.rules.faults import LARGE
from marketplace.catalog.rules.mending import mended
from marketplace.catalog.rules.sheet import CALENDAR, LISTINGS
from marketplace.catalog.service import import_runs, taking_back
from marketplace.catalog.service.import_reports import ERRORS, PLAN_JSON
from marketplace.catalog.states import ImportMode, ImportState, SheetKind
from marketplace.core.ids import new_id
from marketplace.core.ports import ObjectStore
from marketplace.identity.access import current_account, site_member
from marketplace.pages import forms
from marketplace.pages.host.frame import (
    DECIDERS,
    NOT_PROCESSABLE,
    back,
    panel,
    refusal,
)
from marketplace.pages.host.listings import STATES as LISTING_STATES
from marketplace.pages.view import Pages
from marketplace.pages.words import noted
from marketplace.web import context, uploads

TAB = "/imports"
BASE = "/host/sites/<uuid:site_id>/imports"
ONE = f"{BASE}/<uuid:import_id>"
A_PAGE = 20
# What a person reads on a page; all of them are in the workbook of errors.
MOST_ROWS = 100
# Of a longer sheet the wrong cells are mended in the workbook, not on the page.
MOST_MENDED = 2_000
UNDER_WAY = (ImportState.UPLOADED, ImportState.PLANNING, ImportState.COMMITTING)
STATES = {
    "uploading": noted("Coming in"),
    "uploaded": noted("Waits to be read"),
    "planning": noted("Is read and judged"),
    "planned": noted("Waits for your word"),
    "committing": noted("Is being done"),
    "done": noted("Done"),
    "failed": noted("Failed"),
    "cancelled": noted("Stopped"),
}
COUNTS = {
    "created": noted("new"),
    "changed": noted("changed"),
    "unchanged": noted("unchanged"),
    "repeated": noted("repeated"),
    "refused": noted("refused"),
}
# What was done with a listing since, so that it stays.
TOUCHED = {
    "state": noted("its publication was asked for"),
    "terms": noted("its terms were changed"),
    "calendar": noted("its weeks were changed"),
}
blueprint = Pages("host_imports")


@dataclass(frozen=True)
class Refused:
    """A row that is refused: by column, what it says and what was expected."""

    row: int
    external_id: str
    cells: dict[str, tuple[str, str]]
    whole: list[str]


@blueprint.get(BASE)
@site_member(*DECIDERS, operators=False)
def list_imports(site_id: UUID) -> Response:
    """Ask for a sheet, and list those that were sent."""
    return _list(site_id, {})


@blueprint.post(BASE)
@uploads.form_first
@site_member(*DECIDERS, operators=False)
def upload(site_id: UUID) -> Answer:
    """Take a sheet in and have a job plan it; nothing of it is done yet."""
    chosen = uploads.of_form("sheet")
    if chosen is None or not chosen.size:
        return _list(site_id, {"sheet": ["Choose a CSV file or an .xlsx workbook."]})
    if chosen.size > LARGE.content:
        return _list(site_id, {"sheet": ["The file is too large."]})
    mode = ImportMode.FILE if request.form.get("mode") == "file" else ImportMode.ROWS
    weeks = request.form.get("what") == SheetKind.CALENDAR
    kind = SheetKind.CALENDAR if weeks else SheetKind.LISTINGS
    return back(site_id, f"{TAB}/{_taken_in(site_id, chosen.filename, chosen.pieces, mode, kind)}")


@blueprint.post(f"{ONE}/mend")
@site_member(*DECIDERS, operators=False)
def mend(site_id: UUID, import_id: UUID) -> Answer:
    """Take the same sheet in again with other words in its wrong cells; this one is dropped."""
    run = _run(site_id, import_id)
    if not _may_mend(run):
        return _shown(site_id, import_id)
    layout = CALENDAR if run.sheet == SheetKind.CALENDAR else LISTINGS
    name, key, store = run.file_name, run.file_key or "", context.parts().get(ObjectStore)
    mode, kind = ImportMode(run.mode), SheetKind(run.sheet)
    cells = {}
    for field, text in request.form.items():
        _, _, place = field.partition("cell-")
        number, _, column = place.partition("-")
        row = forms.number(number)
        if row is not None and column in layout.columns:
            cells[row, column] = text.strip()
    # No transaction waits for the store.
    context.session().commit()
    with tempfile.TemporaryFile() as kept:
        for piece in store.stream(key):
            kept.write(piece)
        pieces = mended(cast("BinaryIO", kept), name or None, layout, cells)
        new_name = f"{PurePath(name or 'sheet').stem}.csv"
        made = _taken_in(site_id, new_name, pieces, mode, kind)
    if _run(site_id, import_id).state == ImportState.PLANNED:
        import_runs.cancel(context.session(), import_id, context.now(), site_id=site_id)
    return back(site_id, f"{TAB}/{made}")


def _taken_in(
    site_id: UUID, name: str, pieces: Iterable[bytes], mode: ImportMode, kind: SheetKind
) -> UUID:
    """Store a sheet, and have a job plan it."""
    session, store, digest = context.session(), context.parts().get(ObjectStore), hashlib.sha256()
    site, size = sites.site(session, site_id), 0
    run = import_runs.begin(
        session,
        new_id(),
        owner_account_id=site.owner_account_id,
        account_id=current_account().id,
        site=site,
        mode=mode,
        commit=False,
        file_name=name,
        now=context.now(),
        sheet=kind,
    )
    import_id, key = run.id, run.file_key or ""
    # The run is known before its file is stored, and no transaction waits for the store.
    session.commit()

    def counted() -> Iterator[bytes]:
        nonlocal size
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            yield piece

    store.put_stream(key, counted())
    used = False
    try:
        import_runs.uploaded(session, import_id, key=key, size=size, digest=digest.digest())
        used = True
    finally:
        if not used:
            store.delete(key)
    return import_id


@blueprint.get(ONE)
@site_member(*DECIDERS, operators=False)
def show(site_id: UUID, import_id: UUID) -> Response:
    """Show how far an import is; once it is planned, what it would do, cell by cell."""
    return _shown(site_id, import_id)


@blueprint.post(f"{ONE}/commit")
@site_member(*DECIDERS, operators=False)
def commit(site_id: UUID, import_id: UUID) -> Answer:
    """Have done what was planned."""
    _run(site_id, import_id)
    try:
        import_runs.approve(context.session(), import_id, site_id=site_id)
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        return _shown(site_id, import_id, refusal(refused), refused.status)
    return back(site_id, f"{TAB}/{import_id}")


@blueprint.get(f"{ONE}/take-back")
@site_member(*DECIDERS, operators=False)
def look_at_taking_back(site_id: UUID, import_id: UUID) -> Response:
    """Show what of an import would go and what would stay; nothing of it is done yet."""
    _run(site_id, import_id)
    return _taking_back(site_id, import_id, _take_back(site_id, import_id, commit=False))


@blueprint.post(f"{ONE}/take-back")
@site_member(*DECIDERS, operators=False)
def take_back(site_id: UUID, import_id: UUID) -> Answer:
    """Take away the drafts that an import made and that nobody has touched since."""
    _run(site_id, import_id)
    try:
        _take_back(site_id, import_id, commit=True)
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        return _shown(site_id, import_id, refusal(refused), refused.status)
    return back(site_id, f"{TAB}/{import_id}", "taken_back")


@blueprint.post(f"{ONE}/cancel")
@site_member(*DECIDERS, operators=False)
def cancel(site_id: UUID, import_id: UUID) -> Answer:
    """Stop an import; what is written by then stays."""
    _run(site_id, import_id)
    try:
        import_runs.cancel(context.session(), import_id, context.now(), site_id=site_id)
    except forms.REFUSALS as error:
        refused = forms.meant(error)
        return _shown(site_id, import_id, refusal(refused), refused.status)
    return back(site_id, f"{TAB}/{import_id}")


def tone(state: str) -> str:
    """How an import's state is coloured."""
    return {"done": "good", "failed": "bad", "cancelled": "plain"}.get(state, "fair")


def _list(site_id: UUID, errors: forms.Errors) -> Response:
    found = imports.page_of_site(
        context.session(), site_id, limit=A_PAGE, cursor=request.args.get("cursor") or None
    )
    return panel(
        "host/imports.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        found=found,
        errors=errors,
        states=STATES,
        counts=COUNTS,
        shown=tone,
    )


def _shown(
    site_id: UUID, import_id: UUID, refused: str | None = None, status: int = 200
) -> Response:
    run = _run(site_id, import_id)
    planned = {file["name"]: file for file in run.files}
    # A plan that waits for its turn is as good as begun.
    under_way = run.state in UNDER_WAY or (run.state == ImportState.PLANNED and run.commit_wanted)
    some = bool(run.counts.get("refused")) and PLAN_JSON in planned and not under_way
    rows = list(_refused(planned[PLAN_JSON]["key"])) if some else []
    return panel(
        "host/import.html",
        site_id,
        TAB,
        status,
        run=run,
        under_way=under_way,
        may_commit=run.state == ImportState.PLANNED and not run.commit_wanted,
        may_do=not _all_refused(run),
        same=_changes_nothing(run),
        may_take_back=_some_left(run),
        taken_back=run.counts.get(taking_back.TAKEN_BACK, 0),
        may_cancel=run.state in (*UNDER_WAY, ImportState.PLANNED),
        rows=rows,
        may_mend=_may_mend(run) and any(row.cells for row in rows),
        columns=list({name: None for row in rows for name in row.cells}),
        errors_file=ERRORS if ERRORS in planned else None,
        states=STATES,
        counts=COUNTS,
        shown=tone,
        refused=refused,
    )


def _take_back(site_id: UUID, import_id: UUID, *, commit: bool) -> taking_back.TakenBack:
    session, by, now = context.session(), current_account().id, context.now()
    return taking_back.take_back(session, import_id, by, now, site_id=site_id, commit=commit)


def _taking_back(site_id: UUID, import_id: UUID, found: taking_back.TakenBack) -> Response:
    return panel(
        "host/take_back.html",
        site_id,
        TAB,
        run=_run(site_id, import_id),
        found=found,
        states=LISTING_STATES,
        whys=TOUCHED,
    )


def _some_left(run: Any) -> bool:
    """Whether there may be a listing that it made and that was not taken back yet.

    What was dropped before anything was written has the counts of its plan, and made nothing.
    """
    made = run.counts.get("created", 0) - run.counts.get(taking_back.TAKEN_BACK, 0)
    written = run.state == ImportState.DONE or run.position > 0
    return taking_back.can_be(run) and written and made > 0


def _all_refused(run: Any) -> bool:
    """Whether nothing can be done of it: no row is taken, or all or none was asked for."""
    refused = run.counts.get("refused", 0)
    taken = any(run.counts.get(name) for name in COUNTS if name != "refused")
    return bool(refused) and (run.mode == ImportMode.FILE or not taken)


def _may_mend(run: Any) -> bool:
    """Whether the wrong cells of a sheet can be said anew here: of one that is not too long."""
    waits = run.state == ImportState.PLANNED and not run.commit_wanted
    short = (run.rows_total or 0) <= MOST_MENDED
    return bool(run.file_key) and short and (waits or run.state == ImportState.DONE)


def _changes_nothing(run: Any) -> bool:
    """Whether all that is taken of it is there already, as it says."""
    return not any(run.counts.get(name) for name in ("created", "changed"))


def _refused(key: str) -> Iterator[Refused]:
    """The first rows that are refused, read from the plan an entry a line."""
    left = MOST_ROWS
    for line in _lines(key):
        if not line.startswith(b'{"row"') or b'"action": "refused"' not in line:
            continue
        entry: dict[str, Any] = json.loads(line.rstrip(b","))
        cells: dict[str, tuple[str, str]] = {}
        whole = []
        for one in entry["problems"]:
            if one["column"] is None:
                whole.append(one["expected"])
            else:
                cells[one["column"]] = (one["value"], one["expected"])
        yield Refused(entry["row"], entry["external_id"], cells, whole)
        left -= 1
        if not left:
            return


def _lines(key: str) -> Iterator[bytes]:
    rest = b""
    for piece in context.parts().get(ObjectStore).stream(key):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    yield rest


def _run(site_id: UUID, import_id: UUID) -> Any:
    run = imports.run(context.session(), import_id)
    if run is None or run.site_id != site_id:
        raise ImportNotFound
    return run
