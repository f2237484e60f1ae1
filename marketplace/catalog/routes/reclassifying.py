"""`/operator/tiers`: a classifier over the whole catalogue, dry or for good."""

from typing import Any
from uuid import UUID

from flask import Response

from marketplace.catalog.models import TierRun
from marketplace.catalog.queries import tiers
from marketplace.catalog.rules.classifiers import Classifiers
from marketplace.catalog.schemas.operating import (
    AskRunSchema,
    ChangesArgs,
    TierChangePage,
    TierRunPage,
    TierRunSchema,
)
from marketplace.catalog.service import reclassifying, tier_files
from marketplace.core.ports import ObjectStore
from marketplace.identity.access import current_account, require
from marketplace.web import context, openapi
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs

blueprint = Blueprint(
    "operator_tiers",
    __name__,
    url_prefix="/operator/tiers",
    description="A classifier over the whole catalogue, for operators",
)


@blueprint.route("/runs", methods=["POST"])
@require("operator")
@blueprint.arguments(AskRunSchema)
@blueprint.response(202, TierRunSchema)
def ask(data: dict[str, Any]) -> tuple[TierRun, dict[str, str]]:
    """Ask for a run of a classifier over all listings: what it would change, or with `commit` does.

    With `commit`, listings with new conflicts go to review. Tiers of bookings stay as they are.
    """
    run = reclassifying.ask(
        context.session(),
        context.parts().get(Classifiers),
        asked_by=current_account().id,
        now=context.now(),
        **data,
    )
    return run, {"Location": f"{PREFIX}/operator/tiers/runs/{run.id}"}


@blueprint.route("/runs", methods=["GET"])
@require("operator")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, TierRunPage)
def list_runs(data: dict[str, Any]) -> Page[TierRun]:
    """List the runs, newest first."""
    return tiers.runs(context.session(), **data)


@blueprint.route("/runs/<uuid:run_id>", methods=["GET"])
@require("operator")
@blueprint.response(200, TierRunSchema)
def show_run(run_id: UUID) -> TierRun:
    """See how far a run is, and what it found so far."""
    return tiers.run(context.session(), run_id)


@blueprint.route("/runs/<uuid:run_id>/changes", methods=["GET"])
@require("operator")
@blueprint.arguments(ChangesArgs, location="query")
@blueprint.response(200, TierChangePage)
def list_changes(data: dict[str, Any], run_id: UUID) -> dict[str, Any]:
    """Read what a run changes, or would change."""
    run = tiers.run(context.session(), run_id)
    page = tiers.changes(context.session(), run.id, **data)
    found = tiers.named(context.session(), page)
    items = [
        {
            **{
                name: getattr(found[row.listing_id], name)
                for name in ("external_id", "site_name", "title", "state")
            },
            "listing_id": row.listing_id,
            "outcome": row.outcome,
            "before": row.before,
            "after": row.after,
        }
        for row in page.items
    ]
    return {"items": items, "next_cursor": page.next_cursor}


@blueprint.route("/runs/<uuid:run_id>/file", methods=["GET"])
@require("operator")
@blueprint.response(200, openapi.BINARY, description="The changes.", content_type="text/csv")
def download(run_id: UUID) -> Response:
    """Download all changes of a run that is ready, as CSV."""
    file = tier_files.file_of(tiers.run(context.session(), run_id))
    store = context.parts().get(ObjectStore)
    # Asked for piece by piece as the answer goes out: no transaction is open by then.
    body = (piece for key in (file["key"],) for piece in store.stream(key))
    response = Response(body, mimetype="text/csv")
    response.content_length = file["size"]
    response.set_etag(file["sha256"])
    response.headers["Content-Disposition"] = f'attachment; filename="tiers-{run_id}.csv"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
