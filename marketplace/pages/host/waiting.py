"""Who waits for a site's weeks, in order and without names: a name is told with an application."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response, request

from marketplace.booking.queries import waiting as queries
from marketplace.booking.schemas.waiting import WaitingListArgs
from marketplace.catalog.states import ListingState
from marketplace.identity.access import site_member
from marketplace.pages import forms
from marketplace.pages.host import picking
from marketplace.pages.host.frame import DECIDERS, NOT_PROCESSABLE, panel
from marketplace.pages.view import Pages
from marketplace.pages.words import noted
from marketplace.web import context
from marketplace.web.pagination import Page

TAB = "/calendar"
A_PAGE = 50
STATES: Mapping[str, str] = {
    "waiting": noted("Waiting"),
    "offered": noted("A seat is offered"),
}

blueprint = Pages("host_waiting")


@blueprint.get("/host/sites/<uuid:site_id>/calendar/waiting-list")
@site_member(*DECIDERS, operators=False)
def show(site_id: UUID) -> Response:
    """Show who waits or has an offer, in order; of one listing where it is chosen."""
    session = context.session()
    given: dict[str, Any] = {name: text for name, text in request.args.items() if text.strip()}
    values, errors = forms.read(WaitingListArgs(unknown="exclude"), {**given, "limit": A_PAGE})
    found = (
        Page([], None)
        if errors
        else queries.placed(session, queries.in_line(session, site_id=site_id, **values))
    )
    wanted = given.get("listing_id", "")
    return panel(
        "host/waiting.html",
        site_id,
        TAB,
        NOT_PROCESSABLE if errors else 200,
        found=found,
        own=picking.listings(site_id, state=ListingState.PUBLISHED, also=[wanted]),
        wanted=wanted,
        states=STATES,
        errors=errors,
    )
