"""Waiting lists: joined from a listing that is full, with one's place and the offer that comes."""

from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking.queries import rounds
from marketplace.booking.queries import waiting as queries
from marketplace.booking.routes import finding
from marketplace.booking.schemas.waiting import WaitingJoinArgs
from marketplace.booking.service import offers, waiting
from marketplace.booking.states import WaitingState
from marketplace.catalog import queries as catalog
from marketplace.core.errors import Invalid
from marketplace.identity.access import current_account, signed_in
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page
from marketplace.web import context

A_PAGE = 20
TONES = {"waiting": "fair", "offered": "good", "accepted": "good"}

blueprint = Pages("waiting_pages")


@blueprint.get("/waiting-list")
@signed_in
def list_own() -> Response:
    """List what one waits or has waited for, with positions and offers."""
    session = context.session()
    found = queries.placed(
        session,
        queries.of_trainee(
            session,
            current_account().id,
            limit=A_PAGE,
            cursor=request.args.get("cursor") or None,
        ),
    )
    has_rounds = rounds.concern(session, current_account().id, context.now())
    entries = [one.entry for one in found.items]
    closed = [one.id for one in entries if one.state == WaitingState.CLOSED]
    hoped = {one.listing_id for one in entries if one.state == WaitingState.WAITING}
    return form_page(
        "waiting.html",
        found=found,
        tones=TONES,
        has_rounds=has_rounds,
        closed_for=queries.closed_for(session, closed) if closed else {},
        resting=hoped - catalog.listings_for_booking(session, hoped).keys() if hoped else set(),
    )


@blueprint.post("/waiting-list")
@signed_in
def join() -> Response:
    """Join the list of a listing for a run of weeks, behind everybody who waits already."""
    typed = forms.typed()
    given: dict[str, Any] = {
        **{name: typed.get(name, "") for name in ("listing_id", "first_day")},
        "weeks": forms.whole_number(typed.get("weeks", "")),
    }
    values, errors = forms.read(WaitingJoinArgs(), given)
    if errors:
        raise Invalid(fields=errors)
    waiting.join(context.session(), trainee_id=current_account().id, now=context.now(), **values)
    return redirect("/waiting-list", 303)


@blueprint.post("/waiting-list/<uuid:entry_id>/leave")
@signed_in
def leave(entry_id: UUID) -> Response:
    """Leave the list while one waits."""
    session = context.session()
    waiting.leave(session, queries.own(session, entry_id, current_account().id), context.now())
    return redirect("/waiting-list", 303)


@blueprint.post("/waiting-list/<uuid:entry_id>/accept")
@signed_in
def accept(entry_id: UUID) -> Response:
    """Take the seat that is offered: it becomes a kept one, to be applied for or paid."""
    session = context.session()
    entry = queries.own(session, entry_id, current_account().id)
    booking = offers.accept(session, entry, terms=finding.terms(), now=context.now())
    return redirect(f"/rotations/{booking.id}", 303)


@blueprint.post("/waiting-list/<uuid:entry_id>/decline")
@signed_in
def decline(entry_id: UUID) -> Response:
    """Let the offered seat go to the next who waits."""
    session = context.session()
    offers.decline(session, queries.own(session, entry_id, current_account().id), context.now())
    return redirect("/waiting-list", 303)
