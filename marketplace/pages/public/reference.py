"""The API reference: what holds for every call, examples that run against the demo, each call.

It is made from the OpenAPI document alone and needs no scripts; a page to try calls by hand is
beside it.
"""

from collections.abc import Mapping
from typing import Any

from flask import Response, current_app, render_template, request
from werkzeug.exceptions import NotFound

from marketplace.core.settings import Settings
from marketplace.identity.access import public
from marketplace.pages.public import reference_parts as parts
from marketplace.pages.public.example_parts import Call, shell
from marketplace.pages.public.examples import STORIES
from marketplace.pages.view import Pages, Reader, page, reader
from marketplace.web import context
from marketplace.web.api import PREFIX, document

MOST_WORDS = 100

blueprint = Pages("reference")


@blueprint.get(f"{PREFIX}/docs")
@public
def show() -> Response:
    """The way in: how to begin, examples, all groups of calls; `q` looks for calls by words."""
    described, asked = document(current_app), request.args.get("q", "").strip()[:MOST_WORDS]
    by_id = parts.templates(described)
    return page(
        "reference/show.html",
        canonical=f"{PREFIX}/docs",
        api=PREFIX,
        base=_base(),
        asked=asked,
        found=parts.search(described, asked) if asked else (),
        stories=[] if asked else STORIES,
        command=lambda call: _command(call, by_id),
        where=by_id,
        tag_of=parts.tags(described),
        groups=[] if asked else parts.groups(described),
        plain=parts.plain,
    )


@blueprint.get(f"{PREFIX}/docs/<string:tag>")
@public
def show_tag(tag: str) -> Response:
    """The calls of a group, each with what is sent, answered and refused."""
    described, who = document(current_app), reader()
    operations = parts.of_tag(described, tag)
    if not operations:
        raise NotFound
    by_id = parts.templates(described)
    return page(
        "reference/tag.html",
        reader=who,
        api=PREFIX,
        tag=tag,
        about=next(one["description"] for one in described["tags"] if one["name"] == tag),
        operations=operations,
        may=lambda access: _may(access, who),
        places=parts.PLACES,
        plain=parts.plain,
        examples=_examples(by_id),
        base=_base(),
    )


@blueprint.get(f"{PREFIX}/docs/try")
@public
def try_it() -> str:
    """All calls with fields to fill in, by a library's own page."""
    return render_template("reference/try.html", api=PREFIX)


def _base() -> str:
    return context.parts().get(Settings).public_url.rstrip("/") + PREFIX


def _command(call: Call, by_id: Mapping[str, tuple[str, str]]) -> str:
    return shell(call, *by_id[call.operation])


def _examples(by_id: Mapping[str, tuple[str, str]]) -> Mapping[str, Any]:
    """The first example of each operation that has one, and the story that it is in."""
    found: dict[str, Any] = {}
    for story in STORIES:
        for call in story.calls:
            found.setdefault(call.operation, (story, _command(call, by_id)))
    return found


def _may(access: str, who: Reader) -> str:
    """Who may make a call, in words."""
    if access in parts.GUARDS:
        return who.say(parts.GUARDS[access])
    kind, _, roles = access.partition(":")
    named = ", ".join(who.coded("role", role) for role in roles.split(","))
    if kind == "site":
        return who.say("At that site: %(roles)s.", roles=named)
    return who.say("By role: %(roles)s.", roles=named)
