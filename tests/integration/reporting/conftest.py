"""A panel of past trainees, taken in at a known moment, and an analyst."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marketplace.core.db import edge
from marketplace.reporting.service.benchmarks import load_shipped
from marketplace.reporting.service.panel_import import import_panel
from tests.factories.people import people  # noqa: F401 - a fixture

PANEL = Path("marketplace/reporting/data/sample_panel.csv").read_text(encoding="utf-8")
TAKEN_IN = datetime(2024, 7, 1, 9, 0, tzinfo=UTC)
YEAR = 2024


@pytest.fixture
def panel(sessions):
    with sessions() as session, edge(session):
        load_shipped(session, TAKEN_IN)
        return import_panel(session, PANEL, YEAR, TAKEN_IN)


@pytest.fixture
def analyst(people):  # noqa: F811 - a fixture
    return people.make("analyst")


@pytest.fixture
def operator(people):  # noqa: F811 - a fixture
    return people.make("operator")


@pytest.fixture
def trusted(client, analyst, operator, clock):
    """The analyst, with the right to identified exports."""
    answer = client.post(
        "/api/v1/exports/rights",
        json={
            "account_id": str(analyst.id),
            "reason": "checks the records of this year",
            "expires_at": (clock.now() + timedelta(days=30)).isoformat(),
        },
        headers=operator.headers,
    )
    assert answer.status_code == 201, answer.get_data()
    return analyst
