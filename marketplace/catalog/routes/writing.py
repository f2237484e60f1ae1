"""`/sites/…/listings`: listings written one by one, and their life."""

from typing import Any
from uuid import UUID

from flask import Response, make_response

from marketplace.catalog.gateway import SeatHolders
from marketplace.catalog.models import Listing
from marketplace.catalog.queries import listings, versions
from marketplace.catalog.routes import editing
from marketplace.catalog.schemas.editing import (
    ListingArgs,
    ListingChangeArgs,
    ListingHistorySchema,
    cells_of,
)
from marketplace.catalog.schemas.hosting import WhySchema
from marketplace.catalog.schemas.listings import ListingSchema
from marketplace.catalog.service import editing as service
from marketplace.catalog.service import publishing
from marketplace.catalog.states import ListingState
from marketplace.identity.access import current_account, site_member
from marketplace.web import context, etags, openapi
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "listing_editing", __name__, url_prefix="/sites", description="Listings one by one, for hosts"
)


@blueprint.route("/<uuid:site_id>/listings", methods=["POST"])
@site_member("site_owner", "coordinator")
@blueprint.arguments(ListingArgs)
@blueprint.response(201, ListingSchema)
def create_listing(data: dict[str, Any], site_id: UUID) -> tuple[Response, int]:
    """Write a new listing; it is a draft until its publication is asked for."""
    preceptor_id = data["preceptor_id"]
    made = service.create(context.session(), site_id, preceptor_id, cells_of(data), _by())
    return _tagged(made), 201


@blueprint.route("/<uuid:site_id>/listings/<uuid:listing_id>", methods=["GET"])
@site_member("site_owner", "coordinator", "preceptor")
@blueprint.response(200, ListingSchema)
def show_own_listing(site_id: UUID, listing_id: UUID) -> Response:
    """Read a listing in any state, with the ETag that an edit must send."""
    listings.require_site(context.session(), listing_id, site_id)
    return _shown(listing_id)


@blueprint.route("/<uuid:site_id>/listings/<uuid:listing_id>", methods=["PATCH"])
@site_member("site_owner", "coordinator")
@blueprint.arguments(ListingChangeArgs)
@blueprint.response(200, ListingSchema)
@blueprint.doc(**openapi.IF_MATCH)
def change_listing(data: dict[str, Any], site_id: UUID, listing_id: UUID) -> Response:
    """Change a listing's terms: a new version, under which bookings are made from now on.

    `If-Match` carries the ETag last read: whoever comes second is told who was first (412). What
    a booking's seat stands against is refused with the bookings named (409). A public listing
    that contradicts itself now goes back to review.
    """
    session = context.session()
    found = service.held(session, site_id, listing_id, data.get("preceptor_id"))
    editing.require_match(
        listing_id, found.listing.version, lambda: versions.last_version(session, listing_id)
    )
    service.change(session, found, cells_of(data), _by())
    return _tagged(found.listing)


@blueprint.route("/<uuid:site_id>/listings/<uuid:listing_id>/withdraw", methods=["POST"])
@site_member("site_owner", "coordinator")
@blueprint.arguments(WhySchema)
@blueprint.response(200, ListingSchema)
def withdraw(data: dict[str, Any], site_id: UUID, listing_id: UUID) -> Response:
    """Take a listing out of review; it is a draft again."""
    by = (current_account().id, data["why"], context.now())
    found = publishing.take_off(
        context.session(), listing_id, ListingState.DRAFT, *by, site_id=site_id
    )
    return _tagged(found)


@blueprint.route("/<uuid:site_id>/listings/<uuid:listing_id>/history", methods=["GET"])
@site_member("site_owner", "coordinator")
@blueprint.response(200, ListingHistorySchema)
def show_history(site_id: UUID, listing_id: UUID) -> dict[str, Any]:
    """Read every state that a listing has been in: from, to, who, when, why."""
    listings.require_site(context.session(), listing_id, site_id)
    return {"items": versions.history(context.session(), listing_id)}


def _by() -> service.By:
    holders = context.parts().get(SeatHolders)
    return service.By(current_account().id, context.now(), holders)


def _shown(listing_id: UUID) -> Response:
    return _tagged(listings.listing(context.session(), listing_id))


def _tagged(found: Listing) -> Response:
    response = make_response(ListingSchema().dump(found))
    response.set_etag(etags.etag(found.id, found.version))
    return response
