"""`/listings/<id>/availability`: a year of weeks, read more often than anything else.

A kept answer goes out as the bytes that it is: nothing is parsed, and no connection is taken.
"""

from datetime import date, timedelta
from typing import Any, cast
from uuid import UUID

from flask import Response, request

from marketplace.catalog.errors import BadFilter, ListingNotFound
from marketplace.catalog.routes.public import may_manage
from marketplace.catalog.rules.weeks import monday_of
from marketplace.catalog.schemas.listings import AvailabilityArgs, AvailabilitySchema
from marketplace.catalog.service import availability
from marketplace.core.ports import Cache
from marketplace.identity.access import public
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "availability", __name__, url_prefix="/listings", description="Seats by week, as they are now"
)


@blueprint.route("/<uuid:listing_id>/availability", methods=["GET"])
@public
@blueprint.arguments(AvailabilityArgs, location="query")
@blueprint.response(200, AvailabilitySchema)
@blueprint.alt_response(304, description="As you have it already.")
def show_availability(data: dict[str, Any], listing_id: UUID) -> Response:
    """Read the seats of a year's weeks in one answer."""
    first = monday_of(data["start"] or context.now().date())
    last = last_of(first, data["weeks"])
    cache = context.parts().get(Cache)
    found = availability.kept(cache, listing_id, f"{first}:{last}")
    if isinstance(found, availability.Answer):
        return _answer(found, "no-cache")
    weeks = availability.read(context.session(), cache, {listing_id: found}, first, last).get(
        listing_id
    )
    if weeks is not None and weeks.public:
        return _answer(weeks.answer, "no-cache")
    if weeks is None or not may_manage(weeks.site_id):
        raise ListingNotFound
    return _answer(weeks.answer, "private, no-cache")


def _answer(answer: availability.Answer, keeping: str) -> Response:
    """An answer that may be kept by whoever first asks, each time, whether it has changed."""
    response = Response(answer.body, content_type="application/json")
    response.set_etag(answer.tag)
    response.headers["Cache-Control"] = keeping
    return cast("Response", response.make_conditional(request))


def last_of(first: date, weeks: int) -> date:
    """The last of so many Mondays from `first` on; `BadFilter` beyond the calendar."""
    try:
        return first + timedelta(days=7 * (weeks - 1))
    except OverflowError as error:
        raise BadFilter(fields={"from": ["Not so far ahead."]}) from error
