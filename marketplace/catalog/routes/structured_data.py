"""`/listings/<id>/structured-data`: a listing for machines that read pages."""

from typing import cast
from uuid import UUID

from flask import Response, request

from marketplace.catalog.errors import ListingNotFound
from marketplace.catalog.queries import listings
from marketplace.catalog.rules.fees import fee_on
from marketplace.catalog.rules.structured_data import course, embedded
from marketplace.catalog.service.advertising import advertised
from marketplace.catalog.service.explaining import is_shown
from marketplace.core.settings import Settings
from marketplace.identity.access import public
from marketplace.web import context
from marketplace.web.api import Blueprint

MEDIA_TYPE = "application/ld+json"
FIVE_MINUTES = 300

blueprint = Blueprint(
    "structured_data", __name__, url_prefix="/listings", description="Listings for machines"
)


@blueprint.route("/<uuid:listing_id>/structured-data", methods=["GET"])
@public
@blueprint.response(
    200,
    {"type": "object", "description": "A schema.org Course with its Offer."},
    content_type=MEDIA_TYPE,
)
@blueprint.alt_response(304, description="As you have it already.")
def show_structured_data(listing_id: UUID) -> Response:
    """Read a listing as schema.org JSON-LD, safe to be put into a page as it is."""
    listing = listings.listing(context.session(), listing_id)
    if not is_shown(listing):
        raise ListingNotFound
    settings, session = context.parts().get(Settings), context.session()
    agreed = fee_on(listings.platform_fees(session, listing.site_id), context.now().date())
    response = Response(
        embedded(course(advertised(listing, settings, agreed))), mimetype=MEDIA_TYPE
    )
    response.headers["Cache-Control"] = f"public, max-age={FIVE_MINUTES}"
    response.add_etag()
    return cast("Response", response.make_conditional(request))
