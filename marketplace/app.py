"""Where the objects meet: settings in, a Flask application out; nothing is built at import.

Each domain package offers `BLUEPRINTS` (routes), `TASKS`, `SUBSCRIPTIONS` and `CONSTRAINTS`; this
module puts them together with the adapters and hands out the parts. All but the last are found by
name when a process first needs them (docs/decisions/0030).
"""

import gc
import sys
from collections.abc import Callable, Iterable
from inspect import iscoroutinefunction
from typing import Any

import flask
from flask import Flask
from flask_sqlalchemy_lite import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.orm import Mapper, sessionmaker
from werkzeug.middleware.proxy_fix import ProxyFix

from marketplace import WHILE_SERVING, __version__
from marketplace.adapters import limit_storage, wiring
from marketplace.adapters.queue import Context, ProcrastinateQueue
from marketplace.booking import errors as booking_errors
from marketplace.catalog import errors as catalog_errors
from marketplace.catalog.gateway import SeatHolders, TraineeWeeks
from marketplace.catalog.rules import classifiers
from marketplace.compliance import errors as compliance_errors
from marketplace.core import connections, events, jobs
from marketplace.core import parts as core_parts
from marketplace.core.clock import Clock, OffsetClock, SystemClock
from marketplace.core.db import EdgeSession
from marketplace.core.loading import named
from marketplace.core.parts import Parts
from marketplace.core.settings import Settings
from marketplace.identity import access
from marketplace.identity import errors as identity_errors
from marketplace.outcomes import errors as outcomes_errors
from marketplace.payments import errors as payments_errors
from marketplace.payments.gateway import EvidencePapers, EvidenceSource
from marketplace.payments.gateway.paid_for import PaidThings
from marketplace.reporting import errors as reporting_errors
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
from marketplace.web.areas import Areas
from marketplace.web.transaction import TransactionalFlask
from marketplace.webhooks import errors as webhooks_errors

