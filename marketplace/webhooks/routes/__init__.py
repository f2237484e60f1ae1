"""Routes of webhooks: the same for sites and for schools, and the catalogue of event types."""

from marketplace.identity.access import school_member, site_member
from marketplace.webhooks.routes import catalogue
from marketplace.webhooks.routes.deliveries import add_deliveries
from marketplace.webhooks.routes.endpoints import Guards, endpoints_of

SITE = Guards(
    read=site_member("site_owner", "coordinator"),
    write=site_member("site_owner", operators=False),
)
SCHOOL = Guards(read=school_member(), write=school_member(operators=False))

sites = endpoints_of("site", SITE)
schools = endpoints_of("school", SCHOOL)
add_deliveries(sites, SITE)
add_deliveries(schools, SCHOOL)

BLUEPRINTS = (catalogue.blueprint, sites, schools)
