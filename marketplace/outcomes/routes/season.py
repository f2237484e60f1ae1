"""The calendar of a Match season, for everybody: it is what others have published."""

from datetime import date
from typing import Any

from marketplace.core.errors import NotFound
from marketplace.identity.access import public
from marketplace.outcomes.rules import calendar
from marketplace.outcomes.schemas.season import SeasonArgs, SeasonSchema, SeasonsSchema
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "match_calendar",
    __name__,
    url_prefix="/match-calendar",
    description="Dates of ERAS, the NRMP and ECFMG by season, each with source and status.",
)


@blueprint.route("", methods=["GET"])
@public
@blueprint.response(200, SeasonsSchema)
def list_seasons() -> dict[str, Any]:
    """List the Match years of which dates are known, newest first."""
    return {"match_years": calendar.seasons(calendar.shipped(), context.now().date())}


@blueprint.route("/<int:match_year>", methods=["GET"])
@public
@blueprint.arguments(SeasonArgs, location="query")
@blueprint.response(200, SeasonSchema)
def read_season(args: dict[str, date | None], match_year: int) -> dict[str, Any]:
    """Read the dates of a season, with the sources that disagree, and what is not known."""
    day, entries = args["as_of"] or context.now().date(), calendar.shipped()
    if match_year not in calendar.seasons(entries, day):
        raise NotFound(f"No date of the {match_year} Match was known on {day}.")
    season = calendar.season(entries, match_year, day)
    return {
        "match_year": season.match_year,
        "time_zone": calendar.ZONE,
        "dates": season.dates,
        "disputed": season.disputed,
        "not_known": season.not_known,
        "not_announced": season.not_announced,
    }
