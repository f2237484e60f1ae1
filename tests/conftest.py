"""Fixtures on real servers: a database per worker, cloned from one migrated template.

`session`, `client` and the app's requests share one connection whose outer transaction is rolled
back after each test; deferred constraints are checked at every commit all the same. What needs
true concurrency asks for `live`: a database of its own, with real commits.
"""

import atexit
import gc
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import NullPool
from xdist.scheduler import LoadScopeScheduling

from marketplace.adapters import migrate
from marketplace.adapters.queue import Context
from marketplace.app import build_parts, create_app, sessions_of, worker_context
from marketplace.core.clock import Clock, FixedClock
from marketplace.core.db import EdgeSession, edge
from marketplace.core.parts import Parts
from marketplace.core.ports import Mailer, MailMessage
from tests import settings as test_settings
from tests.servers import TestServers, shared_folder, start_test_servers
from tests.smoke.clients import until

# How fast a busy machine is says nothing of the code.
hypothesis_settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("untimed")

# As the product sets it: rich draws every local variable of a traceback, for seconds at a time.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

TEMPLATE = "marketplace_template"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_numbers = itertools.count()


# Tests of one process: they share what takes long to make, a running product before all.
TOGETHER = (
    "tests/e2e/",
    "tests/integration/api/test_generated_client.py",
    "tests/integration/catalog/test_search_plans.py",
    "tests/unit/reporting/test_cohort.py",
    "tests/unit/reporting/test_groupings.py",
)


# Tests that go over the same code thousands of times, or over code that is not counted. Others count
# what they reach; watching each line again would cost them half as much time again.
UNWATCHED = (
    "tests/integration/api/test_any_request.py",
    "tests/integration/api/test_cost.py",
    "tests/integration/booking/credit/test_kept.py",
    "tests/integration/booking/test_force_majeure_large.py",
    "tests/integration/booking/test_promises.py",
    "tests/integration/booking/test_sharing_races.py",
    "tests/integration/booking/test_waiting.py",
    "tests/integration/catalog/test_search_plans.py",
    "tests/integration/catalog/test_search_reference.py",
    "tests/integration/catalog/test_shared_seats.py",
    "tests/integration/compliance/test_grants.py",
    "tests/integration/embedded_stack/",
    "tests/integration/outcomes/test_letters.py::test_no_route",
    "tests/integration/payments/test_any_order.py",
    "tests/integration/stripe_sandbox/",
    "tests/unit/reporting/test_cohort.py",
    "tests/unit/reporting/test_groupings.py",
    "tests/unit/reporting/test_suppression.py",
)


def pytest_collection_finish() -> None:
    """What was imported and collected lives as long as the process: no search need pass over it."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Libraries in C tell of what is alive at the end."""
    atexit.unregister(gc.freeze)
    gc.unfreeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Watch the first of a test's parameters alone: the others go over the same code."""
    watched = set()
    for item in items:
        name = item.nodeid.partition("[")[0]
        if name in watched or item.nodeid.startswith(UNWATCHED):
            item.add_marker(pytest.mark.no_cover)
        watched.add(name)


