"""What everybody may read: published reports, and the registry of benchmarks.

The groupings are fixed and nothing can be filtered, so that no two views can be compared to find
a hidden figure.
"""

from typing import Any
from uuid import UUID

from flask import Response

from marketplace.identity.access import public
from marketplace.reporting.queries import runs as queries
from marketplace.reporting.routes.answers import REPORT, report_text
from marketplace.reporting.schemas.readiness import LetterRateSchema
from marketplace.reporting.schemas.runs import BenchmarksSchema, YearsSchema
from marketplace.reporting.service import letter_rates, reports
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "reports", __name__, description="Published reports of outcomes, and what they compare with."
)


@blueprint.route("/reports/match", methods=["GET"])
@public
@blueprint.response(200, YearsSchema)
def list_years() -> dict[str, Any]:
    """List the Match years that a report is published of, newest first."""
    return {"match_years": queries.years_published(context.session())}


@blueprint.route("/reports/match/<int:match_year>", methods=["GET"])
@public
@blueprint.response(200, REPORT, description="The report, small counts hidden.")
@blueprint.alt_response(304, description="As you have it already.")
def read_published(match_year: int) -> Response:
    """Read the published report of a Match year, the very bytes that were frozen.

    `*` stands for what is hidden: counts of 1 to 10, and whatever would give one away.
    """
    run = reports.published(context.session(), match_year)
    return report_text(run)


@blueprint.route("/reports/letter-rates/<uuid:listing_id>", methods=["GET"])
@public
@blueprint.response(200, LetterRateSchema)
def read_letter_rate(listing_id: UUID) -> letter_rates.Rate:
    """Read how many of a listing's completed rotations ended with a confirmed letter.

    `*` stands for what is hidden because it is small, or was when it was last published.
    """
    return letter_rates.read(context.session(), listing_id)


@blueprint.route("/benchmarks", methods=["GET"])
@public
@blueprint.response(200, BenchmarksSchema)
def list_benchmarks() -> dict[str, Any]:
    """List published figures with their definitions, rounding, status and source."""
    return {"items": queries.benchmarks(context.session(), context.now())}
