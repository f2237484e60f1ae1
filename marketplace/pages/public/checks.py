"""The page that confirms a paper by its code: what it states, and whether it counts.

A wrong code gets the same page from the same single query. Nothing of a look is recorded.
"""

import re
from datetime import date

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as Redirection

from marketplace.identity.access import public
from marketplace.outcomes.rules.papers import MONTHS
from marketplace.outcomes.service.papers import checking
from marketplace.pages.view import Pages, Reader, page, reader
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
# A day as papers write it, and from one to another.
A_DAY = re.compile(rf"(\d{{1,2}}) ({'|'.join(MONTHS)}) (\d{{4}})")
TO = re.compile(r"(?<=\d{4}) to (?=\d{1,2} [A-Z])")

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
    who = reader()
    rows = [
        (who.told(who.say(label)), stated(who, value))
        for label, value in ((row["label"], row["value"]) for row in (found.rows if found else ()))
    ]
    response = page(
        "check.html",
        reader=who,
        said=said,
        found=found,
        title=who.say(found.title) if found and found.title else "",
        issued_on=stated(who, found.issued_on) if found else "",
        rows=rows,
    )
    response.headers.update(HEADERS)
    return response


def stated(who: Reader, text: str) -> str:
    """What a paper states, in the reader's words; in English as it stands there."""
    if who.language == "en":
        return text

    def day(found: re.Match[str]) -> str:
        try:
            return who.day(date(int(found[3]), MONTHS.index(found[2]) + 1, int(found[1])))
        except ValueError:
            return found[0]

    return who.told(A_DAY.sub(day, TO.sub(" – ", text)))
