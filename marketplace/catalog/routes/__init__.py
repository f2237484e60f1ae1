"""Routes of the catalogue: what everybody may search, what hosts and operators manage."""

from marketplace.catalog.routes import (
    availability,
    calendars,
    changes,
    hosting,
    imports,
    operating,
    pools,
    reclassifying,
    saved,
    search,
    sheets,
    sites,
    specialties,
    structured_data,
    tiers,
    verifying,
    watching,
    writing,
)

BLUEPRINTS = (
    search.blueprint,
    saved.blueprint,
    availability.blueprint,
    changes.blueprint,
    watching.blueprint,
    structured_data.blueprint,
    tiers.blueprint,
    hosting.blueprint,
    calendars.blueprint,
    pools.blueprint,
    imports.blueprint,
    sheets.blueprint,
    operating.blueprint,
    reclassifying.blueprint,
    sites.blueprint,
    specialties.blueprint,
    verifying.blueprint,
    writing.blueprint,
)
"""What `create_app` registers."""
