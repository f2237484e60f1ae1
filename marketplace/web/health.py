"""`/healthz` (the process lives), `/readyz` (it can serve), `/metrics` (Prometheus).

Ready means that the database answers and that every route is loaded, so that no client waits for
that; Redis is only speed, so its absence is reported and no more.
"""

import time

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from sqlalchemy import text

from marketplace.core.ports import Cache
from marketplace.web import context
from marketplace.web.guards import open_to_all

blueprint = Blueprint("health", __name__)
REGISTRY = "marketplace.metrics"


@blueprint.get("/healthz")
@open_to_all
def alive() -> Response:
    return jsonify(status="ok")


@blueprint.get("/readyz")
@open_to_all
def ready() -> Response:
    context.load_routes()
    context.session().execute(text("SELECT 1"))
    cache = "ok" if context.parts().get(Cache).alive() else "unavailable"
    return jsonify(status="ok", database="ok", cache=cache)


@blueprint.get("/metrics")
@open_to_all
def metrics() -> Response:
    registry: CollectorRegistry = current_app.extensions[REGISTRY]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def init_app(app: Flask) -> None:
    """Serve the three, and measure every other request by route."""
    registry = CollectorRegistry()
    app.extensions[REGISTRY] = registry
    count = Counter(
        "http_requests", "Requests by route and status.", ["route", "status"], registry=registry
    )
    seconds = Histogram(
        "http_request_seconds", "Server time by route.", ["route"], registry=registry
    )

    @app.before_request
    def begin() -> None:
        g.metrics_began = time.perf_counter()

    @app.after_request
    def observe(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "unmatched"
        count.labels(route, str(response.status_code)).inc()
        if "metrics_began" in g:
            seconds.labels(route).observe(time.perf_counter() - g.metrics_began)
        return response

    app.register_blueprint(blueprint)
