"""Where the objects meet: settings in, a Flask application out; nothing is built at import.

Each domain package offers `BLUEPRINTS` (routes), `TASKS`, `SUBSCRIPTIONS` and `CONSTRAINTS`; this
module puts them together with the adapters and hands out the parts.
"""

import gc
from inspect import iscoroutinefunction

from flask import Flask
from flask_sqlalchemy_lite import SQLAlchemy
from sqlalchemy.orm import sessionmaker
from werkzeug.middleware.proxy_fix import ProxyFix

from marketplace import WHILE_SERVING, __version__, registry
from marketplace.adapters import limit_storage, wiring
from marketplace.adapters.queue import Context, ProcrastinateQueue
from marketplace.booking import errors as booking_errors
from marketplace.booking import routes as booking_routes
from marketplace.booking import subscribers as booking_subscribers
from marketplace.booking import tasks as booking_tasks
from marketplace.booking.service.holders import BookedSeats, BookedWeeks
from marketplace.catalog import errors as catalog_errors
from marketplace.catalog import routes as catalog_routes
from marketplace.catalog import tasks as catalog_tasks
from marketplace.catalog.gateway import SeatHolders, TraineeWeeks
from marketplace.catalog.rules import classifiers
from marketplace.compliance import errors as compliance_errors
from marketplace.compliance import routes as compliance_routes
from marketplace.compliance import tasks as compliance_tasks
from marketplace.core import connections, events, jobs
from marketplace.core import parts as core_parts
from marketplace.core.clock import Clock, OffsetClock, SystemClock
from marketplace.core.db import EdgeSession
from marketplace.core.parts import Parts
from marketplace.core.settings import Settings
from marketplace.identity import access
from marketplace.identity import errors as identity_errors
from marketplace.identity import routes as identity_routes
from marketplace.identity import tasks as identity_tasks
from marketplace.outcomes import errors as outcomes_errors
from marketplace.outcomes import routes as outcomes_routes
from marketplace.outcomes import subscribers as outcomes_subscribers
from marketplace.outcomes import tasks as outcomes_tasks
from marketplace.pages import routes as page_routes
from marketplace.payments import errors as payments_errors
from marketplace.payments import routes as payments_routes
from marketplace.payments import tasks as payments_tasks
from marketplace.reporting import errors as reporting_errors
from marketplace.reporting import routes as reporting_routes
from marketplace.reporting import tasks as reporting_tasks
from marketplace.web import api as web_api
from marketplace.web import (
    context,
    headers,
    health,
    idempotency,
    limits,
    logs,
    problems,
    streams,
)
from marketplace.web import tasks as web_tasks
from marketplace.web.transaction import TransactionalFlask

API_BLUEPRINTS = (
    *identity_routes.BLUEPRINTS,
    *catalog_routes.BLUEPRINTS,
    *compliance_routes.BLUEPRINTS,
    *payments_routes.BLUEPRINTS,
    *booking_routes.BLUEPRINTS,
    *outcomes_routes.BLUEPRINTS,
    *reporting_routes.BLUEPRINTS,
)
TASKS: tuple[jobs.Task, ...] = (
    *web_tasks.TASKS,
    *identity_tasks.TASKS,
    *catalog_tasks.TASKS,
    *compliance_tasks.TASKS,
    *payments_tasks.TASKS,
    *booking_tasks.TASKS,
    *outcomes_tasks.TASKS,
    *reporting_tasks.TASKS,
)
SUBSCRIPTIONS: tuple[events.Subscription, ...] = (
    *booking_subscribers.SUBSCRIPTIONS,
    *outcomes_subscribers.SUBSCRIPTIONS,
)
CONSTRAINTS = {
    **idempotency.CONSTRAINTS,
    **identity_errors.CONSTRAINTS,
    **catalog_errors.CONSTRAINTS,
    **compliance_errors.CONSTRAINTS,
    **payments_errors.CONSTRAINTS,
    **booking_errors.CONSTRAINTS,
    **outcomes_errors.CONSTRAINTS,
    **reporting_errors.CONSTRAINTS,
}

