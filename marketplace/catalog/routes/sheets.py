"""`/sites/…/export`: listings and calendars as files, and calendars read in again."""

import tempfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast
from uuid import UUID

from flask import Response

from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.routes.imports import BODY, check_type, small_body
from marketplace.catalog.rules.faults import SMALL
from marketplace.catalog.rules.weeks import monday_of
from marketplace.catalog.rules.writing import Format
from marketplace.catalog.schemas.imports import ExportArgs, ImportArgs, PlanSchema
from marketplace.catalog.service import exporting, seat_sheets
from marketplace.catalog.service.edit_records import Author
from marketplace.catalog.service.exporting import Whose
from marketplace.catalog.service.importing import refuse_fault
from marketplace.catalog.service.planning import ImportPlan
from marketplace.identity.access import current_account, site_member
from marketplace.web import context, openapi
from marketplace.web.api import Blueprint

PIECE = 1 << 18
IN_MEMORY = 1 << 20

blueprint = Blueprint(
    "site_sheets",
    __name__,
    url_prefix="/sites/<uuid:site_id>",
    description="Listings and calendars as spreadsheets.",
)


@blueprint.route("/listings/export", methods=["GET"])
@site_member("site_owner", "coordinator", "preceptor")
@blueprint.arguments(ExportArgs, location="query")
@blueprint.response(200, openapi.BINARY, description="The file.", content_type="*/*")
def export_listings(data: dict[str, Any], site_id: UUID) -> Response:
    """Download a site's listings, retired ones left out, as CSV or .xlsx.

    Imported again as it is, the file changes nothing.
    """
    session, form = context.session(), data["format"]
    return _file(
        lambda file: exporting.write_listings(session, file, Whose(site_id=site_id), form),
        f"listings.{form}",
        form,
    )


@blueprint.route("/calendar/export", methods=["GET"])
@site_member("site_owner", "coordinator", "preceptor")
@blueprint.arguments(ExportArgs, location="query")
@blueprint.response(200, openapi.BINARY, description="The file.", content_type="*/*")
def export_calendar(data: dict[str, Any], site_id: UUID) -> Response:
    """Download a site's calendars from this week on, a row a week and pool of seats."""
    session, form, since = context.session(), data["format"], monday_of(context.now().date())
    return _file(
        lambda file: exporting.write_calendars(session, file, Whose(site_id=site_id), form, since),
        f"calendar.{form}",
        form,
    )


@blueprint.route("/calendar/import", methods=["POST"])
@site_member("site_owner", "coordinator")
@blueprint.arguments(ImportArgs, location="query")
@blueprint.response(200, PlanSchema)
@blueprint.doc(**BODY)
def import_calendar(data: dict[str, Any], site_id: UUID) -> ImportPlan:
    """Import a site's calendars as they were exported and edited: a dry run without `commit`.

    Up to 2,000 rows and 4 MiB; what is larger goes to `/imports/{import_id}` with `sheet=calendar`.
    `seats` and `closed` are what may be edited. Fewer seats than are taken are refused, and so is
    a row from before somebody else's edit of the same calendar.
    """
    check_type()
    plan = seat_sheets.import_seats(
        context.session(),
        small_body(),
        Whose(site_id=site_id),
        commit=data["commit"],
        author=Author(current_account().id, context.now()),
        holders=context.parts().get(SeatHolders),
        name=data["filename"] or None,
        limits=SMALL,
    )
    refuse_fault(plan)
    return plan


def _file(write: Callable[[BinaryIO], int], name: str, form: Format) -> Response:
    """What `write` writes as a download; large files pass over the disk."""
    file = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115 - closed with the response
    write(file)
    size = file.seek(0, 2)
    file.seek(0)

    def pieces() -> Iterator[bytes]:
        with file:
            while piece := file.read(PIECE):
                yield piece

    response = Response(pieces(), mimetype=form.media_type)
    response.content_length = size
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
