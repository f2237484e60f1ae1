"""The world that requests are made of."""

import pytest

from marketplace.web import streams
from tests.factories.people import people  # noqa: F401 - a fixture
from tests.factories.rotations import stage  # noqa: F401 - a fixture
from tests.integration.api.world import World, build
from tests.integration.outcomes.conftest import done, link_of, uploaded  # noqa: F401 - fixtures
from tests.integration.payments.conftest import gateway  # noqa: F401 - a fixture


@pytest.fixture
def world(done, uploaded, link_of, stage, gateway, run_jobs, sessions) -> World:  # noqa: F811
    return build(done, stage, sessions.kw["bind"], uploaded[1], link_of, run_jobs)


@pytest.fixture(autouse=True)
def short_streams(monkeypatch):
    """Streams of events tell what there is, and end."""
    monkeypatch.setattr(streams, "LENGTH_SECONDS", 0.0)
