"""Turns are counted by the short way as by the library's own."""

from flask import Flask
from flask_limiter import Limiter

from marketplace.web.limits import QuickLimiter


def asked(kind):
    """Statuses and headers of turns at an application that limits them by `kind`."""
    app = Flask(__name__)
    limiter = kind(
        lambda: "me",
        default_limits=["3/minute"],
        storage_uri="memory://",
        headers_enabled=True,
        strategy="fixed-window",
    )
    limiter.init_app(app)
    more = limiter.shared_limit("2/minute", scope="more")

    @app.get("/plain")
    @app.get("/other", endpoint="other")
    def plain():
        return "plain"

    @app.get("/own")
    @limiter.limit("1/minute")
    def own():
        return "own"

    @app.get("/within")
    def within():
        return more(lambda: "within")()

    @app.get("/free")
    @limiter.exempt
    def free():
        return "free"

    client, seen = app.test_client(), []
    for path in ("/plain", "/other", "/own", "/within", "/free", "/none") * 4 + ("/plain",):
        answer = client.get(path)
        limits = sorted(name for name, _ in answer.headers if name.startswith("X-RateLimit"))
        left = answer.headers.get("X-RateLimit-Remaining")
        seen.append((path, answer.status_code, limits, left))
    return seen


def test_turns_are_counted_by_the_short_way_as_by_the_library():
    quick = asked(QuickLimiter)
    assert quick == asked(Limiter)
    assert [status for path, status, *_ in quick if path == "/plain"] == [200] * 3 + [429] * 2
