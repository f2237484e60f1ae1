"""What happened in a rotation, noted for the site and our staff; a note is never changed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from werkzeug.wrappers import Response as Answer

from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, site_member
from marketplace.outcomes.queries import days as queries
from marketplace.outcomes.routes.days import taught
from marketplace.outcomes.schemas.days import HappenedArgs
from marketplace.outcomes.service import incidents
from marketplace.pages import forms
from marketplace.pages.host.frame import NOT_PROCESSABLE, PEOPLE, back, panel
from marketplace.pages.view import Pages
from marketplace.web import context

TAB = "/roster"
BASE = "/host/sites/<uuid:site_id>/rotations/<uuid:booking_id>/incidents"

blueprint = Pages("host_incidents")


@blueprint.get(BASE)
@site_member(*PEOPLE, operators=False)
def show(site_id: UUID, booking_id: UUID) -> Response:
    """Show the notes, the oldest first, and the form of another."""
    return _shown(site_id, _about(site_id, booking_id), {}, {})


@blueprint.post(BASE)
@site_member(*PEOPLE, operators=False)
def note(site_id: UUID, booking_id: UUID) -> Answer:
    """Note what happened; a later note corrects it."""
    about, typed = _about(site_id, booking_id), forms.typed()

    def do(values: Mapping[str, Any]) -> None:
        by, now = current_account().id, context.now()
        incidents.note(context.session(), booking_id, author_id=by, now=now, **values)

    given = {name: typed.get(name, "") for name in ("happened_on", "body")}
    errors = forms.carried_out(HappenedArgs(), given, do, "happened_on")
    if errors:
        return _shown(site_id, about, typed, errors)
    return back(site_id, f"/rotations/{booking_id}/incidents", "noted")


def _shown(site_id: UUID, about: Any, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    found = queries.incident_notes(session, about.booking_id)
    people = {one.author_id for one in found} | {about.trainee_id}
    return panel(
        "host/incidents.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        about=about,
        found=found,
        people=identity.contacts(session, list(people)),
        typed=typed,
        errors=errors,
    )


def _about(site_id: UUID, booking_id: UUID) -> Any:
    """A rotation of this site that is not one's own."""
    found = taught(booking_id)
    if found.site_id != site_id:
        raise NotFound
    return found
