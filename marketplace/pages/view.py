"""How every page is made: one layout, the reader's language and time zone, errors as pages."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
)
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as Answer

from marketplace.core.errors import DomainError
from marketplace.core.settings import Settings
from marketplace.identity import queries as identity
from marketplace.identity.access import SAFE_METHODS, Caller, current_caller
from marketplace.identity.errors import CsrfRefused, NotSignedIn
from marketplace.identity.rules import Role
from marketplace.pages import assets, once, words
from marketplace.pages.again import KEPT, Typed
from marketplace.pages.naming import named
from marketplace.pages.reading import LOCALES, Reader
from marketplace.pages.sentences import PASSING, RETRY, STALE, STOPPED
from marketplace.web import context, limits, problems
from marketplace.web.api import PREFIX
from marketplace.web.context import request_id
from marketplace.web.problems import meant

__all__ = [
    "LANGUAGE",
    "LOCALES",
    "Pages",
    "Reader",
    "form_page",
    "lost",
    "page",
    "reader",
    "safe_path",
    "with_query",
]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
}
TOO_MANY, SERVER_ERROR, UNAVAILABLE = 429, 500, 503
A_MINUTE = 60
AFTER, MINUTES = "Try again after ", "%Y-%m-%d %H:%M UTC."
# In which language somebody without an account wants to read, where the browser says another.
LANGUAGE = "language"
SIGN_OUT = "/sign-out"


def reader() -> Reader:
    """Who asks for this page; by the account's settings, else by what the browser prefers."""
    found = _caller()
    if found is not None:
        account = found.account
        language = account.locale.split("-")[0].split("_")[0]
        known = language if language in words.LANGUAGES else "en"
        return Reader(account.id, found.roles, known, ZoneInfo(account.time_zone))
    return _stranger()


def _stranger() -> Reader:
    preferred = request.cookies.get(LANGUAGE)
    if preferred not in words.LANGUAGES:
        preferred = request.accept_languages.best_match(words.LANGUAGES) or "en"
    return Reader(None, frozenset(), preferred, ZoneInfo("UTC"))


def _caller() -> Caller | None:
    """Who asks; nobody, where what was shown is no token: what is wrong is told to nobody in person."""
    try:
        return current_caller()
    except NotSignedIn:
        return None


def page(template: str, status: int = 200, **values: Any) -> Response:
    """The page of a template, which has the reader as `reader` and its words as `_`.

    What others may link to gives its path as `canonical`.
    """
    who = values.pop("reader", None) or reader()
    found = None if who.unknown else _caller()
    if errors := values.get("errors"):
        values["errors"] = {
            name: [who.refused(text) for text in texts] for name, texts in errors.items()
        }
    if path := values.get("canonical"):
        values["home"] = context.parts().get(Settings).public_url.rstrip("/")
        values["canonical"] = values["home"] + path
    html = render_template(
        template,
        reader=who,
        seen=found.seen if found else None,
        trains=_trains(who, status),
        _=who.say,
        **{"here": _here(), **values},
    )
    response = make_response(named(html) if errors else html, status)
    response.headers.update(HEADERS)
    response.vary.update(("Accept-Language", "Cookie"))
    return response


def _trains(who: Reader, status: int) -> bool:
    """Whether the reader has a trainee's own pages; who works here as well, once they have a profile."""
    if who.account_id is None or Role.TRAINEE not in who.roles:
        return False
    if len(who.roles) == 1 or status >= SERVER_ERROR:
        return True
    return identity.profile(context.session(), who.account_id) is not None


def form_page(template: str, status: int = 200, **values: Any) -> Response:
    """A page with a form for whoever it is: what was typed, and errors."""
    given = {"typed": {}, "errors": {}, **values}
    return page(template, status, sends=True, **given)


def with_query(**changes: Any) -> str:
    """Return this page's address with other values in its query; None takes a value away."""
    pairs = [(name, value) for name, value in request.args.items(multi=True) if name not in changes]
    for name, value in changes.items():
        given = value if isinstance(value, (list, tuple)) else [value]
        pairs += [(name, str(one)) for one in given if one is not None]
    return f"{request.path}?{urlencode(pairs)}" if pairs else request.path


def safe_path(text: str | None) -> str:
    """A path of this site to go on to; the front page for anything else.

    Browsers leave tabs and line breaks out of an address, so that `/<tab>/` would be another site's.
    """
    plain = (text or "").strip()
    ours = plain.startswith("/") and not plain.startswith(("//", "/\\"))
    return plain if ours and plain.isprintable() else "/"


