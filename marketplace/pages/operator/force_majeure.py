"""Rotations that can't take place: looked at first, then called off by the code of that look."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.booking import queries
from marketplace.booking.schemas.endings import ForceMajeureArgs, RunForceMajeureArgs
from marketplace.booking.service import force_majeure, force_majeure_reports
from marketplace.catalog.rules.places import STATES
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require
from marketplace.pages import forms
from marketplace.pages.operator import places
from marketplace.pages.view import Pages, form_page
from marketplace.web import context

A_PAGE = 50
# Each is looked up by itself.
MOST_NAMES = 100
NOT_PROCESSABLE = 422
BASE = "/desk/force-majeure"

blueprint = Pages("desk_force_majeure")


@blueprint.get(BASE)
@require("operator")
def list_runs() -> Response:
    """List dry runs and runs, the newest first, and ask for another dry run."""
    return _runs({}, {})


@blueprint.post(BASE)
@require("operator")
def plan() -> Response:
    """See what would be called off; nothing is changed."""
    typed = forms.typed()
    given: dict[str, Any] = {
        name: typed.get(name, "") for name in ("first_day", "last_day", "reason")
    }
    given["states"] = request.form.getlist("states")
    given["site_ids"], wrong = places.sites_named(typed.get("sites", ""), MOST_NAMES)
    values, errors = forms.read(ForceMajeureArgs(), given)
    if wrong:
        errors = {**errors, "sites": wrong}
    made = None
    if not errors:
        made, errors = forms.tried(
            lambda: force_majeure.dry_run(
                context.session(), actor_id=current_account().id, now=context.now(), **values
            ),
            "states",
        )
    if made is None:
        return _runs(typed, errors)
    return redirect(f"{BASE}/{made.id}", 303)


@blueprint.get(f"{BASE}/<uuid:run_id>")
@require("operator")
def show(run_id: UUID) -> Response:
    """Show what would be called off, or how far a run is, booking by booking."""
    return _run(run_id, {}, {})


@blueprint.post(f"{BASE}/<uuid:run_id>")
@require("operator")
def run(run_id: UUID) -> Response:
    """Call the bookings of a dry run off, confirmed by its code."""
    typed = forms.typed()
    errors = forms.carried_out(
        RunForceMajeureArgs(),
        {"code": typed.get("code", "")},
        lambda values: force_majeure.run(
            context.session(), run_id, actor_id=current_account().id, now=context.now(), **values
        ),
        "code",
    )
    return _run(run_id, typed, errors) if errors else redirect(f"{BASE}/{run_id}", 303)


def _runs(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    found = queries.force_majeures(session, states=(), limit=A_PAGE, cursor=forms.cursor())
    return form_page(
        "desk/force_majeures.html",
        NOT_PROCESSABLE if errors else 200,
        found=found,
        runs=force_majeure_reports.shown(session, found.items),
        states=sorted(STATES.items(), key=lambda one: one[1]),
        chosen=request.form.getlist("states"),
        typed=typed,
        errors=errors,
    )


def _run(run_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session = context.session()
    report = force_majeure_reports.report(session, run_id)
    found = queries.force_majeure_bookings(
        session, run_id, states=(), limit=A_PAGE, cursor=forms.cursor()
    )
    about = queries.spans(session, [one.booking_id for one in found.items])
    trainees = sorted({one.trainee_id for one in about.values()})
    return form_page(
        "desk/force_majeure.html",
        NOT_PROCESSABLE if errors else 200,
        report=report,
        run=report["run"],
        found=found,
        about=about,
        people=identity.contacts(session, trainees),
        names=STATES,
        now=context.now(),
        typed=typed,
        errors=errors,
    )
