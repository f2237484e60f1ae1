"""A rotation and one's school: its word asked for, or the place that it keeps taken or not."""

from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking.queries import cohorts
from marketplace.booking.queries import schools as asked
from marketplace.booking.routes import finding
from marketplace.booking.schemas.schools import SchoolRequestArgs
from marketplace.booking.service import schooling
from marketplace.booking.service.cohorts import holding
from marketplace.booking.states import TIMED
from marketplace.identity.access import current_account, signed_in
from marketplace.identity.queries import schools
from marketplace.pages import forms
from marketplace.pages.school.words import ANSWERS, REQUEST_STATES, tone
from marketplace.pages.view import Pages, form_page
from marketplace.web import context

NOT_PROCESSABLE = 422
SAID = {"yes": True, "no": False}
PATH = "/rotations/<uuid:booking_id>/school"

blueprint = Pages("asking_school")


@blueprint.get(PATH)
@signed_in
def show(booking_id: UUID) -> Response:
    """Show what the school says of a rotation, or asks, and what it still waits for."""
    return _shown(booking_id)


@blueprint.post(PATH)
@signed_in
def ask(booking_id: UUID) -> Response:
    """Ask the school for its word on a seat that one holds; it sees this booking from then on."""
    typed = forms.typed()
    errors = forms.carried_out(
        SchoolRequestArgs(),
        {"message": typed.get("message", "")},
        lambda values: schooling.ask(
            context.session(), finding.own(booking_id), now=context.now(), **values
        ),
        "message",
    )
    return _shown(booking_id, typed, errors) if errors else _to(booking_id)


@blueprint.post(f"{PATH}/answer")
@signed_in
def answer(booking_id: UUID) -> Response:
    """Say whether one wants the place that the school keeps; once."""
    agreed = SAID.get(request.form.get("agreed", ""))
    booking = finding.own(booking_id)
    if agreed is None:
        return _shown(booking_id, {}, {"agreed": ["Expected yes or no."]})
    _, errors = forms.tried(
        lambda: holding.answer(context.session(), booking, agreed=agreed, now=context.now()),
        "agreed",
    )
    return _shown(booking_id, {}, errors) if errors else _to(booking_id)


def _to(booking_id: UUID) -> Response:
    return redirect(f"/rotations/{booking_id}/school", 303)


def _shown(
    booking_id: UUID,
    typed: dict[str, str] | None = None,
    errors: forms.Errors | None = None,
) -> Response:
    session, booking = context.session(), finding.own(booking_id)
    school_id, place, cohort = _school(booking)
    request_made = asked.request(session, booking_id)
    return form_page(
        "rotations/school.html",
        NOT_PROCESSABLE if errors else 200,
        booking=booking,
        school=schools.find(session, school_id) if school_id else None,
        place=place,
        answer_by=cohort.answer_by if cohort else None,
        answerable=place is not None
        and cohort.state == "held"
        and place.answer == "waiting"
        and booking.state in TIMED
        and cohort.answer_by > context.now(),
        asked=None if place else request_made,
        askable=place is None and request_made is None and booking.state == "held",
        waits=schooling.waits_for(session, booking) if booking.state in TIMED else (),
        answers=ANSWERS,
        states=REQUEST_STATES,
        tone=tone,
        typed=typed or {},
        errors=errors or {},
    )


def _school(booking: Any) -> tuple[UUID | None, Any, Any]:
    """The school that a booking has to do with; its place there and its cohort, where it has them."""
    session = context.session()
    if booking.cohort_id is not None:
        cohort = cohorts.find(session, booking.cohort_id, booking.school_id)
        return booking.school_id, cohorts.place(session, booking.id), cohort
    own = schools.own_link(session, current_account().id)
    return booking.school_id or (own.school_id if own else None), None, None
