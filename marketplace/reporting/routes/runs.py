"""Reports for analysts: frozen, listed, read whole; and the frame of a campaign."""

from typing import Any
from uuid import UUID

from flask import Response as Answer

from marketplace.core.errors import Invalid, NotFound
from marketplace.core.settings import Settings
from marketplace.identity.access import current_account, require
from marketplace.outcomes.schemas.match import FIRST_YEAR, LAST_YEAR
from marketplace.reporting.models import ReportRun
from marketplace.reporting.queries import runs as queries
from marketplace.reporting.routes.answers import REPORT, report_text
from marketplace.reporting.schemas.runs import (
    FramedSchema,
    ResponseSchema,
    RunArgs,
    RunSchema,
)
from marketplace.reporting.service import framing, reports, response
from marketplace.reporting.service.response import Response
from marketplace.web import context
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs, page_of

blueprint = Blueprint(
    "report_runs", __name__, description="Reports as analysts make them: frozen as of a moment."
)


@blueprint.route("/reports/match/<int:match_year>/runs", methods=["POST"])
@require("analyst")
@blueprint.arguments(RunArgs)
@blueprint.response(202, RunSchema)
def freeze(data: dict[str, Any], match_year: int) -> tuple[ReportRun, dict[str, str]]:
    """Freeze the year as of a moment; the report is worked out by a job.

    From then on nothing of that year can be recorded at or before that moment.
    """
    if not FIRST_YEAR <= match_year <= LAST_YEAR:
        raise Invalid(fields={"match_year": [f"From {FIRST_YEAR} to {LAST_YEAR}."]})
    run = reports.ask(
        context.session(),
        match_year=match_year,
        as_of=data["as_of"] or context.now(),
        public=data["public"],
        k=context.parts().get(Settings).smallest_published_cell,
        asked_by=current_account().id,
        now=context.now(),
    )
    return run, {"Location": f"{PREFIX}/reports/runs/{run.id}"}


@blueprint.route("/reports/match/<int:match_year>/runs", methods=["GET"])
@require("analyst", "operator")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, page_of(RunSchema))
def list_runs(args: dict[str, Any], match_year: int) -> Page[ReportRun]:
    """List the runs of a Match year, newest first."""
    return queries.report_runs(context.session(), match_year, **args)


@blueprint.route("/reports/runs/<uuid:run_id>", methods=["GET"])
@require("analyst", "operator")
@blueprint.response(200, RunSchema)
def read(run_id: UUID) -> ReportRun:
    """Read what a run was frozen as of, and its hashes."""
    return _run(run_id)


@blueprint.route("/reports/runs/<uuid:run_id>/report", methods=["GET"])
@require("analyst", "operator")
@blueprint.response(200, REPORT, description="The report.")
@blueprint.alt_response(304, description="As you have it already.")
def read_report(run_id: UUID) -> Answer:
    """Read the report itself, the very bytes that were frozen."""
    return report_text(_run(run_id))


@blueprint.route("/campaigns/<uuid:campaign_id>/frame", methods=["POST"])
@require("analyst")
@blueprint.response(200, FramedSchema)
def frame(campaign_id: UUID) -> dict[str, int]:
    """Take everybody with a completed rotation before the freeze into the campaign's frame."""
    joined = framing.frame_campaign(context.session(), campaign_id, context.now())
    return {"joined": joined}


@blueprint.route("/campaigns/<uuid:campaign_id>/response", methods=["GET"])
@require("analyst", "operator")
@blueprint.response(200, ResponseSchema)
def read_response(campaign_id: UUID) -> Response:
    """See how a campaign is being answered: dispositions, AAPOR's rates, waves and days.

    For who runs the survey: small counts are not hidden here.
    """
    return response.response(context.session(), campaign_id, context.now())


def _run(run_id: UUID) -> ReportRun:
    run = queries.report_run(context.session(), run_id)
    if run is None:
        raise NotFound
    return run
