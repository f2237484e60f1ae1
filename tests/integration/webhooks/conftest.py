"""A site with an endpoint's owner, and the other side."""

import pytest

from marketplace.webhooks.gateway import WebhookSender
from marketplace.webhooks.service import sending
from tests.factories.people import people  # noqa: F401 - a fixture
from tests.factories.rotations import live_stage, stage  # noqa: F401 - fixtures
from tests.integration.webhooks.receiving import SITE, Host, Receiver


@pytest.fixture
def receiver(parts):
    made = Receiver()
    parts.add(WebhookSender, made)
    return made


@pytest.fixture
def place(stage):  # noqa: F811 - a fixture
    return stage.place(approval="request", seats_per_week=3)


@pytest.fixture
def host(client, people, place):  # noqa: F811 - a fixture
    owner = people.make("site_owner", site_id=place.site_id)
    return Host(client, owner, SITE.format(place.site_id))


@pytest.fixture
def again(stage, run_jobs):  # noqa: F811 - a fixture
    """Let the minute's job ask for what is due, and run what it asks for."""

    def ask():
        with stage.transaction() as session:
            asked = sending.ask_all(session, stage.now)
        run_jobs()
        return asked

    return ask
