"""Work that most requests don't need is not done for them, and done for those that do."""

from flask import session
from flask_principal import Principal


def test_a_request_without_a_cookie_gets_an_empty_session(app):
    with app.test_request_context("/"):
        assert dict(session) == {}


def test_a_cookie_that_is_not_ours_is_an_empty_session(app):
    with app.test_request_context("/", headers={"Cookie": "session=forged.cookie.here"}):
        assert dict(session) == {}


def test_what_a_session_keeps_comes_back(app, client):
    with client.session_transaction() as kept:
        kept["answer"] = 42
    with client.session_transaction() as kept:
        assert kept["answer"] == 42


def test_no_principal_looks_for_a_session_in_each_request(app):
    hooks = app.before_request_funcs[None]
    assert not [hook for hook in hooks if isinstance(getattr(hook, "__self__", None), Principal)]


def test_a_request_that_asks_nothing_costs_no_statement(client, count_queries):
    with count_queries() as seen:
        assert client.get("/healthz").status_code == 200
    assert seen.texts == []


def test_every_answer_has_the_security_headers_once(client):
    answer = client.get("/healthz")
    for name in (
        "Content-Security-Policy",
        "X-Content-Type-Options",
        "Referrer-Policy",
        "Cross-Origin-Opener-Policy",
        "Cache-Control",
    ):
        assert len(answer.headers.getlist(name)) == 1
