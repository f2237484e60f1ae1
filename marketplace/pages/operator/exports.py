"""Exports of outcomes: asked for, watched while they are made, downloaded file by file."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.core.db import Session
from marketplace.core.errors import NotFound
from marketplace.identity import queries as identity
from marketplace.identity.access import current_account, require
from marketplace.outcomes.queries import responses
from marketplace.pages import forms
from marketplace.pages.view import Pages, form_page, page, reader
from marketplace.reporting.queries import exports as queries
from marketplace.reporting.queries import looks, runs
from marketplace.reporting.rules.codebook import PROFILES
from marketplace.reporting.schemas.exports import ExportArgs
from marketplace.reporting.service import exports
from marketplace.web import context

A_PAGE = 25
NOT_PROCESSABLE = 422
BASE = "/desk/exports"
READY = "ready"

blueprint = Pages("desk_exports")


@blueprint.get(BASE)
@require("analyst")
def list_exports() -> Response:
    """List the exports, the newest first, and ask for another."""
    return _exports({}, {})


@blueprint.post(BASE)
@require("analyst")
def ask() -> Response:
    """Ask for an export; a job makes it."""
    typed = forms.typed()
    names = ("profile", "reason", "compared_with")
    given: dict[str, Any] = {name: typed[name] for name in names if name in typed}
    given["formats"] = request.form.getlist("formats")
    if "match_year" in typed:
        given["match_year"] = forms.whole_number(typed["match_year"])
    if "as_of" in typed:
        given["as_of"] = reader().moment_typed(typed["as_of"])
    values, errors = forms.read(ExportArgs(), given)
    made = None
    if not errors:
        made, errors = forms.tried(
            lambda: exports.ask(
                context.session(), asked_by=current_account().id, now=context.now(), **values
            ),
            "profile",
        )
    return _exports(typed, errors) if made is None else redirect(f"{BASE}/{made.id}", 303)


@blueprint.get(f"{BASE}/<uuid:export_id>")
@require("analyst")
def show(export_id: UUID) -> Response:
    """Show how far an export is, and its files once it is whole."""
    session = context.session()
    run = queries.export_run(session, export_id)
    if run is None:
        raise NotFound
    return page("desk/export.html", run=run, by=identity.contact(session, run.asked_by))


def years(session: Session) -> list[tuple[int, int]]:
    """The Match years that there may be outcomes of, the latest first, to choose from."""
    found = {one.campaign.match_year for one in responses.campaigns(session)}
    found |= looks.years(session) | set(runs.years_published(session))
    return [(one, one) for one in sorted(found, reverse=True)]


def _exports(typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, who = context.session(), reader()
    found = queries.export_runs(session, limit=A_PAGE, cursor=forms.cursor())
    chosen = request.form.getlist("formats")
    right = queries.live_right(session, current_account().id, context.now())
    # Without the right nothing but that is offered; it is asked for anew when the export is.
    offered = [one for one in sorted(PROFILES, reverse=True) if right or one != exports.IDENTIFIED]
    return form_page(
        "desk/exports.html",
        NOT_PROCESSABLE if errors else 200,
        reader=who,
        found=found,
        years=years(session),
        profiles=[(one, who.label(f"profile_{one}")) for one in offered],
        formats=[(one, one in chosen) for one in exports.FORMATS if one != "csv"],
        earlier=[
            (one.id, f"{one.match_year or who.say('all years')}, {who.moment(one.as_of)}")
            for one in found.items
            if one.state == READY
        ],
        right=right,
        typed=typed,
        errors=errors,
    )
