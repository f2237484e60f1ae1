"""Routes of identity: signing in, one's own account, and what operators do with accounts."""

from marketplace.identity.routes import (
    auth,
    coordinators,
    erasure,
    mail_links,
    me,
    notices,
    operator,
    school_checks,
    schools,
    sites,
)

BLUEPRINTS = (
    auth.blueprint,
    mail_links.blueprint,
    me.blueprint,
    erasure.blueprint,
    notices.blueprint,
    operator.blueprint,
    schools.blueprint,
    school_checks.blueprint,
    coordinators.blueprint,
    sites.blueprint,
)
