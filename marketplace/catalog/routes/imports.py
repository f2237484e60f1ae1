"""`/sites/…/imports`: spreadsheets of listings in, small ones at once and large ones by a job."""

import hashlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from marketplace.catalog.errors import ImportNotFound, ImportNotReady, ListingNotFound, SheetRefused
from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import ImportRun, Site
from marketplace.catalog.queries import imports, listings
from marketplace.catalog.rules import archive
from marketplace.catalog.rules.faults import LARGE, SMALL
from marketplace.catalog.schemas.imports import (
    ImportArgs,
    ImportPage,
    ImportSchema,
    PlanSchema,
    TakeBackArgs,
    TakenBackSchema,
    UploadArgs,
)
from marketplace.catalog.service import import_runs, taking_back
from marketplace.catalog.service.importing import import_listings, refuse_fault
from marketplace.catalog.service.planning import ImportPlan
from marketplace.core.ports import ObjectStore
from marketplace.identity.access import current_account, site_member
from marketplace.web import context, openapi, uploads
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET_TYPES = (
    "text/csv",
    XLSX,
    "text/plain",
    "application/csv",
    "application/octet-stream",
)
BINARY = {"schema": {"type": "string", "format": "binary"}}
# A workbook's own media type is taken too; generated clients know this one.
OCTETS = "application/octet-stream"
BODY = {"requestBody": {"required": True, "content": {"text/csv": BINARY, OCTETS: BINARY}}}
PIECE = 1 << 18

blueprint = Blueprint(
    "site_imports",
    __name__,
    url_prefix="/sites/<uuid:site_id>",
    description="Spreadsheets of listings: what they would do, and doing it.",
)


@blueprint.route("/listings/import", methods=["POST"])
@site_member("site_owner", "coordinator")
@blueprint.arguments(ImportArgs, location="query")
@blueprint.response(200, PlanSchema)
@blueprint.doc(**BODY)
def import_sheet(data: dict[str, Any], site_id: UUID) -> ImportPlan:
    """Import a sheet of this site's listings; a dry run unless `commit` is given.

    The body is the file itself, CSV or .xlsx, of up to 2,000 rows and 4 MiB; what is larger goes
    to `/imports/{import_id}`. Rows of other sites are refused.
    """
    check_type()
    plan = import_listings(
        context.session(),
        small_body(),
        None,
        data["commit"],
        context.now(),
        site_id=site_id,
        account_id=current_account().id,
        holders=context.parts().get(SeatHolders),
        name=data["filename"] or None,
        limits=SMALL,
    )
    refuse_fault(plan)
    return plan


@blueprint.route("/imports/<uuid:import_id>", methods=["PUT"])
@site_member("site_owner", "coordinator")
@blueprint.arguments(UploadArgs, location="query")
@blueprint.response(202, ImportSchema)
@blueprint.doc(**BODY)
def upload(data: dict[str, Any], site_id: UUID, import_id: UUID) -> ImportRun:
    """Upload a sheet of up to 50,000 rows and 50 MB, to be read and planned by a job.

    `import_id` is a UUID of your choice: sent again after a broken connection, it is the same
    import. With `commit` what is planned is then done, else it waits for your word. `mode=rows`
    leaves refused rows out; `mode=file` takes all rows or none. `sheet=calendar` takes calendars,
    as they were exported and edited.
    """
    check_type()
    session, store = context.session(), context.parts().get(ObjectStore)
    account_id, site = current_account().id, _site(site_id)
    run = import_runs.begin(
        session,
        import_id,
        owner_account_id=site.owner_account_id,
        account_id=account_id,
        site=site,
        mode=data["mode"],
        commit=data["commit"],
        file_name=data["filename"],
        now=context.now(),
        sheet=data["sheet"],
    )
    key = run.file_key or ""
    # The run is known before its file is stored, and no transaction waits for a slow client.
    session.commit()
    body = _Body()
    store.put_stream(key, body.pieces())
    if body.fault is not None:
        store.delete(key)
        raise body.fault
    used = False
    try:
        digest = body.digest.digest()
        run = import_runs.uploaded(session, import_id, key=key, size=body.size, digest=digest)
        used = run.file_key == key
    finally:
        if not used:
            store.delete(key)
    return run


@blueprint.route("/imports", methods=["GET"])
@site_member("site_owner", "coordinator")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, ImportPage)
def list_imports(data: dict[str, Any], site_id: UUID) -> Page[ImportRun]:
    """List a site's imports, the newest first."""
    return imports.page_of_site(context.session(), site_id, **data)


