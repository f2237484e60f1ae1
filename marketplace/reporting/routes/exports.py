"""Exports of outcomes: asked for, built by a job, downloaded as streams."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response

from marketplace.compliance import service as compliance
from marketplace.core.errors import NotFound
from marketplace.core.ports import ObjectStore
from marketplace.identity.access import current_account, require
from marketplace.reporting.models import ExportRun, IdentifiedRight
from marketplace.reporting.queries import exports as queries
from marketplace.reporting.schemas.exports import (
    ExportArgs,
    ExportSchema,
    RightArgs,
    RightSchema,
)
from marketplace.reporting.service import export_rights, exports
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
    """Ask for the outcomes of a Match year, or of all, as they are known now or were then.

    An identified export needs a right that an operator gave, and a reason.
    """
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
    if run.profile == exports.IDENTIFIED:
        export_rights.check(context.session(), current_account().id, context.now())
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
    response = Response(_body(store, file.key), mimetype=file.media_type)
    response.content_length = file.size
    response.set_etag(file.sha256)
    response.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@blueprint.route("/rights", methods=["POST"])
@require("operator")
@blueprint.arguments(RightArgs)
@blueprint.response(201, RightSchema)
def give_right(data: dict[str, Any]) -> IdentifiedRight:
    """Let an analyst have identified exports until a day, for a reason; recorded."""
    return export_rights.give(
        context.session(), granted_by=current_account().id, now=context.now(), **data
    )


@blueprint.route("/rights", methods=["GET"])
@require("operator")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(RightSchema))
def list_rights(args: dict[str, Any]) -> Page[IdentifiedRight]:
    """List the rights to identified exports that were given, newest first."""
    return queries.rights(context.session(), **args)


@blueprint.route("/rights/<uuid:right_id>", methods=["DELETE"])
@require("operator")
@blueprint.response(200, RightSchema)
def revoke_right(right_id: UUID) -> IdentifiedRight:
    """End a right now; recorded."""
    return export_rights.revoke(
        context.session(), right_id, by=current_account().id, now=context.now()
    )


def _body(store: ObjectStore, key: str) -> Iterator[bytes]:
    """Ask for the file once the answer goes out: no transaction is open by then.

    Closed when the client goes away, and with it what the store has open.
    """
    yield from store.stream(key)


def _run(export_id: UUID) -> ExportRun:
    run = queries.export_run(context.session(), export_id)
    if run is None:
        raise NotFound
    return run
