"""Published reports as pages and as PDF; for analysts, any run before it is published."""

import json
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from flask import Response, make_response

from marketplace.core.errors import NotFound
from marketplace.core.ports import Cache, PdfRenderer
from marketplace.identity.access import public, require
from marketplace.outcomes.queries import survey
from marketplace.pages.public import report_view as view
from marketplace.pages.public.report_parts import Section
from marketplace.pages.view import Pages, Reader, page, reader
from marketplace.reporting.errors import ReportNotReady
from marketplace.reporting.queries import runs
from marketplace.reporting.rules import charts
from marketplace.reporting.service import reports
from marketplace.web import context
from marketplace.web.limits import seldom

KEPT = timedelta(days=1)

blueprint = Pages("report_pages")


class Frozen(Protocol):
    """What the pages read of a report that was asked for; no result until a job has made it."""

    @property
    def id(self) -> UUID: ...
    @property
    def match_year(self) -> int: ...
    @property
    def as_of(self) -> datetime: ...
    @property
    def public(self) -> bool: ...
    @property
    def result(self) -> str | None: ...
    @property
    def result_sha256(self) -> bytes | None: ...
    @property
    def failure(self) -> str | None: ...


@blueprint.get("/reports")
@public
def list_reports() -> Response:
    """The Match years that a report is published of, with their rates."""
    who = reader()
    documents = _all_years()
    return page(
        "reports/list.html",
        reader=who,
        canonical="/reports",
        years=[document["match_year"] for document in reversed(documents)],
        trend=view.trend(who, documents) if documents else None,
        draw=charts.svg,
    )


@blueprint.get("/reports/match/<int:match_year>")
@public
def read(match_year: int) -> Response:
    """The published report of a Match year."""
    return _page(reports.published(context.session(), match_year))


@blueprint.get("/reports/match/<int:match_year>/report.pdf")
@public
@seldom("report-pdf")
def read_pdf(match_year: int) -> Response:
    """The same on paper."""
    return _pdf(reports.published(context.session(), match_year))


@blueprint.get("/reports/runs/<uuid:run_id>")
@require("analyst", "operator")
def preview(run_id: UUID) -> Response:
    """Any frozen report as a page: the whole one with its small counts, too."""
    return _page(_run(run_id))


@blueprint.get("/reports/runs/<uuid:run_id>/report.pdf")
@require("analyst", "operator")
def preview_pdf(run_id: UUID) -> Response:
    """Any frozen report on paper."""
    return _pdf(_run(run_id))


def _run(run_id: UUID) -> Frozen:
    run = runs.report_run(context.session(), run_id)
    if run is None:
        raise NotFound
    return run


def _page(run: Frozen) -> Response:
    who = reader()
    address = f"/reports/match/{run.match_year}" if run.public else f"/reports/runs/{run.id}"
    return page(
        "reports/report.html",
        reader=who,
        canonical=address if run.public else None,
        run=run,
        sections=_sections(who, run),
        sha256=_sha256(run),
        draw=charts.svg,
        address=address,
    )


def _pdf(run: Frozen) -> Response:
    """The PDF as it was set before, if the cache still has it; the same data gives the same bytes."""
    who = reader()
    cache = context.parts().get(Cache)
    key = f"report-pdf:{_sha256(run)}:{len(_all_years())}:{who.language}"
    made = cache.get(key)
    if made is None:
        made = context.parts().get(PdfRenderer).render("report", _paper(who, run))
        cache.set(key, made, KEPT)
    response = make_response(made)
    response.mimetype = "application/pdf"
    name = f"match-{run.match_year}-{who.language}.pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.vary.update(("Accept-Language", "Cookie"))
    return response


def _paper(who: Reader, run: Frozen) -> dict[str, Any]:
    return {
        "title": who.say("Outcomes in the %(year)s Match", year=run.match_year),
        "as_of": who.say("As of %(moment)s", moment=who.moment(run.as_of)),
        "language": who.language,
        "hash": f"SHA-256 {_sha256(run)}",
        "sections": [
            {
                "title": one.title,
                "texts": list(one.texts),
                "sentences": list(one.sentences),
                "chart": charts.svg(one.chart, one.title, charts.PAPER) if one.chart else None,
                "columns": list(one.table.columns) if one.table else [],
                "rows": [list(row) for row in one.table.rows] if one.table else [],
            }
            for one in _sections(who, run)
        ],
    }


def _sections(who: Reader, run: Frozen) -> list[Section]:
    if run.result is None:
        raise ReportNotReady(run.failure)
    return view.sections(who, json.loads(run.result), _all_years(), _fielding(who, run.match_year))


def _all_years() -> list[dict[str, Any]]:
    found = runs.published_of_all_years(context.session())
    return [json.loads(run.result) for run in found if run.result is not None]


def _fielding(who: Reader, match_year: int) -> dict[str, str]:
    campaign = survey.campaign_of_year(context.session(), match_year)
    if campaign is None:
        return {}
    return {
        "dates": f"{who.day(campaign.opens_on)} – {who.day(campaign.closes_on)}",
        "questionnaire": campaign.questionnaire_version,
    }


def _sha256(run: Frozen) -> str:
    if run.result_sha256 is None:
        raise ReportNotReady(run.failure)
    return run.result_sha256.hex()
