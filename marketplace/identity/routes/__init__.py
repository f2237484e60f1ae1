"""Routes of identity: signing in, one's own account, and what operators do with accounts."""

from marketplace.identity.routes import auth, mail_links, me, operator, sites

BLUEPRINTS = (
    auth.blueprint,
    mail_links.blueprint,
    me.blueprint,
    operator.blueprint,
    sites.blueprint,
)
