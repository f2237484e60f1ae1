"""All blueprints of pages."""

from marketplace.pages.host.applications import blueprint as host_applications
from marketplace.pages.host.calendar import blueprint as host_calendar
from marketplace.pages.host.listings import blueprint as host_listings
from marketplace.pages.host.roster import blueprint as host_roster
from marketplace.pages.host.rotation import blueprint as host_rotation
from marketplace.pages.host.today import blueprint as host_today
from marketplace.pages.host.webhooks import blueprint as webhooks
from marketplace.pages.public.accounts import blueprint as accounts
from marketplace.pages.public.checks import blueprint as checks
from marketplace.pages.public.crawlers import blueprint as crawlers
from marketplace.pages.public.listings import blueprint as listings
from marketplace.pages.public.routes import blueprint as public
from marketplace.pages.public.searching import blueprint as searching
from marketplace.pages.trainee.profile import blueprint as profile
from marketplace.pages.trainee.rotations import blueprint as rotations

BLUEPRINTS = (
    public,
    searching,
    listings,
    accounts,
    profile,
    rotations,
    crawlers,
    checks,
    webhooks,
    host_today,
    host_applications,
    host_roster,
    host_rotation,
    host_calendar,
    host_listings,
)
