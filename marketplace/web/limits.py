"""Rate limits: counted in Redis, in memory where that does not answer. They never close the door."""

import uuid
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from marketplace.core.settings import Settings
from marketplace.web import context, health

View = TypeVar("View", bound=Callable[..., Any])

TOO_MANY = 429
SAID = "retry_after_said"


def who() -> str:
    """Count a token by itself, so that a school's shared address is not one caller."""
    token = request.headers.get("Authorization")
    return str(uuid.uuid5(uuid.NAMESPACE_OID, token)) if token else get_remote_address()


UNLIMITED = "__unlimited__"


class _Limiter(Limiter):
    """Looks for no limit of a view that has none: the library would do so in each request."""

    def _check_request_limit(
        self,
        callable_name: str | None = None,
        in_middleware: bool = True,  # noqa: FBT001, FBT002 - as the library calls it
    ) -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        if not getattr(view, UNLIMITED, False):
            super()._check_request_limit(callable_name, in_middleware)


limiter = _Limiter(
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
