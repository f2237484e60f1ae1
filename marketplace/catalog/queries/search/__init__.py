"""Search over published listings: by words, by filters, by what is free, near and affordable."""

from marketplace.catalog.queries.search.filters import (
    FACETS,
    PARTS,
    SORTS,
    Filters,
    Near,
    Qualifications,
)
from marketplace.catalog.queries.search.find import Found, Hit, search

__all__ = [
    "FACETS",
    "PARTS",
    "SORTS",
    "Filters",
    "Found",
    "Hit",
    "Near",
    "Qualifications",
    "search",
]
