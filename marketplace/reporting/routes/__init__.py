"""Routes of reporting: what is published, and what analysts do."""

from marketplace.reporting.routes import deliveries, exports, published, runs

BLUEPRINTS = (
    published.blueprint,
    runs.blueprint,
    exports.blueprint,
    deliveries.schedules,
    deliveries.blueprint,
)
