"""The front door, and the files of all pages."""

from importlib.resources import files

from flask import Response, send_from_directory

from marketplace.identity.access import public
from marketplace.pages.view import Pages, lost, page
from marketplace.web.api import PREFIX

blueprint = Pages("public")
blueprint.app_errorhandler(404)(lost)
blueprint.app_errorhandler(405)(lost)

SWAGGER = str(files("flask_swagger_ui") / "dist")
OURS = str(files("marketplace.pages") / "static")
A_DAY = 86_400


@blueprint.get("/")
@public
def home() -> Response:
    return page("home.html", api=PREFIX, sends=True, canonical="/")


@blueprint.get("/assets/<path:name>")
@public
def asset(name: str) -> Response:
    return send_from_directory(OURS, name, max_age=A_DAY)


@blueprint.get("/assets/reference/<path:name>")
@public
def reference_asset(name: str) -> Response:
    return send_from_directory(SWAGGER, name, max_age=A_DAY)
