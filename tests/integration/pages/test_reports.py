"""A published report as page and PDF: the frozen figures, hidden where they are hidden."""

import json
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from marketplace.core.db import edge
from marketplace.pages.public import report_view
from marketplace.pages.view import Reader
from marketplace.reporting.service.benchmarks import load_shipped
from marketplace.reporting.service.panel_import import import_panel
from tests.integration.reporting.conftest import PANEL, TAKEN_IN, YEAR

API = "/api/v1"


@pytest.fixture
def analyst(people):
    return people.make("analyst")


@pytest.fixture
def freeze(sessions, client, analyst, run_jobs):
    with sessions() as session, edge(session):
        load_shipped(session, TAKEN_IN)
        import_panel(session, "\n".join(PANEL.splitlines()[:60]), YEAR, TAKEN_IN)

    def make(*, public):
        path = f"{API}/reports/match/{YEAR}/runs"
        run = client.post(path, json={"public": public}, headers=analyst.headers).get_json()
        run_jobs()
        return run["id"]

    return make


def test_the_page_shows_what_is_published_and_nothing_else(
    freeze, client, count_queries, analyst, clock
):
    assert client.get(f"/reports/match/{YEAR}").status_code == 404
    whole = freeze(public=False)
    assert client.get(f"/reports/match/{YEAR}").status_code == 404
    assert client.get(f"/reports/runs/{whole}").status_code == 303
    preview = client.get(f"/reports/runs/{whole}", headers=analyst.headers)
    assert b"for analysts only" in preview.data
    clock.advance(timedelta(minutes=1))
    freeze(public=True)
    document = client.get(f"{API}/reports/match/{YEAR}").get_json()
    with count_queries() as queries:
        answer = client.get(f"/reports/match/{YEAR}")
    assert len(queries) <= 4
    body = answer.get_data(as_text=True)
    everyone = document["groups"]["all"]
    for words in ("Match rates", "From eligible to matched", "Response by wave", "Year by year",
                  "What was done (AAPOR disclosure)", "Methods"):  # fmt: skip
        assert f">{words}</h2>" in body
    assert body.count('<svg class="chart"') >= 4
    assert "<script" not in body
    assert "style=" not in body
    rates = re.search(r'<h2 id="rates">.*?</section>', body, re.DOTALL)[0]
    assert str(everyone["eligible"]) in rates
    for claim in document["claims"]:
        assert claim["text"].split(";")[0].replace("'", "&#39;") in body
    flow = re.search(r'<h2 id="flow">.*?</section>', body, re.DOTALL)[0]
    hidden = [name for name in ("registered", "active_applicants") if everyone[name] == "*"]
    assert flow.count(">*<") >= len(hidden)
    marks = re.search(r"<svg.*?</svg>", rates, re.DOTALL)[0].count("<circle")
    shown = [g for g in document["groups"].values() if g["match_rate"] not in ("*", None)]
    assert marks == len(shown)
    assert f"/reports/match/{YEAR}" in client.get("/reports").get_data(as_text=True)


def test_the_report_is_there_in_spanish_and_on_paper(freeze, client):
    freeze(public=True)
    spanish = {"Accept-Language": "es"}
    body = client.get(f"/reports/match/{YEAR}", headers=spanish).get_data(as_text=True)
    assert '<html lang="es">' in body
    assert ">Métodos</h2>" in body
    first = client.get(f"/reports/match/{YEAR}/report.pdf")
    assert first.mimetype == "application/pdf"
    assert first.data.startswith(b"%PDF")
    assert client.get(f"/reports/match/{YEAR}/report.pdf").data == first.data
    assert client.get(f"/reports/match/{YEAR}/report.pdf", headers=spanish).data != first.data


def test_a_report_of_the_first_method_has_its_page_still(freeze, client, session):
    """Frozen before there were groupings: without them, and without the waves."""
    run = freeze(public=True)
    result = json.loads(
        session.execute(
            text("SELECT result FROM report_run WHERE id = :id"), {"id": run}
        ).scalar_one()
    )
    del result["groupings"], result["method"]
    who = Reader(None, frozenset(), "en", ZoneInfo("UTC"))
    titles = [one.title for one in report_view.sections(who, result, [], {})]
    assert "By specialty of the rotation" not in titles
    assert "Match rates" in titles
