"""Structured logs: one line an event, each of a request with its id, none with a secret.

The request id is ours unless the client sends a plausible one in `X-Request-ID`; it goes back in
the answer's header and in every problem document.
"""

import logging
import re
import sys
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request

from marketplace.web.context import request_id

PLAUSIBLE_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class _Lines(structlog.WriteLogger):
    """Writes finished lines to standard error, and knows the name of who logs."""

    def __init__(self, name: str = "marketplace") -> None:
        super().__init__(sys.stderr)
        self.name = name


def configure(level: str, style: str) -> None:
    """Send structlog and the standard library's logs to standard error in one format.

    Ours don't pass through the standard library: it would look for the line of code that logs and
    make a record, in every request, for the same line of text.
    """
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if style == "json"
        # Plain tracebacks: ones with local variables would print tokens and letters.
        else structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = [structlog.processors.format_exc_info] if style == "json" else []
    structlog.configure(
        processors=[*shared, *last, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=_Lines,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *last,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # One line a blueprint at every start says nothing to anybody.
    logging.getLogger("procrastinate.blueprints").setLevel(logging.WARNING)


def init_app(app: Flask) -> None:
    """Give every request an id and one closing line: method, path, status, milliseconds."""
    log = structlog.get_logger("marketplace.request")

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-ID", "")
        if PLAUSIBLE_ID.fullmatch(given):
            g.request_id = given
        g.began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id())

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-ID"] = request_id()
        if request.path not in QUIET:
            log.info(
                "request",
                method=request.method,
                # The rule, not the path: paths carry ids and tokens, and logs are read by many.
                route=request.url_rule.rule if request.url_rule else None,
                status=response.status_code,
                ms=round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
            )
        return response
