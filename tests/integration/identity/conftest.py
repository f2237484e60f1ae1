"""People, a site for their roles, and the mailed token."""

import re
from uuid import UUID

import pytest
from sqlalchemy import text

from marketplace.core.db import edge
from marketplace.core.ids import new_id
from tests.factories.people import people  # noqa: F401 - a fixture


@pytest.fixture
def make_site(session, people):  # noqa: F811 - the fixture
    def make(name: str = "Mercy General") -> UUID:
        owner, site_id = people.make(), new_id()
        with edge(session):
            session.execute(
                text(
                    "INSERT INTO site (id, owner_account_id, name, address, city, state, country,"
                    " time_zone) VALUES (:id, :owner, :name, '1 Main St', 'Peoria', 'IL', 'US',"
                    " 'America/Chicago')"
                ),
                {"id": site_id, "owner": owner.id, "name": name},
            )
        return site_id

    return make


@pytest.fixture
def mailed_token(mail, run_jobs):
    def read(address: str) -> str:
        run_jobs()
        found = re.search(r"token=(\S+)", mail.to(address)[-1].text)
        assert found is not None
        return found[1]

    return read
