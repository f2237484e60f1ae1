"""Where the objects meet: settings in, a Flask application out; nothing is built at import.

Each domain package offers `BLUEPRINTS` (routes), `TASKS`, `SUBSCRIPTIONS` and `CONSTRAINTS`; this
module puts them together with the adapters and hands out the parts.
"""

import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from flask import Flask
from flask_sqlalchemy_lite import SQLAlchemy
from sqlalchemy.orm import sessionmaker
from werkzeug.middleware.proxy_fix import ProxyFix

from marketplace import __version__
from marketplace.adapters.queue import Context, ProcrastinateQueue
from marketplace.core import events, jobs
from marketplace.core.clock import Clock, OffsetClock, SystemClock
from marketplace.core.db import EdgeSession
from marketplace.core.errors import DomainError
from marketplace.core.parts import Parts
from marketplace.core.settings import Settings
from marketplace.web import api as web_api
from marketplace.web import context, headers, health, limits, logs, problems
from marketplace.web.transaction import TransactionalFlask

DOMAIN = (
    "web",
    "identity",
    "catalog",
    "compliance",
    "payments",
    "booking",
    "outcomes",
    "reporting",
)


@dataclass(frozen=True)
class Offers:
    """What the domain packages offer, collected."""

    blueprints: tuple[Any, ...]
    tasks: tuple[jobs.Task, ...]
    subscriptions: tuple[events.Subscription, ...]
    constraints: Mapping[str, type[DomainError]]


def create_app(settings: Settings, parts: Parts | None = None) -> Flask:
    """Build the application from `settings`; `parts` given replace the ones built from them."""
    offers = _collect()
    app = TransactionalFlask("marketplace", static_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret_keys[0],
        SECRET_KEY_FALLBACKS=list(settings.secret_keys[1:]),
        MAX_CONTENT_LENGTH=32 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_SECURE=settings.production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PROPAGATE_EXCEPTIONS=False,
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops)  # type: ignore[method-assign] # as Flask documents
    app.extensions[context.PARTS] = parts if parts is not None else build_parts(settings)
    _open_database(app, settings, offers)
    problems.register(app, offers.constraints)
    logs.init_app(app)
    headers.init_app(app, production=settings.production)
    health.init_app(app)
    limits.init_app(app, settings)
    _open_identity(app, settings)
    api = web_api.create_api(app, __version__)
    for blueprint in offers.blueprints:
        api.register_blueprint(blueprint)
    web_api.document_idempotency(api)
    for page in _each_of("marketplace.pages.routes"):
        app.register_blueprint(page)
    return app


def worker_context(app: Flask) -> tuple[Context, tuple[jobs.Task, ...]]:
    """Return what a worker needs to run this application's jobs."""
    return Context(app.extensions[context.PARTS], sessions_of(app)), _collect().tasks


def sessions_of(app: Flask) -> sessionmaker[EdgeSession]:
    """Return the application's session factory, for code outside requests."""
    with app.app_context():
        factory: sessionmaker[EdgeSession] = app.extensions["sqlalchemy"].sessionmaker
    return factory


def build_parts(settings: Settings) -> Parts:
    """Wire what serves the ports and gateways."""
    parts = Parts()
    parts.add(Settings, settings)
    parts.add(Clock, OffsetClock(settings.clock_file) if settings.clock_file else SystemClock())
    for name in ("marketplace.adapters.wiring",):
        if importlib.util.find_spec(name):
            importlib.import_module(name).wire(parts, settings)
    return parts


def _open_database(app: Flask, settings: Settings, offers: Offers) -> None:
    app.config["SQLALCHEMY_ENGINES"] = {
        "default": {
            "url": settings.database_url,
            "pool_size": settings.database_pool,
            "max_overflow": settings.database_pool,
            "pool_timeout": 5,
            "pool_pre_ping": True,
            "connect_args": {
                "application_name": "marketplace",
                "connect_timeout": 5,
                # PgBouncer in transaction mode keeps no prepared statements.
                "prepare_threshold": None,
                "options": "-c timezone=UTC -c lock_timeout=5s -c statement_timeout=60s"
                " -c idle_in_transaction_session_timeout=60s",
            },
        }
    }
    carried = {
        events.BUS: events.EventBus(offers.subscriptions),
        jobs.QUEUE: ProcrastinateQueue(offers.tasks),
    }
    SQLAlchemy(
        app,
        session_options={"class_": EdgeSession, "expire_on_commit": False, "info": carried},
    )


def _open_identity(app: Flask, settings: Settings) -> None:
    access = _module("identity", "access")
    if access is not None:
        access.init_app(app, settings)


def _collect() -> Offers:
    constraints: dict[str, type[DomainError]] = {}
    for errors in _modules("errors"):
        constraints.update(getattr(errors, "CONSTRAINTS", {}))
    return Offers(
        blueprints=tuple(_each("routes", "BLUEPRINTS")),
        tasks=tuple(_each("tasks", "TASKS")),
        subscriptions=tuple(_each("subscribers", "SUBSCRIPTIONS")),
        constraints=constraints,
    )


def _each_of(path: str) -> Iterable[Any]:
    return getattr(importlib.import_module(path), "BLUEPRINTS", ())


def _each(module: str, name: str) -> Iterable[Any]:
    for found in _modules(module):
        yield from getattr(found, name, ())


def _modules(name: str) -> list[ModuleType]:
    return [module for package in DOMAIN if (module := _module(package, name)) is not None]


def _module(package: str, name: str) -> ModuleType | None:
    path = f"marketplace.{package}.{name}"
    if importlib.util.find_spec(f"marketplace.{package}") is None:
        return None
    return importlib.import_module(path) if importlib.util.find_spec(path) else None
