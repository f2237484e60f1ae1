"""Rotations whose days are over and that nobody has closed: found, and led to where they are."""

from flask import Response

from marketplace.booking import queries
from marketplace.booking.states import BookingState
from marketplace.identity import queries as identity
from marketplace.identity.access import require
from marketplace.pages import forms
from marketplace.pages.view import Pages, page
from marketplace.web import context

A_PAGE = 50

blueprint = Pages("desk_left_open")


@blueprint.get("/desk/left-open")
@require("operator")
def list_them() -> Response:
    """List them by their last day, with how many of their days were marked."""
    session = context.session()
    found = queries.left_open(session, context.now(), limit=A_PAGE, cursor=forms.cursor())
    marked = queries.days_marked(session, [one.id for one in found.items])
    people = identity.contacts(session, sorted({one.trainee_id for one in found.items}))
    return page(
        "desk/left_open.html",
        found=found,
        marked=marked,
        people=people,
        under_way=BookingState.IN_PROGRESS,
    )
