"""Routes of the catalogue: what everybody may search, what hosts and operators manage."""

from marketplace.catalog.routes import hosting, operating, public

BLUEPRINTS = (public.blueprint, public.tiers_blueprint, hosting.blueprint, operating.blueprint)
"""What `create_app` registers."""
