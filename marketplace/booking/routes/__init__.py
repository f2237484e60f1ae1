"""Routes of booking: for trainees, for a site's people, and for operators."""

from marketplace.booking.routes import (
    applying,
    changes,
    clearing,
    endings,
    feeds,
    hosts,
    itineraries,
    messages,
    operators,
    rescues,
    rounds,
    trainees,
    waiting,
)

BLUEPRINTS = (
    trainees.blueprint,
    applying.blueprint,
    itineraries.blueprint,
    hosts.blueprint,
    messages.blueprint,
    operators.blueprint,
    clearing.blueprint,
    feeds.blueprint,
    feeds.addresses,
    waiting.trainees,
    waiting.others,
    changes.blueprint,
    rescues.blueprint,
    endings.blueprint,
    endings.operators,
    rounds.blueprint,
    rounds.opening,
)
