"""Signing in by cookie, as the pages do: CSRF, and what a bearer is spared."""

import pytest
from flask import Blueprint, jsonify

from marketplace.identity.access import public


def begin(client, person):
    answer = client.post(
        "/api/v1/auth/session", json={"email": person.email, "password": person.password}
    )
    assert answer.status_code == 200
    return answer.json["csrf_token"]


def test_a_change_by_cookie_needs_the_session_s_token(client, people):
    token = begin(client, people.make())
    bare = client.patch("/api/v1/me", json={"name": "Eve"})
    assert (bare.status_code, bare.json["code"]) == (403, "csrf_refused")
    wrong = client.patch("/api/v1/me", json={"name": "Eve"}, headers={"X-CSRFToken": "x"})
    assert wrong.json["code"] == "csrf_refused"
    right = client.patch("/api/v1/me", json={"name": "Eve"}, headers={"X-CSRFToken": token})
    assert right.json["name"] == "Eve"


def test_another_session_s_token_will_not_do(app, people):
    mine, theirs = app.test_client(), app.test_client()
    begin(mine, people.make())
    other = begin(theirs, people.make())
    answer = mine.patch("/api/v1/me", json={"name": "Eve"}, headers={"X-CSRFToken": other})
    assert answer.json["code"] == "csrf_refused"


def test_a_bearer_needs_none(client, people):
    person = people.make()
    changed = client.patch("/api/v1/me", json={"name": "Asha"}, headers=person.headers)
    assert changed.status_code == 200


def test_signing_out_ends_this_session_and_no_other(app, people):
    person = people.make()
    one, other = app.test_client(), app.test_client()
    token = begin(one, person)
    begin(other, person)
    assert one.post("/api/v1/auth/logout", headers={"X-CSRFToken": token}).status_code == 204
    assert one.get("/api/v1/me").status_code == 401
    assert one.get("/api/v1/auth/session").json["account"] is None
    assert other.get("/api/v1/me").status_code == 200
    assert one.get("/api/v1/me", headers=person.headers).status_code == 200


def test_signing_out_a_token_revokes_tokens_and_leaves_sessions(client, app, people):
    person = people.make()
    browser = app.test_client()
    begin(browser, person)
    assert client.post("/api/v1/auth/logout", headers=person.headers).status_code == 204
    assert client.get("/api/v1/me", headers=person.headers).status_code == 401
    assert browser.get("/api/v1/me").status_code == 200


def test_the_cookie_is_for_the_server_s_eyes(client, people):
    person = people.make()
    answer = client.post(
        "/api/v1/auth/session", json={"email": person.email, "password": person.password}
    )
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_form_can_not_sign_somebody_in(client, people):
    """A stranger's page could send a form; it can't send JSON."""
    person = people.make()
    answer = client.post(
        "/api/v1/auth/session", data={"email": person.email, "password": person.password}
    )
    assert answer.status_code == 422


@pytest.fixture
def page(live):
    routes = Blueprint("page", __name__)

    @routes.route("/page", methods=["GET", "POST"])
    @public
    def page():
        return jsonify(ok=True)

    live.app.register_blueprint(routes)
    return live.app.test_client()


def test_a_page_s_form_needs_its_token_even_before_signing_in(page):
    assert page.get("/page").status_code == 200
    assert page.post("/page").json["code"] == "csrf_refused"
    token = page.get("/api/v1/auth/session").json["csrf_token"]
    assert page.post("/page", data={"csrf_token": token}).status_code == 200
