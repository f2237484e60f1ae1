"""What a listing asks its applicants: the questions as a form, some lines of which are empty."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Response
from werkzeug.wrappers import Response as Answer

from marketplace.booking.queries import applying
from marketplace.booking.rules.questions import KINDS, Question
from marketplace.booking.schemas.applying import HostQuestionsArgs
from marketplace.booking.service import questions
from marketplace.catalog.queries import listings
from marketplace.identity.access import current_account, site_member
from marketplace.pages import forms
from marketplace.pages.host.frame import DECIDERS, NOT_PROCESSABLE, PEOPLE, back, panel
from marketplace.pages.host.site import ChangedMeanwhile
from marketplace.pages.view import Pages, reader
from marketplace.pages.words import noted
from marketplace.web import context

TAB = "/listings"
PATH = "/listings/<uuid:listing_id>/questions"
BASE = f"/host/sites/<uuid:site_id>{PATH}"
# Empty lines below what is asked already.
MORE = 3
MOST = 30
SAID = {
    "text": noted("a text"),
    "choice": noted("a choice"),
    "number": noted("a number"),
}
TEXTS = ("key", "text", "help")
BOUNDS = ("least", "most")
FLAGS = ("required", "several", "whole")

blueprint = Pages("host_questions")


@blueprint.get(BASE)
@site_member(*PEOPLE, operators=False)
def show(site_id: UUID, listing_id: UUID) -> Response:
    """Show what the listing asks its applicants, to be changed."""
    return _shown(site_id, listing_id, None, {})


@blueprint.post(BASE)
@site_member(*DECIDERS, operators=False)
def change(site_id: UUID, listing_id: UUID) -> Answer:
    """Put what the form says in the place of what was asked; a line without words is none."""
    typed = forms.typed()
    lines = [_line(typed, number) for number in range(MOST + MORE)]
    asked = [(number, one) for number, one in enumerate(lines) if one["text"]]
    used = {one["key"] for _, one in asked if one["key"]}
    for _, one in asked:
        one["key"] = one["key"] or _new_key(used)
        used.add(one["key"])
    session, by, now = context.session(), current_account().id, context.now()
    _listing(site_id, listing_id)

    def do(values: dict[str, Any]) -> None:
        found = applying.current_questions(session, listing_id)
        read = 0 if found is None else found.number
        if typed.get("read") != str(read):
            raise ChangedMeanwhile
        made = [
            Question(**{**one, "options": tuple(one["options"])}) for one in values["questions"]
        ]
        questions.change(
            session, listing_id, made, note=values["note"], read=read, actor_id=by, now=now
        )

    given = {"questions": [one for _, one in asked], "note": typed.get("note", "")}
    errors = forms.carried_out(HostQuestionsArgs(), given, do, "questions")
    if errors:
        at = [number for number, _ in asked]
        return _shown(site_id, listing_id, lines, _by_line(errors, at))
    return back(site_id, f"{TAB}/{listing_id}/questions", "saved")


def _line(typed: Mapping[str, str], number: int) -> dict[str, Any]:
    """One line of the form, as the API would be told."""
    found: dict[str, Any] = {
        name: typed.get(f"{name}-{number}", "").strip() for name in (*TEXTS, "kind")
    }
    found["kind"] = found["kind"] or KINDS[0]
    options = typed.get(f"options-{number}", "").splitlines()
    found["options"] = [text.strip() for text in options if text.strip()]
    for name in BOUNDS:
        found[name] = typed.get(f"{name}-{number}", "").strip() or None
    return found | {name: f"{name}-{number}" in typed for name in FLAGS}


def _new_key(used: set[str]) -> str:
    """A name that no question of the set has."""
    return next(name for number in range(1, 99) if (name := f"question_{number}") not in used)


def _by_line(errors: forms.Errors, at: Sequence[int]) -> dict[str, list[str]]:
    """What is wrong, by the fields of the form."""
    found = {}
    for name, texts in errors.items():
        _, _, rest = name.partition(".")
        number, _, field = rest.partition(".")
        place = forms.number(number)
        known = place is not None and place < len(at)
        found[f"{field.partition('.')[0]}-{at[place or 0]}" if known else name] = list(texts)
    return found


def _shown(
    site_id: UUID,
    listing_id: UUID,
    lines: Sequence[Mapping[str, Any]] | None,
    errors: forms.Errors,
) -> Response:
    session, who = context.session(), reader()
    listing = _listing(site_id, listing_id)
    found = applying.current_questions(session, listing_id)
    asked = [dict(one) for one in found.questions] if found else []
    known = [one for one in lines if one["text"]] if lines is not None else asked
    shown = [*(lines[: len(known) + MORE] if lines is not None else asked)]
    while len(shown) < min(len(known) + MORE, MOST):
        shown.append({"kind": KINDS[0], "required": True, "options": []})
    return panel(
        "host/questions.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        listing=listing,
        read=found.number if found else 0,
        changed_at=found.made_at if found else None,
        asked=asked,
        lines=shown,
        kinds=[(kind, who.say(SAID[kind])) for kind in KINDS],
        errors=errors,
    )


def _listing(site_id: UUID, listing_id: UUID) -> Any:
    session = context.session()
    listings.require_site(session, listing_id, site_id)
    return listings.listing(session, listing_id)
