"""The edge: a request is one transaction, committed once, after the view has answered.

An answer of 400 and above, or an error, rolls everything back, jobs included. A commit that fails
(a deferred constraint, say) becomes a problem like any other error, since it happens before the
answer leaves.
"""

from collections.abc import Callable
from typing import Any

from flask import Response, request
from werkzeug.wrappers import Response as BaseResponse

from marketplace.core.db import edge
from marketplace.web import context, idempotency
from marketplace.web.areas import GrowingFlask
from marketplace.web.cookies import CookieSessions

REFUSED = 400


class _Refused(Exception):
    """Leaves the edge with an answer that must not commit."""

    def __init__(self, response: BaseResponse) -> None:
        super().__init__()
        self.response = response


class TransactionalFlask(GrowingFlask):
    """Flask whose views run inside the edge."""

    caller: Callable[[], str | None]
    """Who calls, for idempotency keys: set by `create_app`, since web knows no accounts."""
    session_interface = CookieSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return `func`: nothing here is asynchronous, and each request would ask of all hooks."""
        return func

    def dispatch_request(self) -> Any:
        if request.routing_exception is not None:
            return super().dispatch_request()
        session = context.session()
        try:
            with edge(session):
                response = self._answer()
                if response.status_code >= REFUSED:
                    raise _Refused(response)
        except _Refused as refused:
            return refused.response
        return response

    def _answer(self) -> BaseResponse:
        key = request.headers.get(idempotency.HEADER)
        if request.method != "POST" or key is None:
            return self._view()
        return idempotency.once(context.session(), key, self.caller, self._view)

    def _view(self) -> Response:
        return self.make_response(super().dispatch_request())
