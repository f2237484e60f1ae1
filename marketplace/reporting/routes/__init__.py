"""Routes of reporting: what is published, and what analysts do."""

from marketplace.reporting.routes import (
    corrections,
    deliveries,
    exports,
    published,
    readiness,
    runs,
)

BLUEPRINTS = (
    published.blueprint,
    readiness.blueprint,
    runs.blueprint,
    corrections.blueprint,
    exports.blueprint,
    deliveries.schedules,
    deliveries.blueprint,
)
