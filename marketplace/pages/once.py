"""A form takes effect once, however often it is sent: by a double click, by a reload, after going back.

Each form that is sent by POST gets its hidden fields when its template is compiled: the session's
CSRF token, and a mark that no other form has. The first answer to a mark and what was typed is
remembered in the transaction of its effect, and repeated. Other words under the same mark (somebody
went back and changed them) are another form.
"""

import re
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

from flask import request, session
from jinja2 import Environment
from jinja2.ext import Extension
from markupsafe import Markup
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from marketplace.core.errors import Conflict
from marketplace.identity.access import caller_id, csrf_token
from marketplace.web import context, idempotency

TOKEN, MARK = "csrf_token", "once"
# What is asked of a form beside its fields.
OURS = frozenset({TOKEN, MARK})
# As `marks` draws them; whatever else is sent is no form of ours, nor what a column holds.
A_MARK = re.compile(r"[A-Za-z0-9_-]{1,64}")
PIECE = 1 << 16
REDIRECTS = range(300, 400)
REFUSED = 400
GONE = 410
HIDDEN = Markup('<input type="hidden" name="{}" value="{}">')
FORM = re.compile(r"""<form\b[^>]*\bmethod=["']post["'][^>]*>""", re.IGNORECASE)


class ShownOnce(Conflict):
    """What the first sending made was shown then, and is shown to nobody again."""

    code = "shown_once"
    title = "This was done already."


def marks(mark: str | None = None) -> Markup:
    """The hidden fields of a form that is sent by POST; with the `mark` of one that is sent again."""
    return HIDDEN.format(TOKEN, csrf_token()) + HIDDEN.format(MARK, mark or token_urlsafe(12))


class FormMarks(Extension):
    """Puts `marks` into every form of a template that is sent by POST: none can be forgotten."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        del name, filename
        return FORM.sub(lambda found: found[0] + "{{ form_marks() }}", source)


def teach(templates: Environment) -> None:
    """Have templates mark their forms; harmless again."""
    if FormMarks.identifier not in templates.extensions:
        templates.add_extension(FormMarks)
        templates.globals["form_marks"] = marks


def once(view: Callable[..., Any]) -> Callable[..., Any]:
    """Have a view that answers a form do so once; a form without a mark goes through as it is."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Any:
        # The form is here whole, files on disk, before anything is asked of the database.
        mark = request.form.get(MARK)
        if mark is None:
            return view(*args, **kwargs)
        if not A_MARK.fullmatch(mark):
            raise BadRequest
        sent = _digest()
        before = dict(session)

        return _known(
            idempotency.sent_once(
                context.session(),
                caller_id() or idempotency.ANONYMOUS,
                f"form {mark} {sent.hex()}",
                sent,
                lambda: _made(view(*args, **kwargs)),
                lambda response: _kept(response, before),
            )
        )

    return answer


def _made(answer: Any) -> Response:
    if not isinstance(answer, Response):
        raise TypeError("a page's view answers with a response")
    return answer


def _kept(response: Response, before: dict[str, Any]) -> Response | None:
    """What is remembered of an answer: where it led to, or that a secret was shown in it.

    Not an answer that signs in or out, or leads to a link that works once: done twice, it is right
    twice. Nor a page: it was a look, or a refusal.
    """
    if dict(session) != before:
        return None
    secret = response.cache_control.no_store
    if response.status_code in REDIRECTS:
        return None if secret else response
    return Response(status=GONE) if secret and response.status_code < REFUSED else None


def _known(response: Response) -> Response:
    if response.status_code == GONE and idempotency.REPLAYED in response.headers:
        raise ShownOnce("What came of it was shown then, and can't be shown again.")
    return response


def _digest() -> bytes:
    """Where the form was sent, all that was typed, and the files, told apart from all else."""
    digest = sha256(repr(request.full_path).encode())
    for name, value in request.form.items(multi=True):
        if name not in OURS:
            digest.update(repr((name, value)).encode())
    for name, file in request.files.items(multi=True):
        digest.update(repr((name, file.filename)).encode())
        while piece := file.stream.read(PIECE):
            digest.update(piece)
        file.stream.seek(0)
    return digest.digest()
