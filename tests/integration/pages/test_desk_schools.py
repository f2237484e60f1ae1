"""Schools at the desk: added, their first coordinator named, verified by evidence or refused."""

import re

import pytest

from tests.integration.pages.test_pages import Browser
from tests.integration.pages.test_trainee import to

LINK = re.compile(r"/schools/coordinator-invitations/[\w.~-]+")
VERSION = re.compile(r'name="version" value="([^"]+)"')


@pytest.fixture
def desk(client, people):
    made = Browser(client)
    made.sign_in(people.make("operator", name="Olga Staff"), going_to="/desk")
    return made


def followed(browser, answer) -> str:
    """Go on to where an answer leads."""
    path = to(answer)
    assert browser.get(path).status_code == 200
    return path


def test_schools_are_made_verified_and_refused(desk, people, app, count_queries, mail, run_jobs):
    desk.get("/desk/schools?text=grant")
    assert "No school is called so." in desk.body
    path = followed(desk, desk.send("/desk/schools", name="Grant Medical College", country="IN"))
    desk.get("/desk/schools")
    again = desk.send("/desk/schools", name="Grant Medical College", country="IN")
    assert followed(desk, again) == path
    coordinator = people.make(name="Sara Khan")
    saved = {"city": "Mumbai", "email_domain": "grant.example"}
    followed(desk, desk.send(f"{path}/details", version=VERSION.search(desk.body)[1], **saved))
    assert desk.send(f"{path}/details", version="old", **saved).status_code == 422
    assert desk.send(f"{path}/coordinators", email=coordinator.email).status_code == 422
    assert "Not in grant.example." in desk.body
    followed(desk, desk.send(f"{path}/coordinators", email="dean@grant.example"))
    desk.get(path)
    assert "dean@grant.example" in desk.body
    # Nobody waits: who is invited has not come yet.
    assert "Nothing waits here." in desk.get("/desk/schools").get_data(as_text=True)
    dean = people.make(name="Dean Rao", email="dean@grant.example")
    own = Browser(app.test_client())
    own.sign_in(dean)
    run_jobs()
    link = re.search(LINK, mail.to(dean.email)[0].text)[0]
    own.get(link)
    assert "?done=joined" in to(own.send(link))
    assert path in desk.get("/desk/schools").get_data(as_text=True)

    desk.get(path)
    assert desk.send(path, verified="yes", kind="website").status_code == 422
    assert 'id="reference-note"' in desk.body
    followed(
        desk, desk.send(path, verified="yes", kind="website", reference="https://grant.example")
    )
    assert desk.send(path, verified="yes", kind="website", reference="x").status_code == 422
    assert "Somebody else has decided this already." in desk.body
    followed(desk, desk.send(path, verified="no", note="The page is gone."))
    for words in ("The page is gone.", "https://grant.example", "Olga Staff", "Refused"):
        assert words in desk.get(path).get_data(as_text=True), words
    with count_queries() as seen:
        desk.get(path)
    assert len(seen) <= 9, seen
