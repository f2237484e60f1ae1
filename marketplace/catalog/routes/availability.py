"""`/listings/<id>/availability`: a year of weeks, read more often than anything else.

A kept answer goes out as the bytes that it is: nothing is parsed, and no connection is taken.
"""

import hashlib
from collections.abc import Callable
from datetime import date, timedelta
from functools import wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import Response, g, request

from marketplace.catalog.errors import BadFilter, ListingNotFound
from marketplace.catalog.routes.public import may_manage
from marketplace.catalog.rules.weeks import monday_of
from marketplace.catalog.schemas.listings import AvailabilityArgs, AvailabilitySchema
from marketplace.catalog.service import availability
from marketplace.core.ports import Cache
from marketplace.identity.access import public
from marketplace.web import context
from marketplace.web.api import Blueprint

View = TypeVar("View", bound=Callable[..., Any])
# Bytes of a question that are kept as they are; a longer one is known by its hash.
LONGEST = 100

blueprint = Blueprint(
    "availability", __name__, url_prefix="/listings", description="Seats by week, as they are now"
)


def kept_first(view: View) -> View:
    """Answer from the cache before the question is even parsed; else parse, read and keep.

    What is kept was asked for in the same words before, and was a good question then.
    """

    @wraps(view)
    def answer(*, listing_id: UUID) -> Response:
        # The day is part of the question: without a first week, the answer begins today.
        asked = f"{context.now().date()}?{_short(request.query_string)}"
        found = availability.kept(context.parts().get(Cache), listing_id, asked)
        if isinstance(found, availability.Answer):
            return _answer(found, "no-cache")
        g.availability_ticket = found
        return cast("Response", view(listing_id=listing_id))

    return cast("View", answer)


@blueprint.route("/<uuid:listing_id>/availability", methods=["GET"])
@public
@kept_first
@blueprint.arguments(AvailabilityArgs, location="query")
@blueprint.response(200, AvailabilitySchema)
@blueprint.alt_response(304, description="As you have it already.")
def show_availability(data: dict[str, Any], listing_id: UUID) -> Response:
    """Read the seats of a year's weeks in one answer."""
    first = monday_of(data["start"] or context.now().date())
    last = last_of(first, data["weeks"])
    cache = context.parts().get(Cache)
    tickets = {listing_id: g.availability_ticket}
    weeks = availability.read(context.session(), cache, tickets, first, last).get(listing_id)
    if weeks is not None and weeks.public:
        return _answer(weeks.answer, "no-cache")
    if weeks is None or not may_manage(weeks.site_id):
        raise ListingNotFound
    return _answer(weeks.answer, "private, no-cache")


def _short(question: bytes) -> str:
    if len(question) > LONGEST:
        return hashlib.blake2b(question, digest_size=16).hexdigest()
    return question.decode("latin-1")


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
