"""Rate limits: counted in Redis, in memory where that does not answer. They never close the door."""

import time
import uuid
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_qualified_name, get_remote_address

from marketplace.core.settings import Settings
from marketplace.web import context, health

View = TypeVar("View", bound=Callable[..., Any])

TOO_MANY = 429
SAID = "retry_after_said"
# As the library calls them: how many there are, how many are left, until when.
TURNS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def who() -> str:
    """Count a token by itself, so that a school's shared address is not one caller."""
    token = request.headers.get("Authorization")
    return str(uuid.uuid5(uuid.NAMESPACE_OID, token)) if token else get_remote_address()


UNLIMITED = "__unlimited__"
# Whose ends of a window a process keeps in mind; those of others are asked for.
KNOWN_AT_MOST = 4096


class QuickLimiter(Limiter):
    """Flask-Limiter, with a short way for requests that meet the default limit and no other.

    Those are nearly all. The turn is counted under the same key, as its fixed windows count, in one
    trip to the storage; whoever has no turn left, and a storage that fails, take the library's own
    way. Of a view that has no limit none is looked for.

    All is asked of the library by its public names but `_check_request_limit`: it calls that before
    each request, and has no other place to stand in. A test fails where another version does not.
    """

    _default: Any = None

    def __init__(self, *given: Any, **named: Any) -> None:
        # What concerns every request alike leaves none to take the short way.
        self._for_all = bool(named.get("meta_limits"))
        super().__init__(*given, **named)

    def request_filter(self, fn: Callable[[], bool]) -> Callable[[], bool]:
        self._for_all = True
        return super().request_filter(fn)

    def init_app(self, app: Flask) -> None:
        super().init_app(app)
        found = self.limit_manager.default_limits
        self._default = found[0] if len(found) == 1 else None
        self._ordinary: dict[str, bool] = {}
        self._ends: dict[str, float] = {}
        app.after_request(self._say_turns)

    def _check_request_limit(self, *given: Any, **named: Any) -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        if getattr(view, UNLIMITED, False):
            return
        # Something is given where it is not the request as a whole that is looked at.
        if given or named or not self._count_quickly():
            super()._check_request_limit(*given, **named)

    def _count_quickly(self) -> bool:
        limit, endpoint = self._default, request.endpoint
        # Where the storage is down the library counts in another.
        if limit is None or endpoint is None or self.limiter.storage is not self.storage:
            return False
        if not self._is_ordinary(limit, endpoint):
            return False
        key = limit.limit.key_for(limit.key_func(), limit.scope_for(endpoint, request.method))
        try:
            count = self.storage.incr(key, limit.limit.get_expiry())
            if count > limit.limit.amount:
                return False
            until = self._end(key, limit.limit.get_expiry(), count)
        except Exception:  # noqa: BLE001 - whatever it is, the library's way meets it again
            return False
        # A view that has a limit of its own besides must not count this one again.
        self.context.seen_limits.update([limit])
        g.turns = limit.limit.amount, limit.limit.amount - count, int(until + 1)
        return True

    def _end(self, key: str, seconds: int, count: int) -> float:
        """When the window ends: fixed by its first turn, and so the storage is asked but once."""
        now = time.time()
        end = self._ends.get(key, 0.0)
        if count > 1 and end > now:
            return end
        if len(self._ends) >= KNOWN_AT_MOST:
            self._ends.clear()
        end = now + seconds if count == 1 else self.storage.get_expiry(key)
        self._ends[key] = end
        return end

    def _say_turns(self, response: Response) -> Response:
        """Say of a turn what the library says of those that it has counted itself."""
        turns = g.pop("turns", None)
        if turns and self.current_limit is None:
            for name, number in zip(TURNS, turns, strict=True):
                response.headers.add(name, str(number))
        return response

    def _is_ordinary(self, limit: Any, endpoint: str) -> bool:
        """Whether the endpoint has this limit and no other."""
        if self.limit_manager.has_hints(endpoint):
            return False
        if endpoint not in self._ordinary:
            view = get_qualified_name(current_app.view_functions[endpoint])
            app = cast("Any", current_app)._get_current_object()  # noqa: SLF001 - a proxy
            found, decorated = self.limit_manager.resolve_limits(
                app, endpoint, request.blueprint, view, in_middleware=True
            )
            special = limit.exempt_when or limit.deduct_when or limit.methods or self._for_all
            own = decorated or self.limit_manager.decorated_limits(view)
            self._ordinary[endpoint] = found == [limit] and not own and not special
        return self._ordinary[endpoint]


limiter = QuickLimiter(
    who,
    headers_enabled=True,
    swallow_errors=True,
    in_memory_fallback_enabled=True,
    strategy="fixed-window",
)


def init_app(app: Flask, settings: Settings, storage: str) -> None:
    """Put the default limit on all routes; health checks are exempt by their blueprint.

    `storage` is the library's address of where turns are counted.
    """
    app.config["RATELIMIT_STORAGE_URI"] = storage
    app.config["RATELIMIT_DEFAULT"] = settings.rate_limit
    if settings.redis_url:
        # A cache that hangs must cost a request no more than this, and only until it is marked down.
        app.config["RATELIMIT_STORAGE_OPTIONS"] = {
            "socket_connect_timeout": 0.05,
            "socket_timeout": 0.05,
        }

    # Registered before the limiter's own hook, so run after it: its "try again later" belongs to its
    # own refusal; on an answer that was given it misleads, and another's refusal has its own.
    @app.after_request
    def waiting_as_long_as_was_said(response: Response) -> Response:
        if response.status_code != TOO_MANY:
            response.headers.pop("Retry-After", None)
            if said := g.pop(SAID, None):
                response.headers["Retry-After"] = said
        return response

    limiter.init_app(app)

    @app.after_request
    def note_what_was_said(response: Response) -> Response:
        if response.status_code >= 400 and "Retry-After" in response.headers:  # noqa: PLR2004 - HTTP's own border
            g.setdefault(SAID, response.headers["Retry-After"])
        return response

    # A platform that may not ask whether we are well takes us for dead.
    limiter.exempt(health.blueprint)


def free_again() -> float | None:
    """When whoever has no turn left has one again, in seconds since 1970; None of other requests."""
    refused = limiter.current_limit
    return None if refused is None or not refused.breached else float(refused.reset_at)


def unlimited(view: View) -> View:
    """Let a view be asked as often as anybody likes."""
    setattr(view, UNLIMITED, True)
    return cast("View", limiter.exempt(view))


def seldom(scope: str) -> Callable[[View], View]:
    """Limit what needs no account, and could be guessed at, as sign-ins are: by address alone.

    Whatever a request says of itself: a made-up token must not be another caller.
    """

    def rate() -> str:
        return context.parts().get(Settings).login_rate_limit

    limit = limiter.shared_limit(rate, scope=scope, key_func=get_remote_address)

    def decorate(view: View) -> View:
        return cast("View", limit(view))

    return decorate
