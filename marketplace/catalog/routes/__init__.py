"""Routes of the catalogue: what everybody may search, what hosts and operators manage."""

from marketplace.catalog.routes import hosting, operating, public, tiers

BLUEPRINTS = (public.blueprint, tiers.blueprint, hosting.blueprint, operating.blueprint)
"""What `create_app` registers."""