# Larger than any letter or spreadsheet, small enough to hold in memory many times at once.
LARGEST_BODY = 32 * 1024 * 1024
LARGEST_FORM = 2 * 1024 * 1024
# A request waits this long for a connection, a lock, an answer; then it says so and ends.
POOL_SECONDS = 5
SESSION_LIMITS = (
    "-c timezone=UTC -c lock_timeout=5s -c statement_timeout=60s"
    " -c idle_in_transaction_session_timeout=60s"
)


def create_app(settings: Settings, parts: Parts | None = None) -> Flask:
    """Build the application from `settings`; `parts` given replace the ones built from them."""
    # Every model is known before the first query needs a foreign key of another package.
    registry.metadata.sorted_tables  # noqa: B018 - fails at boot if a key names no table
    # A test run keeps its own logging: pytest's.
    if settings.environment != "test":
        logs.configure(settings.log_level, settings.log_format)
    app = TransactionalFlask("marketplace", static_folder=None)
    _configure(app, settings)
    app.extensions[context.PARTS] = parts if parts is not None else build_parts(settings)
    _open_database(app, settings)
    problems.register(app, CONSTRAINTS)
    logs.init_app(app)
    headers.init_app(app, production=settings.production)
    health.init_app(app)
    limits.init_app(app, settings, limit_storage.address(settings.redis_url))
    streams.init_app(app, settings)
    access.init_app(app, settings)
    api = web_api.create_api(app, __version__)
    for blueprint in API_BLUEPRINTS:
        api.register_blueprint(blueprint)
    for page in page_routes.BLUEPRINTS:
        app.register_blueprint(page)
    gc.set_threshold(*WHILE_SERVING)
    return app


def build_parts(settings: Settings) -> Parts:
    """Wire what serves the ports and gateways."""
    parts = Parts()
    parts.add(Settings, settings)
    parts.add(Clock, OffsetClock(settings.clock_file) if settings.clock_file else SystemClock())
    parts.add(classifiers.Classifiers, classifiers.KNOWN)
    parts.add(SeatHolders, BookedSeats())
    parts.add(TraineeWeeks, BookedWeeks())
    wiring.wire(parts, settings)
    return parts


def worker_context(app: Flask) -> tuple[Context, tuple[jobs.Task, ...]]:
    """Return what a worker needs to run this application's jobs."""
    return Context(app.extensions[context.PARTS], sessions_of(app)), TASKS


def sessions_of(app: Flask) -> sessionmaker[EdgeSession]:
    """Return the application's session factory, for code outside requests."""
    with app.app_context():
        factory: sessionmaker[EdgeSession] = app.extensions["sqlalchemy"].sessionmaker
    return factory


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_keys[0],
        SECRET_KEY_FALLBACKS=list(settings.secret_keys[1:]),
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        SESSION_COOKIE_SECURE=settings.production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PROPAGATE_EXCEPTIONS=False,
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign] # as Flask documents


def _open_database(app: Flask, settings: Settings) -> None:
    app.config["SQLALCHEMY_ENGINES"] = {
        "default": {
            "url": settings.database_url,
            "pool_size": settings.database_pool,
            "max_overflow": settings.database_pool,
            "pool_timeout": POOL_SECONDS,
            "connect_args": {
                "application_name": "marketplace",
                "connect_timeout": POOL_SECONDS,
                # PgBouncer in transaction mode follows prepared statements since its version 1.22.
                "prepare_threshold": (
                    connections.PREPARE_AFTER if settings.prepared_statements else None
                ),
                "options": SESSION_LIMITS,
            },
        }
    }
    carried = {
        events.BUS: events.EventBus(SUBSCRIPTIONS),
        jobs.QUEUE: ProcrastinateQueue(TASKS),
        core_parts.PARTS: lambda: app.extensions[context.PARTS],
    }
    database = SQLAlchemy(
        app,
        session_options={"class_": EdgeSession, "expire_on_commit": False, "info": carried},
    )
    # The library would close asynchronous sessions as well, by a thread and an event loop of its own
    # at the end of every request; there are none.
    app.teardown_appcontext_funcs[:] = [
        close for close in app.teardown_appcontext_funcs if not iscoroutinefunction(close)
    ]
    with app.app_context():
        connections.watch(database.engine)
