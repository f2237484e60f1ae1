"""Private addresses of one's rotations, or of a site's days, for a calendar of one's own."""

from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking.queries import feeds as queries
from marketplace.booking.routes.feeds import ONCE, shown_once
from marketplace.booking.schemas import NewFeedArgs
from marketplace.booking.service import feeds
from marketplace.booking.service.feeds import NewFeed
from marketplace.catalog.queries import sites
from marketplace.identity.access import caller, current_account, in_person, signed_in
from marketplace.identity.rules import SITE_ROLES, Role
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, reader
from marketplace.web import context

NOT_PROCESSABLE = 422
PATH = "/calendars"
OWN = "trainee"
PRECEPTORS = 100

blueprint = Pages("calendar_pages")


@blueprint.get(PATH)
@signed_in
def show() -> Response:
    """List one's calendars; no address can be read again."""
    return _shown({}, {})


@blueprint.post(PATH)
@in_person
def create() -> Response:
    """Make a private address; it is shown this once, so the answer is the page itself."""
    typed = forms.typed()
    # Of a site, or of a site and one who teaches there.
    kind, _, rest = typed.get("whose", "").partition(" ")
    site_id, _, preceptor_id = rest.partition(" ")
    sent = {"kind": kind, "site_id": site_id, "preceptor_id": preceptor_id}
    given = {name: text for name, text in sent.items() if text}
    values, errors = forms.read(NewFeedArgs(), {**given, "name": typed.get("name", "")})
    made: NewFeed | None = None
    if not errors:
        made, errors = forms.tried(
            lambda: feeds.create(
                context.session(), current_account().id, now=context.now(), **values
            ),
            "whose",
        )
    fields = {name if name == "name" else "whose": texts for name, texts in errors.items()}
    return _shown(typed if errors else {}, fields, made)


@blueprint.post(f"{PATH}/<uuid:feed_id>/rotate")
@in_person
def rotate(feed_id: UUID) -> Response:
    """Change an address: the one before is dead at once."""
    made = feeds.rotate(context.session(), current_account().id, feed_id, context.now())
    return _shown({}, {}, made)


@blueprint.post(f"{PATH}/<uuid:feed_id>/revoke")
@in_person
def revoke(feed_id: UUID) -> Response:
    """Revoke an address, at once and for good."""
    feeds.revoke(context.session(), current_account().id, feed_id, context.now())
    return redirect(PATH, 303)


def _shown(typed: dict[str, str], errors: forms.Errors, made: NewFeed | None = None) -> Response:
    session, account = context.session(), current_account()
    response = form_page(
        "calendars/calendars.html",
        NOT_PROCESSABLE if errors else 200,
        feeds=queries.feeds_of(session, account.id),
        address=shown_once(made)["address"] if made else None,
        whose=_whose(),
        typed={**request.args.to_dict(), **typed},
        errors=errors,
    )
    if made:
        response.headers.update(ONCE)
    return response


def _whose() -> list[tuple[str, str]]:
    """What there can be a calendar of: one's own rotations, one's sites, who teaches there."""
    session, who, found = context.session(), caller(), list[tuple[str, str]]()
    say: Any = reader().say
    if Role.TRAINEE in who.roles:
        found.append((OWN, say("My own rotations")))
    own = {one.site_id for one in who.grants if one.site_id and one.role in SITE_ROLES}
    names = sites.names(session, own)
    for site_id, name in sorted(names.items(), key=lambda one: one[1]):
        found.append((f"site {site_id}", name))
    wanted = request.values.get("site") or (str(next(iter(own))) if len(own) == 1 else "")
    for site_id in own:
        if str(site_id) != wanted:
            continue
        people = sites.preceptors(session, site_id, limit=PRECEPTORS, cursor=None).items
        found += [
            (f"preceptor {site_id} {one.id}", f"{names[site_id]}: {one.name}") for one in people
        ]
    return found
