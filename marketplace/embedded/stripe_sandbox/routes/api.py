"""``/v1/…``: unpacks a request for the API, and packs its answer."""

import base64
import binascii
import logging
import socket

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from marketplace.embedded.stripe_sandbox.api import Answer, Api, Call, Dropped
from marketplace.embedded.stripe_sandbox.errors import ApiError
from marketplace.embedded.stripe_sandbox.forms import unflatten
from marketplace.embedded.stripe_sandbox.ids import new_id
from marketplace.embedded.stripe_sandbox.routes.held import sandbox
from marketplace.embedded.stripe_sandbox.shapes import Json

blueprint = Blueprint("api", __name__)
_log = logging.getLogger(__name__)
LARGEST_FORM = 1024 * 1024


@blueprint.route("/v1/<path:path>", methods=["GET", "POST", "DELETE", "PUT", "PATCH"])
def answer(path: str) -> Response:
    try:
        given = _answer(sandbox().api, "/v1/" + path)
    except Dropped:
        _hang_up()
        return Response(status=500)
    return Response(given.body, given.status, dict(given.headers), mimetype="application/json")


def _answer(api: Api, path: str) -> Answer:
    request_id = new_id("req", 14)
    try:
        call = Call(
            request.method,
            path,
            _parameters(),
            _key(),
            request.headers.get("Stripe-Account"),
            request.headers.get("Idempotency-Key"),
            request.headers.get("Stripe-Version"),
            request_id,
        )
        return api.handle(call)
    except ApiError as error:
        return _plain(error, request_id)
    except HTTPException as error:
        refused = ApiError(f"{error.description}", status=error.code or 400, stored=False)
        return _plain(refused, request_id)
    except Dropped:
        raise
    except Exception:  # noqa: BLE001 - logged, and answered as Stripe answers its own faults
        _log.exception("%s %s", request.method, path)
        failed = ApiError("The sandbox failed.", status=500, kind="api_error", stored=False)
        return _plain(failed, request_id)


def _plain(error: ApiError, request_id: str) -> Answer:
    body = Response.json_module.dumps(error.body(request_id)).encode()
    return Answer(error.status, body, {"Request-Id": request_id})


def _parameters() -> Json:
    pairs = list(request.args.items(multi=True))
    if request.method != "GET":
        kind = request.mimetype
        if kind not in ("", "application/x-www-form-urlencoded", "multipart/form-data"):
            raise ApiError(
                "Send parameters as application/x-www-form-urlencoded.", status=400, stored=False
            )
        if kind != "multipart/form-data":
            # Files alone may be as large as the application takes.
            request.max_content_length = LARGEST_FORM
        pairs += request.form.items(multi=True)
    params = unflatten(pairs)
    for name, sent in request.files.items():
        content = base64.b64encode(sent.read()).decode()
        params[name] = {"filename": sent.filename or "file", "content": content}
    return params


def _key() -> str | None:
    """The secret key, as a bearer token or as the user name of basic authentication."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def _hang_up() -> None:
    """Cut the connection: the client sees it die, as on a lost network."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
