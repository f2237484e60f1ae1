"""A form takes effect once: clicked twice, reloaded, sent by two connections at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import text

from tests.factories.people import People
from tests.integration.pages.test_pages import Browser

TIMES = 4


@pytest.fixture
def live_people(live):
    made = People(live.app)
    yield made
    made.close()


def count(stage: Any, table: str) -> int:
    with stage.transaction() as session:
        return session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def together(browser: Browser, path: str, fields: dict[str, Any]) -> list[Any]:
    """The answers to one form of the page, sent so many times at once by one browser."""
    clients = [browser.client.application.test_client() for _ in range(TIMES)]
    cookie = browser.client.get_cookie("session")
    for one in clients:
        one.set_cookie("session", cookie.value)
    ready = threading.Barrier(TIMES)

    def send(client: Any) -> Any:
        given = {
            name: (BytesIO(value[0]), *value[1:]) if isinstance(value, tuple) else value
            for name, value in {**fields, **browser.hidden}.items()
        }
        ready.wait()
        return client.post(path, data=given)

    with ThreadPoolExecutor(TIMES) as pool:
        return list(pool.map(send, clients))


def test_a_form_that_is_sent_again_gets_the_first_answer(live, live_stage, live_people):
    stage, trainee = live_stage, live_people.trainee(visa_type="b1_b2")
    booking = stage.confirmed(stage.place(), trainee.id)
    browser = Browser(live.app.test_client())
    browser.sign_in(trainee)

    # The whole form is in one transaction, whose lock the others wait for.
    form = f"/rotations/{booking}/messages"
    browser.get(form)
    first = together(browser, form, {"body": "When do we meet?"})
    assert {(one.status_code, one.headers["Location"]) for one in first} == {
        (303, first[0].headers["Location"])
    }
    assert sum("Idempotent-Replayed" in one.headers for one in first) == TIMES - 1
    assert count(stage, "booking_message") == 1

    # What was changed after going back is another form; the same again is not.
    marks = browser.hidden
    for body in ("Where do we meet?", "Where do we meet?"):
        assert browser.client.post(form, data={"body": body, **marks}).status_code == 303
    assert count(stage, "booking_message") == 2

    # A file is stored with the transaction given up meanwhile, and its lock with it.
    browser.get("/documents/new")
    about = {"kind": "cv", "file": (b"%PDF-1.7\n1 0 obj<<>>endobj\n%%EOF\n", "cv.pdf")}
    sent = together(browser, "/documents/new", about)
    assert {one.status_code for one in sent} == {303}
    assert len({one.headers["Location"] for one in sent}) == 1
    assert count(stage, "document") == 1

    # A refusal is not remembered: what was in the way may be gone.
    browser.get(form)
    assert browser.client.post(form, data={"body": "", **browser.hidden}).status_code == 422


def test_a_secret_is_made_and_shown_once(live, live_stage, live_people):
    place = live_stage.place()
    owner = live_people.make("site_owner", site_id=place.site_id)
    browser = Browser(live.app.test_client())
    browser.sign_in(owner, "/host")
    path = f"/host/sites/{place.site_id}/people"
    browser.get(path)
    sent = together(browser, f"{path}/keys", {"name": "Our calendar", "scopes": "read"})
    assert sorted(one.status_code for one in sent) == [200] + [409] * (TIMES - 1)
    assert count(live_stage, "api_key") == 1
    with live_stage.transaction() as session:
        kept = session.execute(text("SELECT body, status FROM remembered_answer")).all()
    assert (b"", 410) in {(bytes(body), status) for body, status in kept}
    assert all(len(body) < 1_000 for body, _ in kept)


def test_signing_in_twice_is_signed_in_both_times(app, people):
    browser = Browser(app.test_client())
    person = people.make("trainee")
    browser.get("/sign-in")
    given = {"email": person.email, "password": person.password, **browser.hidden}
    for _ in range(2):
        # The browser threw the first answer away, and its cookie with it.
        answer = app.test_client()
        answer.set_cookie("session", browser.client.get_cookie("session").value)
        signed = answer.post("/sign-in", data=given)
        assert signed.status_code == 303
        assert answer.get("/profile").status_code == 200