class Together(LoadScopeScheduling):
    """Gives each test to whoever is free, but those of `TOGETHER` to one process."""

    def _split_scope(self, nodeid: str) -> str:
        return next((scope for scope in TOGETHER if nodeid.startswith(scope)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    return Together(config, log)


class CapturedMail:
    """A mailer that keeps what it was given."""

    def __init__(self) -> None:
        self.sent: list[MailMessage] = []

    def send(self, message: MailMessage) -> None:
        self.sent.append(message)

    def to(self, address: str) -> list[MailMessage]:
        return [message for message in self.sent if message.to == address]


@dataclass
class Live:
    """A database of a test's own, with an application that commits for real."""

    url: str
    app: Flask
    parts: Parts
    sessions: sessionmaker[EdgeSession]
    clock: FixedClock
    mail: CapturedMail

    @contextmanager
    def transaction(self) -> Iterator[EdgeSession]:
        with self.sessions() as session, edge(session):
            yield session

    def run_jobs(self) -> int:
        return run_due_jobs(self.app, self.sessions)

    def settle(self) -> None:
        """Wait until the change feed may give out every change made so far.

        Whatever runs in this database holds it back, and so does PostgreSQL's own upkeep.
        """
        until("all changes to be settled", self._settled)

    def _settled(self) -> bool:
        last = "SELECT coalesce(max(transaction) < listing_changes_end(), true)"
        with self.transaction() as session:
            return bool(session.execute(text(f"{last} FROM listing_change")).scalar_one())


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> TestServers:
    return start_test_servers(shared_folder(tmp_path_factory.getbasetemp()))


@pytest.fixture(scope="session")
def template(servers: TestServers) -> str:
    with servers.once("template") as first:
        if first:
            servers.postgres.drop_database(TEMPLATE)
            servers.postgres.create_database(TEMPLATE)
            migrate.upgrade(servers.postgres.url(TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def database_url(servers: TestServers, template: str) -> Iterator[str]:
    name = f"worker_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    servers.postgres.drop_database(name)
    servers.postgres.create_database(name, template)
    yield servers.postgres.url(name)
    servers.postgres.drop_database(name)


@pytest.fixture(scope="session")
def worker_app(database_url: str, servers: TestServers) -> Iterator[Flask]:
    settings = test_settings.make(DATABASE_URL=database_url, REDIS_URL=servers.redis_url)
    app = create_app(settings, build_parts(settings))
    app.load()
    app.testing = True
    yield app
    _dispose(app)


@pytest.fixture
def parts(worker_app: Flask) -> Iterator[Parts]:
    """The application's parts; what a test puts in their place is taken out again."""
    found: Parts = worker_app.extensions["marketplace.parts"]
    worker_app.extensions["marketplace.parts"] = found.copy()
    yield worker_app.extensions["marketplace.parts"]
    worker_app.extensions["marketplace.parts"] = found


@pytest.fixture
def clock(parts: Parts) -> FixedClock:
    fixed = FixedClock(NOW)
    parts.add(Clock, fixed)
    return fixed


@pytest.fixture
def mail(parts: Parts) -> CapturedMail:
    captured = CapturedMail()
    parts.add(Mailer, captured)
    return captured


@pytest.fixture
def sessions(
    worker_app: Flask, clock: FixedClock, mail: CapturedMail
) -> Iterator[sessionmaker[EdgeSession]]:
    """The application's own session factory, bound to one connection for this test."""
    factory = sessions_of(worker_app)
    before = dict(factory.kw)
    with worker_app.app_context():
        engine: Engine = worker_app.extensions["sqlalchemy"].engine
    with engine.connect() as connection:
        outer = connection.begin()
        factory.configure(bind=connection, join_transaction_mode="create_savepoint")
        event.listen(factory, "before_commit", _check_deferred)
        try:
            yield factory
        finally:
            event.remove(factory, "before_commit", _check_deferred)
            factory.kw.clear()
            factory.kw.update(before)
            outer.rollback()


@pytest.fixture
def app(worker_app: Flask, sessions: sessionmaker[EdgeSession]) -> Flask:
    return worker_app


@pytest.fixture
def session(sessions: sessionmaker[EdgeSession]) -> Iterator[EdgeSession]:
    with sessions() as opened:
        yield opened


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def run_jobs(app: Flask, sessions: sessionmaker[EdgeSession]) -> Callable[[], int]:
    """Run every due job now, and those that they ask for; returns how many ran."""
    return lambda: run_due_jobs(app, sessions)


@pytest.fixture
def count_queries(sessions: sessionmaker[EdgeSession]) -> Callable[[], Any]:
    """A context manager whose value counts the statements inside it."""

    @contextmanager
    def counting() -> Iterator["Statements"]:
        seen = Statements()
        bind = sessions.kw["bind"]

        def note(_c: Any, _k: Any, statement: str, *_: Any) -> None:
            if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "SET CONSTRAINTS")):
                seen.texts.append(statement)

        event.listen(bind, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(bind, "before_cursor_execute", note)

    return counting


@dataclass
class Statements:
    """The statements that were run, in order."""

    texts: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)


@pytest.fixture
def live(servers: TestServers, template: str) -> Iterator[Live]:
    name = f"live_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{next(_numbers)}"
    servers.postgres.create_database(name, template)
    url = servers.postgres.url(name)
    settings = test_settings.make(DATABASE_URL=url, DATABASE_POOL="24")
    parts = build_parts(settings)
    clock, mail = FixedClock(NOW), CapturedMail()
    parts.add(Clock, clock)
    parts.add(Mailer, mail)
    app = create_app(settings, parts)
    app.testing = True
    yield Live(url, app, parts, sessions_of(app), clock, mail)
    _dispose(app)
    servers.postgres.drop_database(name)


def run_due_jobs(app: Flask, sessions: sessionmaker[EdgeSession], limit: int = 200) -> int:
    """Run the jobs that wait in the database, as a worker would, one after another."""
    _, tasks = worker_context(app)
    by_name = {task.name: task for task in tasks}
    context = Context(app.extensions["marketplace.parts"], sessions)
    for ran in range(limit):
        with sessions() as session, edge(session):
            job = session.execute(
                text(
                    "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo'"
                    " AND (scheduled_at IS NULL OR scheduled_at <= now()) ORDER BY id LIMIT 1"
                )
            ).one_or_none()
            if job is None:
                return ran
            session.execute(text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": job.id})
        by_name[job.task_name].run(context, **job.args)
    raise AssertionError(f"jobs ask for jobs without end: {limit} ran")


def _check_deferred(session: Any) -> None:
    """A savepoint's release checks no deferred constraint; a real commit would."""
    if session.connection().in_transaction():
        session.flush()
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        session.execute(text("SET CONSTRAINTS ALL DEFERRED"))


def _dispose(app: Flask) -> None:
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()


def maintenance_engine(url: str) -> Engine:
    """An engine without a pool, for a test that opens connections of its own."""
    return create_engine(url, poolclass=NullPool)