@blueprint.route("/imports/<uuid:import_id>", methods=["GET"])
@site_member("site_owner", "coordinator")
@blueprint.response(200, ImportSchema)
def show(site_id: UUID, import_id: UUID) -> ImportRun:
    """See how far an import is: its phase, rows done of rows in all, and what came of it."""
    return _run(site_id, import_id)


@blueprint.route("/imports/<uuid:import_id>/commit", methods=["POST"])
@site_member("site_owner", "coordinator")
@blueprint.response(202, ImportSchema)
def commit(site_id: UUID, import_id: UUID) -> ImportRun:
    """Have done what was planned. Asked for before the plan is ready, it waits for it."""
    return import_runs.approve(context.session(), import_id, site_id=site_id)


@blueprint.route("/imports/<uuid:import_id>/cancel", methods=["POST"])
@site_member("site_owner", "coordinator")
@blueprint.response(200, ImportSchema)
def cancel(site_id: UUID, import_id: UUID) -> ImportRun:
    """Stop an import; rows that are written by then stay, and `position` tells how many."""
    return import_runs.cancel(context.session(), import_id, context.now(), site_id=site_id)


@blueprint.route("/imports/<uuid:import_id>/take-back", methods=["POST"])
@site_member("site_owner", "coordinator")
@blueprint.arguments(TakeBackArgs)
@blueprint.response(200, TakenBackSchema)
def take_back(data: dict[str, Any], site_id: UUID, import_id: UUID) -> taking_back.TakenBack:
    """Take away the drafts that an import made and nobody has touched since; a look without `commit`.

    They are retired, their ids are free for another sheet, and their lines of the calendar are gone.
    What was published, changed or given other weeks since stays: `kept` names the first of it.
    """
    return taking_back.take_back(
        context.session(),
        import_id,
        current_account().id,
        context.now(),
        site_id=site_id,
        commit=data["commit"],
    )


@blueprint.route("/imports/<uuid:import_id>/files/<string:name>", methods=["GET"])
@site_member("site_owner", "coordinator")
@blueprint.response(200, openapi.BINARY, description="The file.", content_type="*/*")
def download(site_id: UUID, import_id: UUID, name: str) -> Response:
    """Download `plan.json`, `plan.csv`, or `errors.xlsx`: your rows with what to mend in them."""
    run = _run(site_id, import_id)
    file = next((file for file in run.files if file["name"] == name), None)
    if file is None:
        raise ImportNotReady(extra={"state": run.state})
    store = context.parts().get(ObjectStore)
    # Asked for piece by piece as the answer goes out: no transaction is open by then.
    body = (piece for key in (file["key"],) for piece in store.stream(key))
    response = Response(body, mimetype=file["media_type"])
    response.content_length = file["size"]
    response.set_etag(file["sha256"])
    response.headers["Content-Disposition"] = f'attachment; filename="{file["name"]}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


class _Body:
    """The request's body by pieces, counted; `fault` tells why it was left off."""

    def __init__(self) -> None:
        self.size = 0
        self.digest = hashlib.sha256()
        self.fault: SheetRefused | RequestEntityTooLarge | None = None

    def pieces(self) -> Iterator[bytes]:
        try:
            for piece in uploads.pieces(LARGE.content, PIECE):
                if not self.size and not _may_be_a_sheet(piece):
                    self.fault = SheetRefused("Expected a CSV file or an .xlsx workbook.")
                    return
                self.size += len(piece)
                if self.size > LARGE.content:
                    raise RequestEntityTooLarge
                self.digest.update(piece)
                yield piece
        except RequestEntityTooLarge as error:
            self.fault = error
            return
        if not self.size:
            self.fault = SheetRefused("Expected a file; the body is empty.")


def _may_be_a_sheet(start: bytes) -> bool:
    """A first look, so that a film is not stored whole to be refused."""
    wide = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    return archive.looks_like_one(start) or wide or b"\x00" not in start


def check_type() -> None:
    if request.mimetype not in SHEET_TYPES:
        raise UnsupportedMediaType(f"Send the sheet as {SHEET_TYPES[0]} or {XLSX}.")


def small_body() -> bytes:
    """The sheet, looked at for viruses."""
    return uploads.whole(SMALL.content)


def _site(site_id: UUID) -> Site:
    site = listings.site(context.session(), site_id)
    if site is None:
        raise ListingNotFound
    return site


def _run(site_id: UUID, import_id: UUID) -> ImportRun:
    run = imports.run(context.session(), import_id)
    if run is None or run.site_id != site_id:
        raise ImportNotFound
    return run
