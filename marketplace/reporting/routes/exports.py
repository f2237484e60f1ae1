"""Exports of outcomes: asked for, built by a job, downloaded as streams."""

from typing import Any
from uuid import UUID

from flask import Response

from marketplace.compliance import service as compliance
from marketplace.core.errors import NotFound
from marketplace.core.ports import ObjectStore
from marketplace.identity.access import current_account, require
from marketplace.reporting.models import ExportRun
from marketplace.reporting.queries import runs as queries
from marketplace.reporting.schemas import ExportArgs, ExportSchema
from marketplace.reporting.service import exports
from marketplace.web import context, openapi
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint(
    "exports", __name__, url_prefix="/exports", description="Outcomes as files, with a codebook."
)


@blueprint.route("", methods=["POST"])
@require("analyst")
@blueprint.arguments(ExportArgs)
@blueprint.response(202, ExportSchema)
def ask(data: dict[str, Any]) -> tuple[ExportRun, dict[str, str]]:
    """Ask for the outcomes of a Match year, or of all, as they are known now."""
    run = exports.ask(context.session(), asked_by=current_account().id, now=context.now(), **data)
    return run, {"Location": f"{PREFIX}/exports/{run.id}"}


@blueprint.route("", methods=["GET"])
@require("analyst")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(ExportSchema))
def list_all(args: dict[str, Any]) -> Page[ExportRun]:
    """List the exports, newest first."""
    return queries.export_runs(context.session(), **args)


@blueprint.route("/<uuid:export_id>", methods=["GET"])
@require("analyst")
@blueprint.response(200, ExportSchema)
def read(export_id: UUID) -> ExportRun:
    """See how far an export is, and the hashes of its files once it is ready."""
    return _run(export_id)


@blueprint.route("/<uuid:export_id>/files/<string:name>", methods=["GET"])
@require("analyst")
@blueprint.response(200, openapi.BINARY, description="The file.", content_type="*/*")
def download(export_id: UUID, name: str) -> Response:
    """Download a file of a ready export; each download is recorded."""
    run = _run(export_id)
    file = exports.file_of(run, name)
    compliance.record(
        context.session(),
        actor_id=current_account().id,
        action="export.download",
        subject_kind="export",
        subject_id=run.id,
        detail={"file": name, "profile": run.profile},
        now=context.now(),
    )
    store = context.parts().get(ObjectStore)
    # Asked for piece by piece as the answer goes out: no transaction is open by then.
    body = (piece for key in (file.key,) for piece in store.stream(key))
    response = Response(body, mimetype=file.media_type)
    response.content_length = file.size
    response.set_etag(file.sha256)
    response.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _run(export_id: UUID) -> ExportRun:
    run = queries.export_run(context.session(), export_id)
    if run is None:
        raise NotFound
    return run
