"""The page that confirms a paper by its code: what it states, and whether it counts.

A wrong code gets the same page from the same single query. Nothing of a look is recorded.
"""

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as Redirection

from marketplace.identity.access import public
from marketplace.outcomes.service.papers import checking
from marketplace.pages.view import Pages, page
from marketplace.pages.words import noted
from marketplace.web import context
from marketplace.web.limits import seldom

LONGEST_CODE = 64
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Frame-Options": "DENY",
}
SAID = {
    "stands": noted("This paper stands."),
    "replaced": noted("This paper was replaced by a later one. It counts no more."),
    "revoked": noted("This paper was revoked. It counts no more."),
    "unknown": noted("No paper carries this code."),
}
ASKED = noted("Check a paper by its code.")

blueprint = Pages("checks")


@blueprint.get("/check")
@public
def ask() -> Response | Redirection:
    """Ask for a code; one that is sent is looked up at its own address."""
    code = request.args.get("code", "").replace("/", "").strip()[:LONGEST_CODE]
    if code:
        return redirect(url_for("checks.check", code=code), 303)
    return _page(ASKED, None)


@blueprint.get("/check/<string:code>")
@public
@seldom("paper-check")
def check(code: str) -> Response:
    """Show what the paper with this code states, and whether it stands."""
    found = checking.check(context.session(), code)
    return _page(SAID[found.standing], found)


def _page(said: str, found: checking.Checked | None) -> Response:
    response = page("check.html", said=said, found=found)
    response.headers.update(HEADERS)
    return response
