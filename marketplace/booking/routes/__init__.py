"""Routes of booking: for trainees, for a site's people, and for operators."""

from marketplace.booking.routes import (
    changes,
    clearing,
    feeds,
    hosts,
    itineraries,
    operators,
    trainees,
    waiting,
)

BLUEPRINTS = (
    trainees.blueprint,
    itineraries.blueprint,
    hosts.blueprint,
    operators.blueprint,
    clearing.blueprint,
    feeds.blueprint,
    feeds.addresses,
    waiting.trainees,
    waiting.others,
    changes.blueprint,
)
