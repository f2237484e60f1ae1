"""A school that has a say, the browser of its coordinator, and where its mails lead."""

import re
from typing import Any

import pytest

from marketplace.identity.rules import Role
from marketplace.identity.service import memberships
from tests.factories.schools import a_school
from tests.integration.pages.test_pages import Browser

LINK = re.compile(r"http\S+?(/(?:schools|agreements)/[\w/.~-]+)")


@pytest.fixture
def school(stage):
    return a_school(stage, approves=True)


@pytest.fixture
def coordinator(stage, people, school):
    made = people.make(name="Sara Khan")
    with stage.transaction() as session:
        memberships.grant_role(
            session, made.id, Role.SCHOOL_COORDINATOR, school_id=school, now=stage.now
        )
    return made


@pytest.fixture
def desk(client, coordinator):
    made = Browser(client)
    made.sign_in(coordinator, "/schools")
    return made


@pytest.fixture
def anybody(app):
    return Browser(app.test_client())


def to(answer: Any) -> str:
    """Where an answer leads; what the page said instead, where it does not."""
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.headers["Location"])


def mailed(run_jobs, mail, subject: str) -> str:
    """The path that the newest mail with this subject leads to."""
    run_jobs()
    found = [one for one in mail.sent if subject in one.subject][-1]
    return LINK.search(found.text)[1]
