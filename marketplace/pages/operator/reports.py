"""The report builder: a Match year as of a moment, looked at, frozen, published; every version."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.core.errors import NotFound
from marketplace.core.settings import Settings
from marketplace.identity import queries as identity
from marketplace.identity.access import caller, current_account, require
from marketplace.identity.rules import Role
from marketplace.outcomes.queries import responses
from marketplace.outcomes.schemas.match import FIRST_YEAR, LAST_YEAR
from marketplace.pages import forms
from marketplace.pages.operator.outcome_words import METRICS, POPULATIONS
from marketplace.pages.public import report_view
from marketplace.pages.view import Pages, Reader, form_page, page, reader
from marketplace.reporting.queries import looks as queries
from marketplace.reporting.queries import runs
from marketplace.reporting.rules import charts
from marketplace.reporting.rules.groupings import GROUPINGS, WITHHELD
from marketplace.reporting.rules.showing import HIDDEN
from marketplace.reporting.schemas.runs import RunArgs
from marketplace.reporting.service import looks, reports
from marketplace.web import context

A_PAGE = 25
NOT_PROCESSABLE = 422
WORKERS = ("analyst", "operator")

blueprint = Pages("desk_reports")


@blueprint.get("/desk/reports")
@require(*WORKERS)
def list_years() -> Response:
    """List the Match years that can be reported on: those of a campaign, or of a report before."""
    session = context.session()
    found = {one.campaign.match_year for one in responses.campaigns(session)}
    published = set(runs.years_published(session))
    years = sorted(found | queries.years(session) | published, reverse=True)
    return page("desk/reports.html", years=years, published=published)


@blueprint.get("/desk/reports/<int:match_year>")
@require(*WORKERS)
def show(match_year: int) -> Response:
    """Show a year's versions, what it is compared with, and ask for another."""
    return _year(match_year, {}, {})


@blueprint.post("/desk/reports/<int:match_year>/looks")
@require(*WORKERS)
def look(match_year: int) -> Response:
    """Have it worked out what a public report would hide; nothing is frozen or published."""
    return _ask(match_year, looks.ask, "looks", public=True)


@blueprint.post("/desk/reports/<int:match_year>/runs")
@require("analyst")
def freeze(match_year: int) -> Response:
    """Freeze the year as of a moment: for analysts, or published with small counts hidden."""
    public = request.form.get("public") == "yes"
    return _ask(match_year, partial(reports.ask, public=public), "runs", public=public)


@blueprint.get("/desk/reports/runs/<uuid:run_id>")
@require(*WORKERS)
def show_run(run_id: UUID) -> Response:
    """Show how far a report is, who answers for it, and by which hashes it is known."""
    run = runs.report_run(context.session(), run_id)
    if run is None:
        raise NotFound
    by = None if run.asked_by is None else identity.contact(context.session(), run.asked_by)
    return page("desk/report_run.html", run=run, by=by)


@blueprint.get("/desk/reports/looks/<uuid:look_id>")
@require(*WORKERS)
def show_look(look_id: UUID) -> Response:
    """Show what would be hidden, and the report as it would be read."""
    who, session = reader(), context.session()
    found = queries.look(session, look_id)
    document = json.loads(found.result) if found.result else None
    return form_page(
        "desk/report_look.html",
        reader=who,
        look=found,
        hides=_hides(who, document) if document else [],
        sections=report_view.sections(who, document, [], {}) if document else [],
        draw=charts.svg,
        may_freeze=_may_freeze(),
    )


def _ask(match_year: int, ask: Callable[..., Any], kind: str, *, public: bool) -> Response:
    """Have a job work on the year as of what was typed, and go on to where its result will be."""
    typed, made = forms.typed(), None
    given: dict[str, Any] = {"public": public}
    if "as_of" in typed:
        given["as_of"] = reader().moment_typed(typed["as_of"])
    values, errors = forms.read(RunArgs(), given)
    if not errors:
        made, errors = forms.tried(
            lambda: ask(
                context.session(),
                match_year=_known(match_year),
                as_of=values["as_of"] or context.now(),
                k=_smallest(),
                asked_by=current_account().id,
                now=context.now(),
            ),
            "as_of",
        )
    if made is None:
        return _year(match_year, typed, errors)
    return redirect(f"/desk/reports/{kind}/{made.id}", 303)


def _year(match_year: int, typed: Mapping[str, str], errors: forms.Errors) -> Response:
    session, now = context.session(), context.now()
    _known(match_year)
    compared = [one for one in runs.benchmarks(session, at=now) if one.match_year == match_year]
    return form_page(
        "desk/report.html",
        NOT_PROCESSABLE if errors else 200,
        match_year=match_year,
        found=runs.report_runs(session, match_year, limit=A_PAGE, cursor=forms.cursor()),
        looks=queries.looks(session, match_year, limit=A_PAGE),
        benchmarks=compared,
        populations=POPULATIONS,
        metrics=METRICS,
        groupings=list(GROUPINGS),
        k=_smallest(),
        may_freeze=_may_freeze(),
        typed=typed,
        errors=errors,
    )


def _hides(who: Reader, document: Mapping[str, Any]) -> list[tuple[str, int | None, int]]:
    """How many figures of each part would be hidden, of how many; None for one withheld whole."""
    rows: list[tuple[str, int | None, int]] = [
        (who.label(group), *_counted(figures)) for group, figures in document["groups"].items()
    ]
    for name, categories in document.get("groupings", {}).items():
        label = who.label(f"grouping_{name}")
        rows.append((label, None, 0) if categories == WITHHELD else (label, *_counted(categories)))
    return rows


def _counted(figures: Any) -> tuple[int, int]:
    """How many figures below are hidden, and how many there are."""
    if isinstance(figures, Mapping):
        parts = [_counted(one) for one in figures.values()]
        return sum(hidden for hidden, _ in parts), sum(count for _, count in parts)
    return int(figures == HIDDEN), 1


def _known(match_year: int) -> int:
    if not FIRST_YEAR <= match_year <= LAST_YEAR:
        raise NotFound
    return match_year


def _smallest() -> int:
    return context.parts().get(Settings).smallest_published_cell


def _may_freeze() -> bool:
    return Role.ANALYST in caller().roles
