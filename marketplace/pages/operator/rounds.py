"""Allocation rounds at the desk: opened over any sites, watched, run without effect, called off."""

from collections.abc import Mapping
from uuid import UUID

from flask import redirect
from werkzeug.wrappers import Response

from marketplace.booking.queries import rounds as queries
from marketplace.identity.access import require
from marketplace.pages import forms, round_forms
from marketplace.pages.trainee.rounds import STATES, TONES
from marketplace.pages.view import Pages, form_page, page
from marketplace.web import context

A_PAGE = 30
NOT_PROCESSABLE = 422
BASE = "/desk/rounds"
ONE = f"{BASE}/<uuid:round_id>"

blueprint = Pages("desk_rounds")


@blueprint.get(BASE)
@require("operator")
def list_rounds() -> Response:
    """List all rounds, the newest first."""
    found = queries.page(context.session(), limit=A_PAGE, cursor=forms.cursor())
    return page("desk/rounds.html", found=found, states=STATES, tones=TONES)


@blueprint.get(f"{BASE}/new")
@require("operator")
def ask() -> Response:
    """Ask for a round's places and times."""
    return _form({}, {})


@blueprint.post(f"{BASE}/new")
@require("operator")
def open_round() -> Response:
    """Open it and keep its seats; or show a longer form."""
    typed = forms.typed()
    if "more" in typed:
        return _form(typed, {})
    made, errors = round_forms.opened(typed, None)
    return _form(typed, errors) if errors else redirect(f"{BASE}/{made}", 303)


@blueprint.get(ONE)
@require("operator")
def show(round_id: UUID) -> Response:
    """Show a round: who ranks and orders, each run, and what came of it."""
    return _shown(round_id, {}, {})


@blueprint.post(f"{ONE}/dry-runs")
@require("operator")
def dry_run(round_id: UUID) -> Response:
    """Have it run without effect, or an earlier run again from what it recorded."""
    mark, errors = round_forms.dry_run(round_id)
    return _shown(round_id, {}, errors) if errors else redirect(f"{BASE}/{round_id}{mark}", 303)


@blueprint.post(f"{ONE}/cancel")
@require("operator")
def call_off(round_id: UUID) -> Response:
    """Call it off with a reason; its seats are free again."""
    typed = forms.typed()
    errors = round_forms.called_off(round_id, typed)
    return _shown(round_id, typed, errors) if errors else redirect(f"{BASE}/{round_id}", 303)


def _form(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    status = NOT_PROCESSABLE if errors else 200
    return form_page("desk/new_round.html", status, **round_forms.form(typed, errors))


def _shown(round_id: UUID, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    return form_page(
        "desk/round.html",
        NOT_PROCESSABLE if errors else 200,
        action=f"{BASE}/{round_id}",
        typed=typed,
        errors=errors,
        **round_forms.watched(round_id),
    )
