"""All selects of the catalogue; what other packages ask for is named here."""

from marketplace.catalog.queries.listings import (
    ListingFacts,
    ListingForBooking,
    listing_facts,
    listing_for_booking,
    site_facts,
)

__all__ = [
    "ListingFacts",
    "ListingForBooking",
    "listing_facts",
    "listing_for_booking",
    "site_facts",
]
