"""The page that confirms a paper by its code: what it states, and whether it counts.

A wrong code gets the same page from the same single query. Nothing of a look is recorded.
"""

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirection

from marketplace.identity.access import public
from marketplace.outcomes.service.papers import checking
from marketplace.web import context
from marketplace.web.limits import seldom

LONGEST_CODE = 64
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self';"
    " form-action 'self'; frame-ancestors 'none'",
}
SAID = {
    "stands": "This paper stands.",
    "replaced": "This paper was replaced by a later one. It counts no more.",
    "revoked": "This paper was revoked. It counts no more.",
    "unknown": "No paper carries this code.",
}

blueprint = Blueprint("checks", "marketplace.pages", template_folder="templates")


@blueprint.get("/check")
@public
def ask() -> Response | Redirection:
    """Ask for a code; one that is sent is looked up at its own address."""
    code = request.args.get("code", "").replace("/", "").strip()[:LONGEST_CODE]
    if code:
        return redirect(url_for("checks.check", code=code), 303)
    return _page("Check a paper by its code.", None)


@blueprint.get("/check/<string:code>")
@public
@seldom("paper-check")
def check(code: str) -> Response:
    """Show what the paper with this code states, and whether it stands."""
    found = checking.check(context.session(), code)
    return _page(SAID[found.standing], found)


def _page(said: str, found: checking.Checked | None) -> Response:
    response = make_response(render_template("check.html", said=said, found=found))
    response.headers.update(HEADERS)
    return response