class Pages(Blueprint):
    """A blueprint whose errors are pages: what went wrong, and what to do; its forms count once."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "marketplace.pages", template_folder="templates")
        self.register_error_handler(NotSignedIn, _sign_in_first)
        self.register_error_handler(DomainError, _refused)
        self.register_error_handler(IntegrityError, _broken)
        self.register_error_handler(HTTPException, _stopped)
        self.register_error_handler(PoolTimeout, lambda error: _told(problems.of_pool(error)))
        self.register_error_handler(DBAPIError, lambda error: _told(problems.of_database(error)))
        self.register_error_handler(Exception, lambda error: _told(problems.unexpected(error)))
        self.record(lambda state: once.teach(state.app.jinja_env))
        self.record(lambda state: assets.teach(state.app.jinja_env))

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        *options: Any,
        **more: Any,
    ) -> None:
        """Have each view that answers a POST answer a form once."""
        if view_func is not None and "POST" in more.get("methods", ()):
            view_func = once.once(view_func)
        super().add_url_rule(rule, endpoint, view_func, *options, **more)


def _sign_in_first(error: NotSignedIn) -> Answer:
    del error
    if request.method in SAFE_METHODS:
        path = request.full_path.rstrip("?")
    elif request.path == SIGN_OUT:
        return redirect("/", 303)
    else:
        path = _came_from() or _also_read()
        if typed := Typed.of_request():
            return form_page("account/sign_in.html", 401, next=path, kept=typed)
    return redirect(f"/sign-in?{urlencode({'next': path})}", 303)


def _also_read() -> str:
    """Where a form was sent to, if there is a page as well; the front page if not."""
    here = current_app.create_url_adapter(request)
    return request.path if here is not None and here.test(method="GET") else "/"


def _refused(error: DomainError) -> Response:
    if isinstance(error, CsrfRefused) and (typed := Typed.of_request()):
        return _error(error.status, STALE[0], STALE[1], {}, typed)
    return _error(error.status, error.title, error.detail, error.fields or {})


def _broken(error: IntegrityError) -> Response:
    # Nothing can be read in the transaction that was broken off; the page reads who asks.
    context.session().rollback()
    return _refused(meant(error))


def _stopped(error: HTTPException) -> Response | HTTPException:
    status = error.code or SERVER_ERROR
    if status < 400:  # noqa: PLR2004 - a redirect is no error
        return error
    again = limits.free_again() if status == TOO_MANY else None
    if again is not None and again - time.time() > A_MINUTE:
        title, _ = STOPPED[error.name]
        return _error(status, title, f"{AFTER}{datetime.fromtimestamp(again, UTC):{MINUTES}}", {})
    return _error(status, error.name, error.description, {})


def lost(error: HTTPException) -> Response:
    """An address that nothing answers: a page for people, a problem for programs."""
    of_api = request.path.startswith(PREFIX) and not request.path.startswith(f"{PREFIX}/docs/")
    if of_api or not request.accept_mimetypes.accept_html:
        return problems.of_http(error)
    return _error(error.code or SERVER_ERROR, error.name, error.description, {})


def _here() -> str:
    """Where this page is had again: that of a form, not where the form was sent to."""
    sent = request.method not in SAFE_METHODS
    return (_came_from() or request.path) if sent else request.full_path.rstrip("?")


def _came_from() -> str | None:
    """The page of ours that a form was sent from, where what was typed may still stand."""
    came = urlsplit(request.referrer or "")
    if request.method == "GET" or came.netloc != request.host:
        return None
    return safe_path(f"{came.path}?{came.query}" if came.query else came.path)


def _told(problem: Response) -> Response:
    """A problem as a page; what was begun is undone, since the page reads who asks."""
    context.session().rollback()
    told = problem.get_json()
    return _error(problem.status_code, told["title"], told.get("detail"), {})


def _asked_for(who: Reader) -> Reader:
    """The reader in the language that the address asks for, as links that are mailed do."""
    wanted = request.args.get(LANGUAGE)
    return replace(who, language=wanted) if wanted in words.LANGUAGES else who


def _reader_at_least() -> Reader:
    """The reader; a stranger where the database does not answer."""
    try:
        return reader()
    except (DBAPIError, PoolTimeout):
        context.session().rollback()
        return replace(_stranger(), unknown=True)


def _error(
    status: int,
    title: str,
    detail: str | None,
    fields: Mapping[str, Any],
    typed: Typed | None = None,
) -> Response:
    who = _asked_for(_reader_at_least())
    title, detail = STOPPED.get(title, (title, detail))
    kept = Typed.of_request() if status in RETRY else typed
    # The very form again: it counts once, should it have been taken after all.
    marks = {"form_marks": lambda: once.marks(kept.mark)} if kept and kept.mark else {}
    answer = page(
        "error.html",
        status,
        reader=who,
        code=status,
        title=who.refused(title),
        detail=who.refused(detail) if detail else None,
        fields={name: [who.refused(str(text)) for text in texts] for name, texts in fields.items()},
        back=_came_from(),
        retry=_here() if status in PASSING and request.method in SAFE_METHODS else None,
        request_id=request_id(),
        sends=kept is not None,
        **{KEPT: kept, **marks},
    )
    if status == UNAVAILABLE:
        answer.headers.update(problems.HEADERS[status])
    return answer
