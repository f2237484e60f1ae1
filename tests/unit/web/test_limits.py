"""Turns are counted by the short way as by the library's own."""

from inspect import signature

from flask import Flask
from flask_limiter import Limiter
from limits.storage import MemoryStorage

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


def test_the_library_asks_where_the_short_way_stands():
    """By a name that is its own: without it all turns would be counted the long way, unnoticed."""
    hook = getattr(Limiter, "_check_request_limit", None)
    assert hook, "this version of Flask-Limiter has no _check_request_limit: see QuickLimiter"
    assert list(signature(hook).parameters)[1:] == ["callable_name", "in_middleware"]
    counted = []

    class Noted(QuickLimiter):
        def _count_quickly(self):
            quickly = super()._count_quickly()
            counted.append(quickly)
            return quickly

    seen = asked(Noted)
    plain = [status for path, status, *_ in seen if path in {"/plain", "/other"}]
    assert sum(counted) >= plain.count(200) > 0


def test_the_end_of_a_window_is_asked_for_once(monkeypatch):
    """Its first turn sets it: each turn after that is one trip to the storage, and no more."""
    asked_for = []
    own = MemoryStorage.get_expiry
    monkeypatch.setattr(
        MemoryStorage, "get_expiry", lambda self, key: asked_for.append(key) or own(self, key)
    )
    app = Flask(__name__)
    app.add_url_rule("/", "plain", lambda: "plain")
    options = {"default_limits": ["9/minute"], "storage_uri": "memory://", "headers_enabled": True}
    limiter = QuickLimiter(lambda: "me", strategy="fixed-window", **options)
    limiter.init_app(app)
    first = limiter.limit_manager.default_limits[0]
    limiter.storage.incr(first.limit.key_for("me", "plain"), 60)  # by another process
    turns = [app.test_client().get("/").headers for _ in range(4)]
    assert [turn["X-RateLimit-Remaining"] for turn in turns] == ["7", "6", "5", "4"]
    assert len({turn["X-RateLimit-Reset"] for turn in turns}) == len(asked_for) == 1
