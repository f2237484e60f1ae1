"""The registry of published figures: read, and added to by a CSV that is looked at before."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import redirect, request
from werkzeug.wrappers import Response

from marketplace.identity.access import caller, current_account, require
from marketplace.identity.rules import Role
from marketplace.pages import forms
from marketplace.pages.operator.outcome_words import METRICS, POPULATIONS
from marketplace.pages.view import Pages, form_page
from marketplace.reporting.errors import BadCell, TableUnreadable
from marketplace.reporting.queries import runs
from marketplace.reporting.rules import benchmarks as rules
from marketplace.reporting.service import benchmarks
from marketplace.web import context, uploads

BASE = "/desk/benchmarks"
NOT_PROCESSABLE = 422
MOST = 200_000
MOST_CELLS = 200

blueprint = Pages("desk_benchmarks")


@dataclass(frozen=True)
class Look:
    """A file as it was looked at: what it would do, or which of its cells can't be read."""

    text: str = ""
    planned: benchmarks.Planned | None = None
    cells: tuple[BadCell, ...] = ()


@blueprint.get(BASE)
@require("operator", "analyst")
def list_figures() -> Response:
    """List the published figures of a Match year, and where sources disagree."""
    return _figures(Look(), {})


@blueprint.post(f"{BASE}/look")
@uploads.form_first
@require("analyst")
def look() -> Response:
    """Say what a CSV would add, row by row where it can't be read; nothing is taken in."""
    content, errors = forms.tried(lambda: uploads.whole_of_form("sheet", MOST), "sheet")
    if not content:
        return _figures(Look(), errors or {"sheet": ["Choose a CSV file."]})
    if len(content) > MOST:
        return _figures(Look(), {"sheet": ["The file is too large."]})
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _figures(Look(), {"sheet": ["Save it as CSV in UTF-8."]})
    return _looked_at(text)


@blueprint.post(BASE)
@require("analyst")
def take_in() -> Response:
    """Add the figures that were looked at; one that is there already stays as it is."""
    text = request.form.get("figures", "")
    session, by, now = context.session(), current_account().id, context.now()
    try:
        added = benchmarks.take_in(session, text, by=by, now=now)
    except TableUnreadable:
        return _looked_at(text)
    return redirect(f"{BASE}?added={added}", 303)


def _looked_at(text: str) -> Response:
    try:
        planned = benchmarks.plan(context.session(), text, context.now())
    except TableUnreadable as refused:
        said = {"sheet": ["Some cells can't be read. Mend them, and send the file again."]}
        return _figures(Look(cells=refused.cells), said)
    return _figures(Look(text, planned), {})


def _figures(look: Look, errors: forms.Errors) -> Response:
    there = runs.benchmarks(context.session(), context.now())
    years = sorted({one.match_year for one in there}, reverse=True)
    wanted = forms.number(request.args.get("year"))
    year = wanted if wanted in years else next(iter(years), None)
    return form_page(
        "desk/benchmarks.html",
        NOT_PROCESSABLE if errors else 200,
        years=years,
        year=year,
        figures=[one for one in there if one.match_year == year],
        conflicts=[one for one in rules.conflicts(there) if one[0].match_year == year],
        columns=list(rules.COLUMNS),
        statuses=rules.STATUSES,
        populations=POPULATIONS,
        metrics=METRICS,
        look=look,
        unknown=_unknown(look.planned.new) if look.planned else [],
        cells=look.cells[:MOST_CELLS],
        added=forms.number(request.args.get("added")),
        may_add=Role.ANALYST in caller().roles,
        errors=errors,
    )


def _unknown(figures: Sequence[rules.Benchmark]) -> list[str]:
    """Populations and metrics that nothing here is called: meant so, or misspelt."""
    names = [(one.population, POPULATIONS) for one in figures]
    names += [(one.metric, METRICS) for one in figures]
    return list(dict.fromkeys(name for name, known in names if name not in known))
