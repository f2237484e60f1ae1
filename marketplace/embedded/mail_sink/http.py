"""The mail sink's HTTP side: JSON for programs, pages for people."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, urlsplit

from marketplace.embedded.mail_sink.pages import list_page, message_page
from marketplace.embedded.mail_sink.store import KeptMessage, MessageStore
from marketplace.embedded.processes import LOOPBACK

LONGEST_WAIT_SECONDS = 60.0
LOCAL_NAMES = {LOOPBACK, "localhost", "[::1]"}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; img-src data:"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: status, media type, body, file name if it is to be saved."""

    status: HTTPStatus
    content_type: str
    body: bytes
    filename: str | None = None


def _json(content: Any, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    return Answer(status, "application/json", json.dumps(content, indent=1).encode() + b"\n")


def _html(markup: str) -> Answer:
    return Answer(HTTPStatus.OK, "text/html; charset=utf-8", markup.encode())


def _problem(status: HTTPStatus, detail: str) -> Answer:
    return _json({"title": status.phrase, "status": int(status), "detail": detail}, status)


class View:
    """The resources over one store; each method answers a GET."""

    def __init__(self, store: MessageStore) -> None:
        self.store = store
        self.routes: list[tuple[re.Pattern[str], Callable[..., Answer]]] = [
            (re.compile(r"/"), self.front),
            (re.compile(r"/healthz"), self.health),
            (re.compile(r"/messages"), self.messages),
            (re.compile(r"/messages/([\w-]+)"), self.message),
            (re.compile(r"/messages/([\w-]+)/raw"), self.source),
            (re.compile(r"/messages/([\w-]+)/attachments/(\d{1,4})"), self.attachment),
            (re.compile(r"/view/([\w-]+)"), self.page),
        ]

    def get(self, target: str) -> Answer:
        """Answer a GET for a path with its query."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        for pattern, view in self.routes:
            if match := pattern.fullmatch(parts.path):
                try:
                    return view(query, *match.groups())
                except (LookupError, ValueError) as error:
                    missing = isinstance(error, LookupError)
                    status = HTTPStatus.NOT_FOUND if missing else HTTPStatus.BAD_REQUEST
                    return _problem(status, str(error.args[0]))
        return _problem(HTTPStatus.NOT_FOUND, "no such resource")

    def _found(self, name: str) -> KeptMessage:
        message = self.store.get(name)
        if message is None:
            raise LookupError("no such message")
        return message

    def front(self, _query: dict[str, str]) -> Answer:
        return _html(list_page(self.store.find()))

    def health(self, _query: dict[str, str]) -> Answer:
        return _json({"status": "ok"})

    def messages(self, query: dict[str, str]) -> Answer:
        """`to`, `subject` (part of it), `since` (an id), `wait` (seconds); newest first."""
        wait = min(float(query.pop("wait", "0")), LONGEST_WAIT_SECONDS)
        unknown = sorted(query.keys() - {"to", "subject", "since"})
        if unknown:
            raise ValueError(f"unknown parameter {unknown[0]}")
        found = self.store.wait(wait, **query)
        return _json({"messages": [message.summary() for message in found]})

    def message(self, _query: dict[str, str], name: str) -> Answer:
        return _json(self._found(name).whole())

    def source(self, _query: dict[str, str], name: str) -> Answer:
        return Answer(HTTPStatus.OK, "text/plain; charset=utf-8", self._found(name).raw)

    def attachment(self, _query: dict[str, str], name: str, number: str) -> Answer:
        files = self._found(name).attachments()
        if int(number) >= len(files):
            raise LookupError("no such attachment")
        file = files[int(number)]
        return Answer(HTTPStatus.OK, file.content_type, file.content, file.filename)

    def page(self, _query: dict[str, str], name: str) -> Answer:
        return _html(message_page(self._found(name)))


class Handler(BaseHTTPRequestHandler):
    """One HTTP exchange."""

    view: ClassVar[View]
    protocol_version = "HTTP/1.1"
    timeout = 90

    def do_GET(self) -> None:
        """Serve a resource."""
        self._answer(self.view.get(self.path) if self._is_local() else self._refusal())

    def do_DELETE(self) -> None:
        """Delete all messages."""
        if not self._is_local():
            self._answer(self._refusal())
        elif self.path == "/messages":
            self._answer(_json({"deleted": self.view.store.clear()}))
        else:
            self._answer(_problem(HTTPStatus.METHOD_NOT_ALLOWED, "only /messages is deleted"))

    def _is_local(self) -> bool:
        """Whether the request names this machine: a page of elsewhere must not read the mail."""
        host = self.headers.get("Host", LOOPBACK)
        return host.rpartition(":")[0] in LOCAL_NAMES or host in LOCAL_NAMES

    def _refusal(self) -> Answer:
        return _problem(HTTPStatus.MISDIRECTED_REQUEST, "this address is for the machine itself")

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        if answer.filename is not None:
            name = quote(answer.filename)
            self.send_header("Content-Disposition", f"attachment; filename*=UTF-8''{name}")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the pages show what there is."""


def http_server(store: MessageStore, port: int) -> ThreadingHTTPServer:
    """A server over the store, bound and not yet serving."""
    handler = type("BoundHandler", (Handler,), {"view": View(store)})
    server = ThreadingHTTPServer((LOOPBACK, port), handler)
    server.daemon_threads = True
    return server
