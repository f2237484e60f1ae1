"""Every error becomes a problem document (RFC 9457), in this one place.

Members: `type`, `title`, `status`, `detail`, `code` (stable, documented), `fields` (name ->
messages), `request_id`. An unexpected error tells its request id and nothing else.
"""

from collections.abc import Mapping
from typing import Any, cast

import structlog
from flask import Flask, Response, current_app, json, request
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, default_exceptions

from marketplace.core.errors import Conflict, ConstraintErrors, DomainError, Fields, Unavailable
from marketplace.web.context import request_id

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
CONSTRAINTS = "constraint_errors"
HTTP_CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    410: "gone",
    412: "precondition_failed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    428: "precondition_required",
    429: "too_many_requests",
    503: "unavailable",
}
# What stands here where nothing closer is known: the library's words are for people with a browser.
PLAIN = {
    400: "What was sent can't be read: look at its form and its encoding.",
    404: "Nothing answers at this address. The reference has all that do: /api/v1/docs.",
    405: "This address is not asked in this way; Allow says in which it is.",
    415: "What was sent is not of a media type that is read here.",
}
PLACES = frozenset({"json", "query", "form", "files", "headers", "cookies"})
HEADERS = {
    401: {"WWW-Authenticate": 'Bearer realm="rotation-marketplace"'},
    503: {"Retry-After": "2"},
}
# What PostgreSQL says when it would not wait any longer, or could not let both go on.
BUSY = frozenset({"55P03", "40001", "40P01", "57014"})
# A number or text that the column can't hold: the caller's input, whatever let it through.
OUT_OF_RANGE = frozenset({"22003", "22P02", "22P05", "22001", "22021", "22008"})
TOO_LARGE = 413


class Busy(Unavailable):
    """Another request holds what this one needs."""

    code = "busy"
    title = "This is being changed by another request. Please try again."


class OutOfRange(DomainError):
    """A value passed the schema but not the column."""

    code = "invalid"
    status = 422
    title = "A value is outside what can be stored."


def problem(
    status: int,
    code: str,
    title: str,
    *,
    detail: str | None = None,
    fields: Fields | None = None,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Build the response of a problem."""
    body: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "code": code,
        "request_id": request_id(),
    }
    if detail:
        body["detail"] = detail
    if fields:
        body["fields"] = fields
    body.update({name: value for name, value in (extra or {}).items() if name not in body})
    response = Response(json.dumps(body) + "\n", status=status, content_type=MEDIA_TYPE)
    response.headers.update(headers or {})
    return response


def register(app: Flask, constraints: ConstraintErrors) -> None:
    """Handle all errors of `app`; `constraints` maps a constraint's name to what it means."""
    app.extensions[CONSTRAINTS] = constraints
    app.register_error_handler(IntegrityError, lambda error: _domain(meant(error)))
    app.register_error_handler(DomainError, _domain)
    app.register_error_handler(OperationalError, of_database)
    app.register_error_handler(DBAPIError, of_database)
    app.register_error_handler(PoolTimeout, of_pool)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, unexpected)


def meant(error: IntegrityError) -> DomainError:
    """What a broken constraint means, by its name."""
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    constraints: ConstraintErrors = current_app.extensions[CONSTRAINTS]
    known = constraints.get(name or "")
    if known is None:
        log.error("constraint_unmapped", constraint=name, exc_info=error)
        known = Conflict
    return known()


def _domain(error: DomainError) -> Response:
    headers = HEADERS.get(error.status)
    return problem(
        error.status,
        error.code,
        error.title,
        detail=error.detail,
        fields=error.fields,
        extra=error.extra,
        headers=headers,
    )


def of_database(error: DBAPIError) -> Response:
    """The problem of a database that is busy, away, or can't hold a value."""
    state = getattr(error.orig, "sqlstate", None)
    if state in BUSY:
        log.warning("database_busy", sqlstate=state)
        return _domain(Busy())
    if state in OUT_OF_RANGE:
        log.warning("value_out_of_range", sqlstate=state, exc_info=error)
        return _domain(OutOfRange())
    if isinstance(error, OperationalError) or error.connection_invalidated:
        log.error("database_unavailable", sqlstate=state, exc_info=error)
        return _domain(Unavailable())
    return unexpected(error)


def of_pool(error: PoolTimeout) -> Response:
    """The problem of a process whose connections are all in use."""
    log.error("database_pool_exhausted", exc_info=error)
    return _domain(Busy())


def of_http(error: HTTPException) -> Response:
    """The problem of an HTTP error; a redirect stays one."""
    status = error.code or 500
    if error.response is not None and status < 400:  # noqa: PLR2004 - a redirect is no problem
        return cast("Response", error.response)
    data: dict[str, Any] = getattr(error, "data", None) or {}
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    headers.update(data.get("headers") or {})
    fields = flatten(data.get("messages") or data.get("errors") or {})
    return problem(
        status,
        HTTP_CODES.get(status, "error"),
        error.name,
        detail=data.get("message") or _told(fields) or _described(error),
        fields=fields,
        headers=headers,
    )


def _described(error: HTTPException) -> str | None:
    """What the error says of itself, in our words where it says what every such error does."""
    known = default_exceptions.get(error.code or 0)
    usual = known is not None and error.description == known.description
    if usual and error.code == TOO_LARGE:
        most = current_app.config["MAX_CONTENT_LENGTH"] >> 20
        return f"What was sent is too large: at most {most} MiB are read in one request."
    return PLAIN.get(error.code or 0, error.description) if usual else error.description


def _told(fields: Mapping[str, list[str]]) -> str | None:
    """The first of what is wrong, in a sentence; the whole is in `fields`."""
    if not fields:
        return None
    name, texts = next(iter(fields.items()))
    more = len(fields) - 1
    others = f" ({more} more in fields.)" if more else ""
    return f"{name}: {texts[0]}{others}"


def unexpected(error: Exception) -> Response:
    """Log what nobody expected; the problem tells the request's id and nothing else."""
    log.error("unexpected_error", path=request.path, exc_info=error)
    return problem(
        500,
        "internal_error",
        "Something went wrong on our side.",
        detail="Nothing was changed. Tell us the request id if it happens again.",
    )


def flatten(messages: Any, prefix: str = "") -> dict[str, list[str]]:
    """Turn marshmallow's nested messages into `{"lines.0.amount": [...]}`.

    The places that webargs looked in (`json`, `query`, …) and the whole (`_schema`) are no fields.
    """
    if not isinstance(messages, Mapping):
        texts = messages if isinstance(messages, list) else [messages]
        return {prefix or "body": [str(text) for text in texts]}
    flat: dict[str, list[str]] = {}
    for name, inner in messages.items():
        silent = name == "_schema" or (not prefix and name in PLACES)
        here = prefix if silent else f"{prefix}.{name}" if prefix else str(name)
        flat.update(flatten(inner, here))
    return flat
