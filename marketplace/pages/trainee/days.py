"""A rotation's days as its trainee writes them down: hours, what was really done, what was unsafe."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking.routes import finding
from marketplace.booking.states import BookingState
from marketplace.catalog.rules.vocabulary import Duty
from marketplace.identity.access import caller, signed_in
from marketplace.outcomes.queries import days as reports
from marketplace.outcomes.queries import records as queries
from marketplace.outcomes.rules.evaluation_form import FORM
from marketplace.outcomes.schemas.days import HappenedArgs, HoursArgs
from marketplace.outcomes.schemas.records import AttestationArgs
from marketplace.outcomes.service import hours, incidents, records
from marketplace.outcomes.service.hours import LOGGED_IN, Worked
from marketplace.outcomes.service.rotations import rotation
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page
from marketplace.web import context

NOT_PROCESSABLE = 422
CHOICES = {"yes": True, "no": False}
BEGUN = LOGGED_IN | {BookingState.CONFIRMED}

# Minutes that one day can have.
MOST = 960

blueprint = Pages("day_pages")


@blueprint.get("/rotations/<uuid:booking_id>/days")
@signed_in
def show(booking_id: UUID) -> Response:
    """Show the hours, the attestation, the evaluations that one may see, and one's reports."""
    return _shown(booking_id, {}, {})


@blueprint.post("/rotations/<uuid:booking_id>/days/hours")
@signed_in
def log(booking_id: UUID) -> Response:
    """Log a day; one that is logged already is corrected, and waits for a signature again."""
    booking, typed = finding.own(booking_id), forms.typed()
    day = {
        "day": typed.get("day", ""),
        "minutes": _minutes(typed.get("hours", "")),
        "activity": typed.get("activity", ""),
    }
    values, errors = forms.read(HoursArgs(), {"days": [day]})
    if not errors:
        days = [Worked(**one) for one in values["days"]]
        _, errors = forms.tried(
            lambda: hours.write(context.session(), booking.id, days, context.now()), "day"
        )
    if errors:
        wrong = {_field(name): texts for name, texts in errors.items()}
        if isinstance(day["minutes"], int) and not 0 <= day["minutes"] <= MOST:
            # The day's limit is in minutes, which nobody typed.
            wrong["hours"] = ["Expected 0 to 16 hours."]
        return _shown(booking_id, typed, wrong)
    return redirect(f"/rotations/{booking_id}/days", 303)


@blueprint.post("/rotations/<uuid:booking_id>/days/attestation")
@signed_in
def attest(booking_id: UUID) -> Response:
    """Say which duties one really performed; once for good."""
    booking, typed = finding.own(booking_id), forms.typed()
    given: dict[str, Any] = {
        "duties": request.form.getlist("duties"),
        "remarks": typed.get("remarks", ""),
    }
    if typed.get("in_person") in CHOICES:
        given["in_person"] = CHOICES[typed["in_person"]]
    values, errors = forms.read(AttestationArgs(), given)
    if not errors:
        about = rotation(context.session(), booking.id)
        _, errors = forms.tried(
            lambda: records.attest(context.session(), about, now=context.now(), **values), "duties"
        )
    if errors:
        return _shown(booking_id, typed, errors)
    return redirect(f"/rotations/{booking_id}/days", 303)


@blueprint.post("/rotations/<uuid:booking_id>/days/safety")
@signed_in
def report(booking_id: UUID) -> Response:
    """Tell our staff what is not safe; nobody of the site ever reads it."""
    booking, typed = finding.own(booking_id), forms.typed()
    sent = {name: typed.get(name, "") for name in ("happened_on", "body")}
    values, errors = forms.read(HappenedArgs(), sent)
    if not errors:
        _, errors = forms.tried(
            lambda: incidents.report(context.session(), booking.id, now=context.now(), **values),
            "body",
        )
    if errors:
        return _shown(booking_id, typed, errors)
    return redirect(f"/rotations/{booking_id}/days", 303)


def _shown(booking_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, booking = context.session(), finding.own(booking_id)
    state = BookingState(booking.state)
    evaluations = queries.evaluations(session, booking.id)
    return form_page(
        "rotations/days.html",
        NOT_PROCESSABLE if errors else 200,
        booking=booking,
        log=hours.log(session, booking.id),
        may_log=state in BEGUN,
        attested=queries.attestation(session, booking.id),
        may_attest=state is BookingState.COMPLETED,
        duties=[duty.value for duty in Duty],
        ticked=request.form.getlist("duties"),
        evaluations=[one for one in evaluations if one.shown_to_trainee],
        form=FORM,
        # Written in confidence: staff who work for the site would read them here as the trainee.
        reports=() if caller().seen else reports.safety_reports(session, booking.id),
        typed=typed,
        errors=errors,
    )


def _minutes(text: str) -> int | str:
    """Hours as they are typed (`7.5`, `7,5`) in minutes; else the text, for the schema to refuse."""
    try:
        return round(float(text.replace(",", ".")) * 60)
    except (ValueError, OverflowError):
        return text


def _field(name: str) -> str:
    """The form's field for an error of the API's."""
    last = name.rpartition(".")[2]
    return {"minutes": "hours", "days": "day"}.get(last, last)
