"""`/listings/<id>/availability/events`: seats as they change, as server-sent events.

The fallback is the availability itself: the same bytes, asked for with their tag.
"""

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any
from uuid import UUID

from flask import Response, json, request

from marketplace.catalog.errors import ListingNotFound
from marketplace.catalog.routes.availability import last_of
from marketplace.catalog.rules.weeks import monday_of
from marketplace.catalog.schemas.listings import AvailabilityArgs
from marketplace.catalog.schemas.watching import WatchArgs
from marketplace.catalog.service.watching import Watch
from marketplace.core.ports import Cache, News
from marketplace.identity.access import current_caller, public
from marketplace.web import context, streams
from marketplace.web.api import PREFIX, Blueprint

EVENTS = {
    "type": "object",
    "description": "One event. `availability`: the data are as the availability is answered;"
    " `gone`: not on show any more; `poll`: no news can be heard now, read the addresses in it.",
    "properties": {
        "event": {"type": "string", "enum": ["availability", "gone", "poll"]},
        "data": {"type": "string", "description": "JSON on one line."},
        "id": {"type": "string", "description": "Come back with it as `Last-Event-ID`."},
    },
}

blueprint = Blueprint("live", __name__, url_prefix="/listings", description="Seats as they change")


@blueprint.route("/<uuid:listing_id>/availability/events", methods=["GET"])
@public
@blueprint.arguments(AvailabilityArgs, location="query")
@blueprint.response(200, EVENTS, content_type=streams.MEDIA_TYPE)
def watch_listing(data: dict[str, Any], listing_id: UUID) -> Response:
    """Be told of a listing's seats: as they are now, then whenever they change."""
    return _follow([listing_id], data)


@blueprint.route("/availability/events", methods=["GET"])
@public
@blueprint.arguments(WatchArgs, location="query")
@blueprint.response(200, EVENTS, content_type=streams.MEDIA_TYPE)
def watch_listings(data: dict[str, Any]) -> Response:
    """Be told of the seats of several listings in one stream."""
    return _follow(data["listings"], data)


def _follow(listing_ids: list[UUID], data: dict[str, Any]) -> Response:
    first = monday_of(data["start"] or context.now().date())
    weeks = (first, last_of(first, data["weeks"]))
    known = request.headers.get("Last-Event-ID", "")
    cache = context.parts().get(Cache)
    watch = Watch(context.sessions(), cache, listing_ids, weeks, known)
    if watch.missing():
        raise ListingNotFound
    polling = [_polling(listing_id, first, data["weeks"]) for listing_id in listing_ids]
    if request.method == "HEAD":
        return Response(mimetype=streams.MEDIA_TYPE)
    place = streams.streams().enter(_client())
    if place is None:
        return streams.no_place(polling[0])
    return streams.answer(_stream(watch, polling, place))


def _stream(watch: Watch, polling: list[str], place: streams.Place) -> streams.Stream:
    """The stream in its place. It listens before it looks, so that nothing falls in between."""
    open_now = streams.streams()
    try:
        listening = context.parts().get(News).listen(watch.names)
    except BaseException:
        open_now.leave(place)
        raise

    def close() -> None:
        listening.close()
        open_now.leave(place)

    advice = json.dumps({"read": polling, "every_seconds": streams.POLL_SECONDS}).encode()
    no_news = streams.event("poll", advice)
    pieces = streams.follow(
        listening, lambda names: _events(watch, names), no_news, open_now.stopping
    )
    return streams.Stream(pieces, close)


def _events(watch: Watch, names: Collection[str] | None) -> Iterator[bytes]:
    for told in watch.news(names):
        if told.answer is None:
            gone = json.dumps({"listing_id": str(told.listing_id)}).encode()
            yield streams.event("gone", gone, watch.mark)
        else:
            yield streams.event("availability", told.answer.body, watch.mark)


def _polling(listing_id: UUID, first: date, weeks: int) -> str:
    return f"{PREFIX}/listings/{listing_id}/availability?from={first}&weeks={weeks}"


def _client() -> str:
    """Who has the places: an account wherever it is, else an address."""
    caller = current_caller()
    return str(caller.account.id) if caller else request.remote_addr or "unknown"
