"""Routes of the catalogue: what everybody may search, what hosts and operators manage."""

from marketplace.catalog.routes import availability, hosting, operating, public, tiers

BLUEPRINTS = (
    public.blueprint,
    availability.blueprint,
    tiers.blueprint,
    hosting.blueprint,
    operating.blueprint,
)
"""What `create_app` registers."""
