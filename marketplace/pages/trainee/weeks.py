"""Other weeks for a confirmed rotation: what they would cost, and the change under that very quote."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking.queries import changes as queries
from marketplace.booking.routes import finding
from marketplace.booking.schemas.changes import RescheduleArgs, WeeksArgs
from marketplace.booking.service import changes, proposals, reschedules
from marketplace.booking.states import BookingState
from marketplace.catalog.queries import seats
from marketplace.catalog.rules.weeks import WEEK, monday_of
from marketplace.core.errors import NotFound
from marketplace.identity.access import current_account, signed_in
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page
from marketplace.web import context

NOT_PROCESSABLE = 422
WEEKS_SHOWN = 53

blueprint = Pages("weeks_pages")


@blueprint.get("/rotations/<uuid:booking_id>/weeks")
@signed_in
def ask(booking_id: UUID) -> Response:
    """Show free weeks; with `first_day` and `weeks`, what they would cost. Nothing is changed."""
    return _shown(booking_id, dict(request.args.items()), {})


@blueprint.post("/rotations/<uuid:booking_id>/weeks")
@signed_in
def change(booking_id: UUID) -> Response:
    """Change the weeks under the quote that was shown; a host that decides is asked first."""
    typed, booking = forms.typed(), finding.own(booking_id)
    changes.check_own(booking)
    values, errors = forms.read(
        RescheduleArgs(), {**_weeks(typed), "quote": typed.get("quote", ""), **_message(typed)}
    )
    if errors:
        return _shown(booking_id, typed, errors)
    session, mark, message = context.session(), values.pop("quote"), values.pop("message")
    given = {**values, "terms": finding.terms(), "now": context.now()}

    def go() -> UUID:
        new, _ = proposals.change_weeks(session, booking, mark=mark, message=message, **given)
        return booking_id if new is None else new.id

    went, errors = forms.tried(go, "first_day")
    if errors or went is None:
        return _shown(booking_id, typed, errors)
    return redirect(f"/rotations/{went}", 303)


@blueprint.post("/rotations/<uuid:booking_id>/weeks/withdraw")
@signed_in
def withdraw(booking_id: UUID) -> Response:
    """Take back what one has proposed to the host."""
    session, booking = context.session(), finding.own(booking_id)
    found = queries.open_proposal(session, booking.id)
    if found is None or found.proposed_by is not None:
        raise NotFound
    proposals.withdraw(session, found, actor_id=current_account().id, now=context.now())
    return redirect(f"/rotations/{booking.id}/weeks", 303)


def _shown(booking_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, now, booking = context.session(), context.now(), finding.own(booking_id)
    found, quote = dict(errors), None
    if typed.get("first_day"):
        values, wrong = forms.read(WeeksArgs(), _weeks(typed))
        if not wrong:
            quote, wrong = forms.tried(
                lambda: reschedules.quote(
                    session, booking, terms=finding.terms(), now=now, **values
                ),
                "first_day",
            )
            booking = finding.own(booking_id)
        found = {**wrong, **found}
    return form_page(
        "rotations/weeks.html",
        NOT_PROCESSABLE if found else 200,
        booking=booking,
        quote=quote,
        free=free_weeks(booking.listing_id, now),
        may_change=booking.state == BookingState.CONFIRMED and booking.cohort_id is None,
        proposal=queries.open_proposal(session, booking.id),
        typed=typed,
        errors=found,
    )


def free_weeks(listing_id: UUID, now: datetime) -> list[str]:
    """Return the Mondays of the coming year with a free seat, as in a field for dates."""
    first = monday_of(now.date())
    year = seats.availability(context.session(), listing_id, first, first + WEEKS_SHOWN * WEEK)
    return sorted(
        week for week, _, left in year.weeks if left > 0 and week not in year.blackout_weeks
    )


def _weeks(typed: Mapping[str, str]) -> dict[str, Any]:
    return {
        "first_day": typed.get("first_day", ""),
        "weeks": forms.whole_number(typed.get("weeks", "")),
    }


def _message(typed: Mapping[str, str]) -> dict[str, str]:
    return {"message": typed["message"]} if "message" in typed else {}
