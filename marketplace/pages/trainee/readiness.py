"""A trainee's readiness: the own record beside what is published, with who says it."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.identity.access import current_account, signed_in
from marketplace.pages.view import Pages, Reader, page, reader
from marketplace.reporting.errors import ProfileNeeded
from marketplace.reporting.service import readiness
from marketplace.web import context

DATES = frozenset({"last_hands_on_day", "graduation_date"})

blueprint = Pages("readiness_page")


@blueprint.get("/readiness")
@signed_in
def show() -> Response:
    """Show one's record beside published figures; no score is worked out."""
    who = reader()
    try:
        found = readiness.of(context.session(), current_account().id, context.now())
    except ProfileNeeded:
        return redirect("/profile?next=/readiness", 303)
    topics = [(one, list(_rows(one.own, who)), one.own.get("dates") or ()) for one in found.topics]
    return page("readiness.html", reader=who, found=found, topics=topics, as_day=date.fromisoformat)


def _rows(own: Mapping[str, Any], who: Reader) -> Iterator[tuple[str, str]]:
    """The own record as lines: what it is called, and its value in words."""
    for name, value in own.items():
        if isinstance(value, Mapping):
            for inner, number in value.items():
                yield who.say("%(what)s, weeks", what=who.label(inner)), str(number)
        elif name != "dates":
            yield who.label(f"own_{name}"), _said(name, value, who)


def _said(name: str, value: object, who: Reader) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return who.say("Yes") if value else who.say("No")
    if name in DATES:
        return who.day(date.fromisoformat(str(value)))
    if isinstance(value, float):
        return f"{value:g}"
    return who.label(value) if isinstance(value, str) else str(value)
