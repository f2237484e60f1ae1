"""No-shows that trainees dispute: what both sides say, and the decision."""

from collections.abc import Mapping
from uuid import UUID

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.booking import queries
from marketplace.booking.schemas.endings import DECISIONS, DecideNoShowArgs
from marketplace.booking.service import no_shows
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, page, reader
from marketplace.web import context

A_PAGE = 50
NOT_PROCESSABLE = 422
BASE = "/desk/no-shows"

blueprint = Pages("desk_no_shows")


@blueprint.get(BASE)
@require("operator")
def list_disputed() -> Response:
    """List the disputes that wait for a decision, the oldest first."""
    session = context.session()
    found = queries.no_shows_disputed(session, limit=A_PAGE, cursor=forms.cursor())
    bookings = queries.by_id(session, [one.booking_id for one in found.items])
    people = identity.contacts(session, [one.trainee_id for one in bookings.values()])
    return page("desk/no_shows.html", found=found, bookings=bookings, people=people)


@blueprint.get(f"{BASE}/<uuid:booking_id>")
@require("operator")
def show(booking_id: UUID) -> Response:
    """Show what the host and the trainee say, and ask for a decision."""
    return _shown(booking_id, {}, {})


@blueprint.post(f"{BASE}/<uuid:booking_id>")
@require("operator")
def decide(booking_id: UUID) -> Response:
    """Decide it; both sides are told with the reason."""
    typed, session = forms.typed(), context.session()
    errors = forms.carried_out(
        DecideNoShowArgs(),
        {name: typed[name] for name in ("decision", "reason") if name in typed},
        lambda values: no_shows.decide(
            session,
            queries.find(session, booking_id),
            actor_id=current_account().id,
            now=context.now(),
            **values,
        ),
        "decision",
    )
    return _shown(booking_id, typed, errors) if errors else redirect(BASE, 303)


def _shown(booking_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, who = context.session(), reader()
    row, booking = queries.no_show(session, booking_id), queries.find(session, booking_id)
    if row is None:
        raise NotFound
    people = [one for one in (booking.trainee_id, row.marked_by, row.decided_by) if one]
    return form_page(
        "desk/no_show.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        row=row,
        booking=booking,
        people=identity.contacts(session, people),
        decisions=[(one, who.label(f"no_show_{one}")) for one in DECISIONS],
        typed=typed,
        errors=errors,
    )
