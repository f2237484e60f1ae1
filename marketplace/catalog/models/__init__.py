"""The catalogue's tables. What is promised of them is a constraint here first."""

from marketplace.catalog.models.changes import ListingChange, ListingChangeStart
from marketplace.catalog.models.imports import ImportRun
from marketplace.catalog.models.listings import (
    Listing,
    ListingReview,
    ListingTransition,
    ListingVersion,
    Preceptor,
    Site,
)
from marketplace.catalog.models.saved import (
    AlertPosition,
    SavedSearch,
    SavedSearchHit,
    SearchDigest,
)
from marketplace.catalog.models.search import ListingSearch, Place, SearchWord, StaleWeeks
from marketplace.catalog.models.seats import (
    CalendarEdit,
    ListingClosing,
    ListingPool,
    SeatEdit,
    SeatPool,
    SeatWeek,
)
from marketplace.catalog.models.sites import SiteChange, SiteCheck
from marketplace.catalog.models.tiers import ListingDrift, TierChange, TierRun

__all__ = [
    "AlertPosition",
    "CalendarEdit",
    "ImportRun",
    "Listing",
    "ListingChange",
    "ListingChangeStart",
    "ListingClosing",
    "ListingDrift",
    "ListingPool",
    "ListingReview",
    "ListingSearch",
    "ListingTransition",
    "ListingVersion",
    "Place",
    "Preceptor",
    "SavedSearch",
    "SavedSearchHit",
    "SearchDigest",
    "SearchWord",
    "SeatEdit",
    "SeatPool",
    "SeatWeek",
    "Site",
    "SiteChange",
    "SiteCheck",
    "StaleWeeks",
    "TierChange",
    "TierRun",
]
