"""Calendars to subscribe to: one's private addresses, and what is read at them."""

from collections.abc import Callable
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import Response, request

from marketplace.booking.queries import feeds as queries
from marketplace.booking.schemas import FeedAddressSchema, FeedsSchema, NewFeedArgs
from marketplace.booking.service import feed_entries, feeds
from marketplace.booking.service.feeds import NewFeed
from marketplace.core.settings import Settings
from marketplace.identity.access import current_account, in_person, public, signed_in
from marketplace.web import context
from marketplace.web.api import PREFIX, Blueprint
from marketplace.web.limits import limiter

View = TypeVar("View", bound=Callable[..., Any])

MEDIA_TYPE = "text/calendar"
TEXT = {"type": "string"}
# Calendar programs ask every few minutes at the most; an address is one person's.
READS = "60 per hour"
ONCE = {"Cache-Control": "no-store"}

blueprint = Blueprint(
    "calendar_feeds",
    __name__,
    url_prefix="/me/calendar-feeds",
    description="One's own calendars to subscribe to",
)
addresses = Blueprint(
    "calendar_addresses",
    __name__,
    url_prefix="/calendar-feeds",
    description="Calendars at their private addresses, for calendar programs",
)


def _address() -> str:
    """The address that is read, as it is kept: limits are counted outside the database."""
    return feeds.digest_of(str((request.view_args or {}).get("token", ""))).hex()


def seldom(view: View) -> View:
    """Limit how often one address is read."""
    limited = limiter.limit(READS, key_func=_address)
    return cast("View", limited(view))


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.response(200, FeedsSchema)
def list_feeds() -> dict[str, Any]:
    """List one's calendars, and the day on which each was read last; no address can be read again."""
    return {"items": queries.feeds_of(context.session(), current_account().id)}


@blueprint.route("", methods=["POST"])
@in_person
@blueprint.arguments(NewFeedArgs)
@blueprint.response(201, FeedAddressSchema)
def create(data: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Make a private address for one's rotations, or for the days of a site or its preceptor.

    Whoever has the address can read the calendar until it is changed or revoked.
    """
    made = feeds.create(context.session(), current_account().id, now=context.now(), **data)
    return shown_once(made), 201, ONCE


@blueprint.route("/<uuid:feed_id>/rotate", methods=["POST"])
@in_person
@blueprint.response(200, FeedAddressSchema)
def rotate(feed_id: UUID) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Change the address of a calendar: the one before is dead at once."""
    made = feeds.rotate(context.session(), current_account().id, feed_id, context.now())
    return shown_once(made), 200, ONCE


@blueprint.route("/<uuid:feed_id>", methods=["DELETE"])
@in_person
@blueprint.response(204)
def revoke(feed_id: UUID) -> None:
    """Revoke a calendar's address, at once and for good."""
    feeds.revoke(context.session(), current_account().id, feed_id, context.now())


@addresses.route("/<string:token>/rotations.ics", methods=["GET"])
@public
@addresses.response(200, TEXT, description="The calendar.", content_type=MEDIA_TYPE)
@addresses.alt_response(304, description="As you have it already.")
@seldom
def read(token: str) -> Response:
    """Read a calendar at its private address; 404 once that is changed or revoked."""
    session, now = context.session(), context.now()
    feed = feeds.opened(session, token, now.date())
    show = feed_entries.of_trainee if feed.kind == feeds.TRAINEE else feed_entries.of_host
    response = Response(show(session, feed, now), content_type=f"{MEDIA_TYPE}; charset=utf-8")
    response.headers["Content-Disposition"] = 'inline; filename="rotations.ics"'
    response.headers["X-Robots-Tag"] = "noindex"
    # Kept by its reader alone, and asked for each time: a revoked address is dead at once.
    response.cache_control.private = True
    response.cache_control.no_cache = True
    response.add_etag()
    return cast("Response", response.make_conditional(request))


def shown_once(made: NewFeed) -> dict[str, Any]:
    """Tell of a feed with its address, which can't be read again."""
    names = (
        "id", "kind", "site_id", "preceptor_id", "name", "created_at", "rotated_at", "last_used_on",
    )  # fmt: skip
    base = context.parts().get(Settings).public_url.rstrip("/")
    shown = {name: getattr(made.feed, name) for name in names}
    return {**shown, "address": f"{base}{PREFIX}/calendar-feeds/{made.secret}/rotations.ics"}
