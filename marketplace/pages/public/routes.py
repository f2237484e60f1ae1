"""The front door, and the files of all pages."""

from flask import Response

from marketplace.identity.access import public
from marketplace.pages import assets
from marketplace.pages.view import Pages, lost, page
from marketplace.web.api import PREFIX

blueprint = Pages("public")
blueprint.app_errorhandler(404)(lost)
blueprint.app_errorhandler(405)(lost)


@blueprint.get("/")
@public
def home() -> Response:
    return page("home.html", api=PREFIX, sends=True, canonical="/")


@blueprint.get("/assets/<path:name>")
@public
def asset(name: str) -> Response:
    return assets.sent(name)


@blueprint.get("/assets/reference/<path:name>")
@public
def reference_asset(name: str) -> Response:
    return assets.sent(assets.REFERENCE + name)
