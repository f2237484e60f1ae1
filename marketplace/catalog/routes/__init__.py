"""Routes of the catalogue: what everybody may search, what hosts and operators manage."""

from marketplace.catalog.routes import (
    availability,
    hosting,
    operating,
    public,
    reclassifying,
    tiers,
)

BLUEPRINTS = (
    public.blueprint,
    availability.blueprint,
    tiers.blueprint,
    hosting.blueprint,
    operating.blueprint,
    reclassifying.blueprint,
)
"""What `create_app` registers."""
