"""A site, and the browser of its owner."""

import pytest

from tests.integration.pages.test_pages import Browser


@pytest.fixture
def place(stage):
    return stage.place(approval="request", seats_per_week=3)


@pytest.fixture
def base(place):
    return f"/host/sites/{place.site_id}"


@pytest.fixture
def host(app, people, place):
    """A browser in which the site's owner is signed in."""
    opened = Browser(app.test_client())
    opened.person = people.make("site_owner", site_id=place.site_id, name="Olga Owner")
    opened.sign_in(opened.person, "/host")
    return opened


def browser_of(app, person):
    opened = Browser(app.test_client())
    opened.sign_in(person, "/host")
    return opened
