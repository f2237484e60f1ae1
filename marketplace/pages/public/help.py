"""How it works, in a page; and in which language somebody without an account reads."""

from flask import Response, redirect, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as Answer

from marketplace.identity.access import public
from marketplace.pages import words
from marketplace.pages.view import LANGUAGE, Pages, page, safe_path
from marketplace.web.api import PREFIX

A_YEAR = 365 * 86_400

blueprint = Pages("help_pages")


@blueprint.get("/help")
@public
def show() -> Response:
    """Say how a rotation is found, booked, paid, lived through and told of."""
    return page("help.html", api=PREFIX, canonical="/help")


@blueprint.get("/language/<string:code>")
@public
def speak(code: str) -> Answer:
    """Go on in that language; an account's own setting comes before it."""
    if code not in words.LANGUAGES:
        raise NotFound
    answer = redirect(safe_path(request.args.get("next")), 303)
    answer.set_cookie(
        LANGUAGE, code, max_age=A_YEAR, httponly=True, secure=request.is_secure, samesite="Lax"
    )
    return answer
