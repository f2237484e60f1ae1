"""All selects of the catalogue; what other packages ask for is named here."""

from marketplace.catalog.queries.asked import documents_asked
from marketplace.catalog.queries.feeds import PoolInUse, pool_weeks, pools_in_use
from marketplace.catalog.queries.listings import (
    ListingFacts,
    ListingForBooking,
    countries,
    listing_facts,
    listing_for_booking,
    listing_for_booking_by,
    listings_for_booking,
    preceptor_site,
    site_facts,
)
from marketplace.catalog.queries.versions import terms_at

__all__ = [
    "ListingFacts",
    "ListingForBooking",
    "PoolInUse",
    "countries",
    "documents_asked",
    "listing_facts",
    "listing_for_booking",
    "listing_for_booking_by",
    "listings_for_booking",
    "pool_weeks",
    "pools_in_use",
    "preceptor_site",
    "site_facts",
    "terms_at",
]
