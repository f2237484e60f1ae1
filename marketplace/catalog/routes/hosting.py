"""`/sites/…/listings`: what a host's coordinator does with listings and seats."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, make_response

from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import Listing
from marketplace.catalog.queries import browsing, held, listings, seats, versions
from marketplace.catalog.routes.calendars import require_match
from marketplace.catalog.rules.edits import not_monday
from marketplace.catalog.rules.weeks import calendar, monday_of
from marketplace.catalog.schemas.hosting import (
    ListingPage,
    SeatsSchema,
    SetSeatsSchema,
    VersionsSchema,
    WhySchema,
)
from marketplace.catalog.schemas.listings import ListingSchema
from marketplace.catalog.service import calendars, publishing
from marketplace.catalog.service.edit_records import Author
from marketplace.catalog.states import ListingState
from marketplace.core.errors import Invalid
from marketplace.identity.access import current_account, site_member
from marketplace.web import context, etags, openapi
from marketplace.web.api import Blueprint
from marketplace.web.pagination import Page
from marketplace.web.schemas import PageArgs

CSV_TYPES = ("text/csv", "text/plain", "application/csv", "application/octet-stream")
SHEET = {"schema": {"type": "string", "format": "binary"}}
YEARS_SHOWN = timedelta(days=7 * 105)

blueprint = Blueprint(
    "site_listings", __name__, url_prefix="/sites", description="Listings and seats, for hosts"
)


@blueprint.route("/<uuid:site_id>/listings", methods=["GET"])
@site_member("site_owner", "coordinator", "preceptor")
@blueprint.arguments(PageArgs, location="query")
@blueprint.response(200, ListingPage)
def list_listings(data: dict[str, Any], site_id: UUID) -> Page[Listing]:
    """List a site's listings in every state."""
    return browsing.page_of_site(context.session(), site_id, **data)


@blueprint.route("/<uuid:site_id>/listings/<uuid:listing_id>/publish", methods=["POST"])
@site_member("site_owner", "coordinator")
@blueprint.response(200, ListingSchema)
def publish(site_id: UUID, listing_id: UUID) -> Listing:
    """Ask for publication: at once, or after an operator's review where there are conflicts."""
    by = (current_account().id, context.now())
    return publishing.request(context.session(), listing_id, *by, site_id=site_id)


@blueprint.route("/<uuid:site_id>/listings/<uuid:listing_id>/pause", methods=["POST"])
@site_member("site_owner", "coordinator")
@blueprint.arguments(WhySchema)
@blueprint.response(200, ListingSchema)
def pause(data: dict[str, Any], site_id: UUID, listing_id: UUID) -> Listing:
    """Take no new bookings for now; publishing again ends it."""
    by = (current_account().id, data["why"], context.now())
    return publishing.take_off(
        context.session(), listing_id, ListingState.PAUSED, *by, site_id=site_id
    )


@blueprint.route("/<uuid:site_id>/listings/<uuid:listing_id>/retire", methods=["POST"])
@site_member("site_owner")
@blueprint.arguments(WhySchema)
@blueprint.response(200, ListingSchema)
def retire(data: dict[str, Any], site_id: UUID, listing_id: UUID) -> Listing:
    """Take no new bookings for ever."""
    by = (current_account().id, data["why"], context.now())
    return publishing.take_off(
        context.session(), listing_id, ListingState.RETIRED, *by, site_id=site_id
    )


@blueprint.route("/<uuid:site_id>/listings/<uuid:listing_id>/versions", methods=["GET"])
@site_member("site_owner", "coordinator")
@blueprint.response(200, VersionsSchema)
def list_versions(site_id: UUID, listing_id: UUID) -> dict[str, Any]:
    """Read every change of a listing's terms, with author and difference."""
    listings.require_site(context.session(), listing_id, site_id)
    return {"items": versions.versions(context.session(), listing_id)}


@blueprint.route("/<uuid:site_id>/listings/<uuid:listing_id>/seats", methods=["GET"])
@site_member("site_owner", "coordinator", "preceptor")
@blueprint.response(200, SeatsSchema)
def show_seats(site_id: UUID, listing_id: UUID) -> Response:
    """Read a listing's calendar of two years, with the ETag that an edit must send."""
    listings.require_site(context.session(), listing_id, site_id)
    return _seats(listing_id)


@blueprint.route("/<uuid:site_id>/listings/<uuid:listing_id>/seats", methods=["PUT"])
@site_member("site_owner", "coordinator")
@blueprint.arguments(SetSeatsSchema)
@blueprint.response(200, SeatsSchema)
@blueprint.doc(**openapi.IF_MATCH)
def set_seats(data: dict[str, Any], site_id: UUID, listing_id: UUID) -> Response:
    """Give every week of a range so many seats; refused below the seats that are taken.

    `If-Match` carries the ETag last read, so that two coordinators are told of each other (412).
    """
    for name in ("first_week", "last_week"):
        if fault := not_monday(data[name]):
            raise Invalid(fields={name: [f"{fault}."]})
    if (data["last_week"] - data["first_week"]).days > YEARS_SHOWN.days:
        raise Invalid(fields={"last_week": ["At most two years after first_week."]})
    weeks = calendar(data["first_week"], data["last_week"], 1)
    has = held.only_pool(context.session(), site_id, listing_id, weeks)
    (pool,) = has.pools
    require_match(listing_id, pool.version, [pool.id], [])
    calendars.set_held(
        context.session(),
        has,
        weeks,
        data["capacity"],
        author=Author(current_account().id, context.now()),
        holders=context.parts().get(SeatHolders),
    )
    return _seats(listing_id)


def _seats(listing_id: UUID) -> Response:
    first = monday_of(context.now().date())
    found = seats.availability(context.session(), listing_id, first, first + YEARS_SHOWN)
    body = {"listing_id": listing_id, "version": found.version, "weeks": found.as_json()}
    response = make_response(body)
    # For If-Match only: seats are taken without a new version, so no answer may be a 304.
    response.set_etag(etags.etag(listing_id, found.version))
    return response
