"""The API object: OpenAPI 3.1 from the same schemas that parse and dump, and a blueprint class.

Routes are written as `@blueprint.route`, then `@guard`, `@blueprint.arguments`,
`@blueprint.response`; the spec gets security, problems and the Idempotency-Key by itself.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import flask
import flask_smorest
from flask import Flask

from marketplace.web.schemas import ProblemSchema

if TYPE_CHECKING:
    View = TypeVar("View", bound=Callable[..., Any])

    class SmorestBlueprint(flask.Blueprint):
        """What we use of the library's, which is not typed: its decorators keep a view's type."""

        def route(self, rule: str, **options: Any) -> Callable[[View], View]: ...

        def arguments(self, schema: Any, **options: Any) -> Callable[[View], View]: ...

        def response(
            self, status_code: int, schema: Any = None, **options: Any
        ) -> Callable[[View], View]: ...

        def alt_response(
            self, status_code: int, response: Any = None, **options: Any
        ) -> Callable[[View], View]: ...

        def doc(self, **options: Any) -> Callable[[View], View]: ...
else:
    SmorestBlueprint = flask_smorest.Blueprint

PREFIX = "/api/v1"
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "Sent again with the same body: the first answer again. With another: 422.",
}


class Blueprint(SmorestBlueprint):
    """A smorest blueprint below `/api/v1`."""

    def __init__(self, name: str, import_name: str, *, description: str, **kwargs: Any) -> None:
        prefix = PREFIX + kwargs.pop("url_prefix", "")
        kwargs["description"] = description
        super().__init__(name, import_name, url_prefix=prefix, **kwargs)


class Api(flask_smorest.Api):  # type: ignore[misc] # the library is not typed
    """smorest's Api with our problem documents in place of its error payload."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """Leave errors to `web.problems`, the one place that renders them."""


def create_api(app: Flask, version: str) -> Api:
    """Return the Api of `app`; blueprints are registered on it by `create_app`."""
    app.config.update(
        API_TITLE="Clinical rotation marketplace",
        API_VERSION=version,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
    )
    api = Api(app)
    api.spec.components.security_scheme(
        "bearer", {"type": "http", "scheme": "bearer", "description": "A token from /auth/login."}
    )
    api.spec.options["security"] = [{"bearer": []}, {}]
    api.spec.options["servers"] = [{"url": "/"}]
    return api


def document_idempotency(api: Api) -> None:
    """Add the `Idempotency-Key` header to every POST of the document, once all are registered."""
    for path in api.spec._paths.values():  # noqa: SLF001 - apispec has no other way to them
        if "post" in path:
            path["post"].setdefault("parameters", []).append(IDEMPOTENCY_KEY)
