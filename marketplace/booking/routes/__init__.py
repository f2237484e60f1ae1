"""Routes of booking: for trainees, for a site's people, and for operators."""

from marketplace.booking.routes import clearing, feeds, hosts, operators, trainees, waiting

BLUEPRINTS = (
    trainees.blueprint,
    hosts.blueprint,
    operators.blueprint,
    clearing.blueprint,
    feeds.blueprint,
    feeds.addresses,
    waiting.trainees,
    waiting.others,
)