# Which packages have routes below a path: its code is loaded with the first request for it.
AREAS = {
    "/": ("pages",),
    "/access-log": ("pages",),
    "/agreements": ("pages",),
    "/assets": ("pages",),
    "/bookings": ("pages",),
    "/calendars": ("pages",),
    "/campaigns": ("pages",),
    "/check": ("pages",),
    "/confirm": ("pages",),
    "/confirmations": ("pages",),
    "/desk": ("pages",),
    "/documents": ("pages",),
    "/help": ("pages",),
    "/host": ("pages",),
    "/itineraries": ("pages",),
    "/language": ("pages",),
    "/letters": ("pages",),
    "/listings": ("pages",),
    "/messages": ("pages",),
    "/my-data": ("pages",),
    "/offers": ("pages",),
    "/my-school": ("pages",),
    "/privacy": ("pages",),
    "/profile": ("pages",),
    "/readiness": ("pages",),
    "/recover": ("pages",),
    "/register": ("pages",),
    "/registered": ("pages",),
    "/reports": ("pages",),
    "/reset": ("pages",),
    "/robots.txt": ("pages",),
    "/rotations": ("pages",),
    "/rounds": ("pages",),
    "/saved-searches": ("pages",),
    "/schools": ("pages",),
    "/settings": ("pages",),
    "/sign-in": ("pages",),
    "/sign-out": ("pages",),
    "/sitemap.xml": ("pages",),
    "/sitemaps": ("pages",),
    "/site-invitations": ("pages",),
    "/surveys": ("pages",),
    "/terms": ("pages",),
    "/waiting-list": ("pages",),
    "/wallet": ("pages",),
    "/webhooks": ("pages",),
    "/api/v1/agreement-templates": ("compliance",),
    "/api/v1/agreements": ("compliance",),
    "/api/v1/auth": ("identity",),
    "/api/v1/benchmarks": ("reporting",),
    "/api/v1/bookings": ("booking", "outcomes"),
    "/api/v1/calendar-feeds": ("booking",),
    "/api/v1/campaigns": ("outcomes", "reporting"),
    "/api/v1/credit": ("payments",),
    "/api/v1/docs": ("pages",),
    "/api/v1/documents": ("compliance",),
    "/api/v1/downloads": ("compliance",),
    "/api/v1/exports": ("reporting",),
    "/api/v1/itineraries": ("booking",),
    "/api/v1/letters": ("outcomes",),
    "/api/v1/listings": ("booking", "catalog", "compliance"),
    "/api/v1/mail": ("booking", "outcomes"),
    "/api/v1/match-calendar": ("outcomes",),
    "/api/v1/match-outcomes": ("outcomes", "reporting"),
    "/api/v1/me": ("booking", "compliance", "identity"),
    "/api/v1/message-files": ("booking",),
    "/api/v1/notices": ("identity",),
    "/api/v1/operator": ("booking", "catalog", "compliance", "identity", "outcomes", "payments"),
    "/api/v1/papers": ("outcomes",),
    "/api/v1/payments": ("payments",),
    "/api/v1/public": ("outcomes",),
    "/api/v1/readiness": ("reporting",),
    "/api/v1/reports": ("reporting",),
    "/api/v1/requirements": ("compliance",),
    "/api/v1/rounds": ("booking",),
    "/api/v1/saved-searches": ("catalog",),
    "/api/v1/schools": ("booking", "identity", "payments", "webhooks"),
    "/api/v1/sites": (
        "booking",
        "catalog",
        "compliance",
        "identity",
        "outcomes",
        "payments",
        "webhooks",
    ),
    "/api/v1/site-invitations": ("catalog",),
    "/api/v1/specialties": ("catalog",),
    "/api/v1/stripe": ("payments",),
    "/api/v1/surveys": ("outcomes",),
    "/api/v1/tiers": ("catalog",),
    "/api/v1/uploads": ("compliance",),
    "/api/v1/waiting-list": ("booking",),
    "/api/v1/webhooks": ("webhooks",),
}
REGISTRY = "marketplace.registry"
WITH_TASKS = (
    "web",
    "identity",
    "catalog",
    "compliance",
    "payments",
    "booking",
    "outcomes",
    "reporting",
    "webhooks",
)
WITH_SUBSCRIBERS = ("catalog", "compliance", "payments", "booking", "outcomes", "webhooks")
CONSTRAINTS = {
    **idempotency.CONSTRAINTS,
    **identity_errors.CONSTRAINTS,
    **catalog_errors.CONSTRAINTS,
    **compliance_errors.CONSTRAINTS,
    **payments_errors.CONSTRAINTS,
    **booking_errors.CONSTRAINTS,
    **outcomes_errors.CONSTRAINTS,
    **reporting_errors.CONSTRAINTS,
    **webhooks_errors.CONSTRAINTS,
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


def create_app(settings: Settings, parts: Parts | None = None) -> TransactionalFlask:
    """Build the application from `settings`; `parts` given replace the ones built from them.

    Its routes, jobs and subscribers are imported when they are first needed; `load` does it at once.
    """
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
    app.areas = Areas(AREAS, _blueprints)
    app.register_area = api.register_blueprint
    gc.set_threshold(*WHILE_SERVING)
    return app


def build_parts(settings: Settings) -> Parts:
    """Wire what serves the ports and gateways."""
    parts = Parts()
    parts.add(Settings, settings)
    parts.add(Clock, OffsetClock(settings.clock_file) if settings.clock_file else SystemClock())
    parts.add(classifiers.Classifiers, classifiers.KNOWN)
    parts.add_later(SeatHolders, _booked("BookedSeats"))
    parts.add_later(TraineeWeeks, _booked("BookedWeeks"))
    parts.add_later(EvidenceSource, _booked("BookedEvidence", "evidence"))
    parts.add_later(PaidThings, _booked("BookedThings", "paid_for"))
    parts.add_later(EvidencePapers, _certificates)
    wiring.wire(parts, settings)
    return parts


def job_context(app: Flask) -> Context:
    """Return what a job of this application is given."""
    return Context(app.extensions[context.PARTS], sessions_of(app))


def worker_context(app: Flask) -> tuple[Context, tuple[jobs.Task, ...]]:
    """Return what a worker needs to run this application's jobs."""
    _all_models()
    return job_context(app), all_tasks()


def all_tasks() -> tuple[jobs.Task, ...]:
    """Return every job that a worker may be asked for, with its code."""
    return tuple(task for package in WITH_TASKS for task in tasks_of(package))


def tasks_of(package: str) -> Iterable[jobs.Task]:
    """Return the jobs of a package; none for a name that has none."""
    tasks: Iterable[jobs.Task] = ()
    if package in WITH_TASKS:
        tasks = named(f"marketplace.{package}.tasks:TASKS")
    return tasks


def sessions_of(app: Flask) -> sessionmaker[EdgeSession]:
    """Return the application's session factory, for code outside requests."""
    with app.app_context():
        factory: sessionmaker[EdgeSession] = app.extensions["sqlalchemy"].sessionmaker
    return factory


def _blueprints(package: str) -> Iterable[flask.Blueprint]:
    _all_models()
    found: Iterable[flask.Blueprint] = named(f"marketplace.{package}.routes:BLUEPRINTS")
    return found


def _booked(name: str, module: str = "holders") -> Callable[[], Any]:
    def make() -> Any:
        return named(f"marketplace.booking.service.{module}:{name}")()

    return make


def _certificates() -> Any:
    return named("marketplace.outcomes.service.evidence:IssuedCertificates")()


def _all_models() -> None:
    """Import every model before the first query: a row is written after those that its keys name.

    Before the first routes, too: the mapper that is configured by a query holds a lock that a
    model needs which another thread imports meanwhile.
    """
    if REGISTRY not in sys.modules:
        named(f"{REGISTRY}:metadata")


def _subscriptions() -> Iterable[events.Subscription]:
    for package in WITH_SUBSCRIBERS:
        yield from named(f"marketplace.{package}.subscribers:SUBSCRIPTIONS")


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
            # The connection that was used last: its server process has tables, plans and words at
            # hand, and those that are too many rest.
            "pool_use_lifo": True,
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
        events.BUS: events.EventBus(_subscriptions),
        jobs.QUEUE: ProcrastinateQueue(tasks_of),
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
    event.listen(Mapper, "before_configured", _all_models, once=True)
    with app.app_context():
        connections.watch(database.engine)
