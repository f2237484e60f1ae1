"""All blueprints of pages."""

from marketplace.pages.public.checks import blueprint as checks
from marketplace.pages.public.crawlers import blueprint as crawlers
from marketplace.pages.public.routes import blueprint as public

BLUEPRINTS = (public, crawlers, checks)
