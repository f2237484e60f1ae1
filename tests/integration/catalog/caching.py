"""An application whose cache is a Valkey server of a test's own, to be killed, flushed and hung."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from flask import Flask

from marketplace.app import build_parts, create_app, sessions_of
from marketplace.core.clock import Clock
from marketplace.core.parts import Parts
from marketplace.embedded.processes import descendants
from marketplace.embedded.valkey import EmbeddedValkey
from tests import settings as test_settings
from tests.factories.rotations import Place, Stage


@dataclass
class Cached:
    """The product over its own database and its own cache."""

    app: Flask
    parts: Parts
    stage: Stage
    valkey: EmbeddedValkey

    def get(self, path: str, **headers: str) -> Any:
        return self.app.test_client().get(f"/api/v1{path}", headers=headers)

    def free(self, place: Place) -> int:
        """Free seats of the place's first week of March, as the public is told."""
        answer = self.get(f"/listings/{place.listing_id}/availability?from=2027-03-01&weeks=1")
        assert answer.status_code == 200, answer.text
        return int(answer.json["weeks"][0]["free"])

    def send(self, number: signal.Signals) -> None:
        """Signal every process of the cache's server."""
        assert self.valkey.process is not None
        for pid in descendants(self.valkey.process.pid):
            os.kill(pid, number)

    def flush(self) -> None:
        with redis.Redis.from_url(self.valkey.url()) as server:
            server.flushall()

    @contextmanager
    def hung(self) -> Iterator[None]:
        """The server takes connections and answers nobody."""
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        deadline = time.monotonic() + 10
        while self.valkey.running:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture
def cached(live: Any) -> Iterator[Cached]:
    with EmbeddedValkey() as valkey:
        settings = test_settings.make(
            DATABASE_URL=live.url, DATABASE_POOL="24", REDIS_URL=valkey.url()
        )
        parts = build_parts(settings)
        parts.add(Clock, live.clock)
        app = create_app(settings, parts)
        app.testing = True
        stage = Stage(sessions_of(app), live.clock)
        yield Cached(app, parts, stage, valkey)
        stage.close()
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()
