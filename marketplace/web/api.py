"""The API object: OpenAPI 3.1 from the same schemas that parse and dump, and a blueprint class.

Routes are written as `@blueprint.route`, then `@guard`, `@blueprint.arguments`,
`@blueprint.response`; the spec gets security, problems and the Idempotency-Key by itself.
"""

import re
import threading
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import flask
import flask_smorest
from flask import Flask, Response, jsonify
from marshmallow import Schema
from webargs.flaskparser import FlaskParser

from marketplace.web import openapi
from marketplace.web.schemas import ProblemSchema

if TYPE_CHECKING:
    View = TypeVar("View", bound=Callable[..., Any])

    class SmorestBlueprint(flask.Blueprint):
        """What we use of the library's, which is not typed: its decorators keep a view's type."""

        description: str

        def route(self, rule: str, **options: Any) -> Callable[[View], View]: ...

        def arguments(self, schema: Any, **options: Any) -> Callable[[View], View]: ...

        def response(
            self, status_code: int, schema: Any = None, **options: Any
        ) -> Callable[[View], View]: ...

        def alt_response(
            self, status_code: int, response: Any = None, **options: Any
        ) -> Callable[[View], View]: ...

        def doc(self, **options: Any) -> Callable[[View], View]: ...

        def register_views_in_doc(
            self, api: Any, app: Flask, spec: Any, *, name: str, parameters: Any
        ) -> None: ...
else:
    SmorestBlueprint = flask_smorest.Blueprint

PREFIX = "/api/v1"


@cache
def _made(schema: type[Schema]) -> Schema:
    return schema()


class StrictParser(FlaskParser):
    """Takes a schema's word on unknown members in queries too: a misspelt filter is an error.

    Schemas are made once, not in each request: loading leaves nothing in them.
    """

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012 - declared so by the library
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": None,
    }

    def _get_schema(self, argmap: Any, req: Any) -> Schema:
        by_class = isinstance(argmap, type) and issubclass(argmap, Schema)
        return super()._get_schema(_made(argmap) if by_class else argmap, req)


class Blueprint(SmorestBlueprint):
    """A smorest blueprint below `/api/v1`."""

    ARGUMENTS_PARSER: FlaskParser = StrictParser()

    def __init__(self, name: str, import_name: str, *, description: str, **kwargs: Any) -> None:
        prefix = PREFIX + kwargs.pop("url_prefix", "")
        self.description = description
        kwargs["description"] = description
        super().__init__(name, import_name, url_prefix=prefix, **kwargs)


class Api(flask_smorest.Api):  # type: ignore[misc] # the library is not typed
    """smorest's Api with our problem documents, describing itself when first asked to.

    Describing a hundred routes takes longer than all else at the start of a process, and most
    processes are never asked.
    """

    ERROR_SCHEMA = ProblemSchema
    # Problems are written into the document by `web.openapi`, with their own media type.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask) -> None:
        self._described = False
        self._document: dict[str, Any] = {}
        self._describing = threading.Lock()
        self._blueprints: list[Blueprint] = []
        super().__init__(app)

    def register_blueprint(self, blueprint: flask.Blueprint) -> None:
        """Serve the blueprint; the description of one of the API waits for `describe`."""
        if not isinstance(blueprint, flask_smorest.Blueprint):
            self._app.register_blueprint(blueprint)
            return
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint)
        self._blueprints.append(blueprint)

    def describe(self) -> dict[str, Any]:
        """Return the OpenAPI 3.1 document."""
        self._app.load()
        with self._describing:
            if not self._described:
                for blueprint in self._blueprints:
                    blueprint.register_views_in_doc(
                        self, self._app, self.spec, name=blueprint.name, parameters=None
                    )
                    self.spec.tag({"name": blueprint.name, "description": blueprint.description})
                self._document = openapi.complete(self.spec.to_dict(), self._operation_ids())
                self._described = True
        return self._document

    def _operation_ids(self) -> dict[tuple[str, str], str]:
        """`bookings_hold` for the view `hold` of the blueprint `bookings`, by path and method."""
        converters = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
        return {
            (converters.sub(r"{\1}", rule.rule), method.lower()): re.sub(r"\W", "_", rule.endpoint)
            for rule in self._app.url_map.iter_rules()
            for method in rule.methods or ()
        }

    def _openapi_json(self) -> Response:
        return jsonify(self.describe())

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


def document(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI document of `app`."""
    api: Api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    return api.describe()
