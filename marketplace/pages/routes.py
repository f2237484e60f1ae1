"""All blueprints of pages."""

from marketplace.pages.public.routes import blueprint as public

BLUEPRINTS = (public,)
