"""All selects of the catalogue; what other packages ask for is named here."""

from marketplace.catalog.queries.listings import (
    ListingFacts,
    ListingForBooking,
    listing_facts,
    listing_for_booking,
    site_facts,
)
from marketplace.catalog.queries.versions import terms_at

__all__ = [
    "ListingFacts",
    "ListingForBooking",
    "listing_facts",
    "listing_for_booking",
    "site_facts",
    "terms_at",
]
