"""`/listings/<id>/structured-data`: a listing for machines that read pages."""

from decimal import Decimal
from typing import cast
from uuid import UUID

from flask import Response, request

from marketplace.catalog.errors import ListingNotFound
from marketplace.catalog.models import Listing
from marketplace.catalog.queries import listings
from marketplace.catalog.rules import specialties
from marketplace.catalog.rules.english import text_of
from marketplace.catalog.rules.fees import fee_on
from marketplace.catalog.rules.structured_data import Advertised, Place, course, embedded
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


def advertised(listing: Listing, settings: Settings, agreed: Decimal | None) -> Advertised:
    """What is told of a listing that is on show, read with its site and preceptor.

    `agreed` is the platform fee by a contract with the site, if there is one.
    """
    site = listing.site
    tiers = {"student": listing.tier_student, "graduate": listing.tier_graduate}
    return Advertised(
        url=f"{settings.public_url.rstrip('/')}/listings/{listing.id}",
        title=listing.title,
        specialty=specialties.BY_CODE[listing.specialty].name,
        setting=listing.setting,
        duties=listing.duties,
        tiers={who: tier for who, tier in tiers.items() if tier is not None},
        classifier=listing.classifier,
        price_per_week=listing.price,
        fee_percent=settings.platform_fee_percent if agreed is None else agreed,
        weeks_min=listing.weeks_min,
        weeks_max=listing.weeks_max,
        first_start=listing.first_start,
        last_start=listing.last_start,
        place=Place(
            name=site.name,
            address=site.address,
            city=site.city,
            us_state=site.state,
            country=site.country,
            latitude=site.latitude,
            longitude=site.longitude,
        ),
        preceptor=listing.preceptor.name,
        prerequisites=_prerequisites(listing),
        letter_policy=listing.letter_policy,
        state=listing.state,
        flagged=listing.drift_at is not None,
    )


def _prerequisites(listing: Listing) -> list[str]:
    found = ["USMLE Step 1 passed"] if listing.step1_required else []
    if listing.step2_min is not None:
        found.append(f"USMLE Step 2 CK: {listing.step2_min} or more")
    if listing.english.asked:
        found.append(f"English, any of: {text_of(listing.english)}")
    return [*found, *(document.replace("_", " ") for document in listing.documents)]
