"""Routes of reporting: what is published, and what analysts do."""

from marketplace.reporting.routes import exports, published, runs

BLUEPRINTS = (published.blueprint, runs.blueprint, exports.blueprint)
