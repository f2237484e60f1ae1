"""`/listings/{id}`: one listing, and why one may book it."""

from typing import Any, cast
from uuid import UUID

from flask import Response, make_response, request

from marketplace.catalog.errors import ListingNotFound
from marketplace.catalog.gateway import TraineeWeeks
from marketplace.catalog.models import Listing
from marketplace.catalog.queries import listings
from marketplace.catalog.schemas.eligibility import EligibilityArgs, EligibilitySchema
from marketplace.catalog.schemas.listings import (
    ListingSchema,
)
from marketplace.catalog.service.explaining import Explanation, explain, is_shown
from marketplace.identity.access import current_account, current_caller, public, signed_in
from marketplace.identity.rules import Role
from marketplace.web import context
from marketplace.web.api import Blueprint

blueprint = Blueprint(
    "listings", __name__, url_prefix="/listings", description="Listings, for everybody"
)


@blueprint.route("/<uuid:listing_id>", methods=["GET"])
@public
@blueprint.response(200, ListingSchema)
@blueprint.alt_response(304, description="As you have it already.")
def show_listing(listing_id: UUID) -> Response:
    """Read a listing; drafts and listings under review only by their host and operators."""
    listing = listings.listing(context.session(), listing_id)
    _check_shown(listing)
    response = make_response(ListingSchema().dump(listing))
    # By its content: state, flag and site change without a new version of the terms.
    response.add_etag()
    return cast("Response", response.make_conditional(request))


@blueprint.route("/<uuid:listing_id>/eligibility", methods=["GET"])
@signed_in
@blueprint.arguments(EligibilityArgs, location="query")
@blueprint.response(200, EligibilitySchema)
def show_eligibility(data: dict[str, Any], listing_id: UUID) -> Explanation:
    """Explain rule by rule why the signed-in trainee may or may not book."""
    return explain(
        context.session(),
        listing_id,
        current_account().id,
        context.now(),
        first_day=data["first_day"],
        weeks=data["weeks"],
        bookings=context.parts().get(TraineeWeeks),
    )


def _check_shown(listing: Listing) -> None:
    if not is_shown(listing) and not may_manage(listing.site_id):
        raise ListingNotFound


def may_manage(site_id: UUID) -> bool:
    """Whether the caller sees a site's listings before the public does."""
    caller = current_caller()
    if caller is None:
        return False
    return Role.OPERATOR in caller.roles or bool(caller.site_roles(site_id))
