"""Each link in a mail leads to a page that is there: none to the API's answers, none to nothing."""

import re
from urllib.parse import urlsplit

import pytest
from werkzeug.exceptions import HTTPException

from marketplace.app import create_app
from marketplace.identity.service import reading, templating
from tests import settings as test_settings

BASE = "https://rotations.example"
LINK = re.compile(re.escape(BASE) + r"(/[^\s)]*)")
# What answers a browser with a page, and a program with a message.
BOTH = frozenset(
    {
        "/api/v1/letters/reminders/end",
        "/api/v1/notices/unsubscribe",
        "/api/v1/saved-searches/unsubscribe",
    }
)


@pytest.fixture(scope="module")
def app():
    made = create_app(test_settings.make())
    made.load()
    return made


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_link_of_every_notice_is_a_page(app, language):
    ways, lost = app.url_map.bind("rotations.example", url_scheme="https"), []
    for name in templating.names():
        for link in LINK.findall(reading.sample(name, language, BASE).text):
            path = urlsplit(link.rstrip(".,")).path or "/"
            if path in BOTH:
                continue
            try:
                endpoint, _ = ways.match(path, method="GET")
            except HTTPException:
                lost.append(f"{name}: {path} is nowhere")
                continue
            if not app.view_functions[endpoint].__module__.startswith("marketplace.pages."):
                lost.append(f"{name}: {path} is no page")
    assert lost == []
